"""Find the direct answers in the text of an answer whose excerpts have no units."""

import re
from collections.abc import Iterator

from ragqa.answering import counterpart
from ragqa.types import Answer, Citation, Span


def direct_spans(answer: Answer) -> Iterator[Span]:
    """Yield the spans of an answer's text that answer directly, in order.

    Each lies in the excerpt of its citation: the text before its number.
    """
    start = 0
    for citation in answer.citations:
        number = re.compile(rf"(?<!\S)\[{citation.n}\](?!\S)").search(answer.text, start)
        if number is None:
            return
        place = _counterpart(citation, answer.text[start : number.start()])
        if place:
            yield start + place[0], start + place[1]
        start = number.end()


def _counterpart(citation: Citation, excerpt: str) -> Span | None:
    """The span of the direct answer in a rendered form of the quote."""
    if citation.span is None:
        return None
    start, end = (at - citation.chars[0] for at in citation.span)
    return counterpart(citation.quote, (start, end), excerpt)
