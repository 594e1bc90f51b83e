"""What answers a question directly, in an answer's text."""

import re
from collections.abc import Iterator

from ragqa.answering import counterpart
from ragqa.answering.excerpt_text import excerpt_text, place_in_excerpt
from ragqa.answering.seen import Span
from ragqa.types import Answer, Citation


def direct_spans(answer: Answer) -> Iterator[Span]:
    """The characters of an answer's text that answer directly, in order.

    Each stands in the excerpt of its citation, which is what comes before its number.
    """
    start = 0
    for citation in answer.citations:
        shown = _text(citation)
        at = answer.text.find(shown, start) if shown else -1
        number = re.compile(rf"(?<!\S)\[{citation.n}\](?!\S)").search(
            answer.text, start if at < 0 else at + len(shown)
        )
        if number is None:
            return
        if at < 0:
            at = start
            place = _counterpart(citation, answer.text[start : number.start()])
        else:
            place = _place(citation)
        if place:
            yield at + place[0], at + place[1]
        start = number.end()


def _text(citation: Citation) -> str:
    """An excerpt as its answer's text has it, mostly; "" for what is not told by its units."""
    if not citation.units:
        return ""
    return excerpt_text(citation.quote, citation.units, citation.chars[0], citation.cut)


def _place(citation: Citation) -> Span | None:
    """The characters of an excerpt's text that answer directly."""
    if citation.span is None:
        return None
    units, first = citation.units, citation.chars[0]
    return place_in_excerpt(citation.span, citation.quote, units, first, citation.cut)


def _counterpart(citation: Citation, said: str) -> Span | None:
    """The same in another form of its quote."""
    if citation.span is None:
        return None
    start, end = (at - citation.chars[0] for at in citation.span)
    return counterpart(citation.quote, (start, end), said)
