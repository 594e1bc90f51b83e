"""An answer as a Markdown file: sources with quotes, and a record for `ragqa verify`."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from ragqa.chatting import Exchange, numbered
from ragqa.notes.formats import fragment
from ragqa.render import view
from ragqa.render.excerpts import words_of
from ragqa.render.markdown_text import (
    escaped,
    excerpts_markdown,
    fenced,
    piece_of_line,
    with_bold,
    within_line,
)
from ragqa.render.view import warnings_of
from ragqa.types import Answer, Citation
from ragqa.verifying.saved import record_of

_INDENT = "   "
_FIRST = 80
"""The characters that are shown of a further excerpt."""

_VERIFY_BY = (
    "From this record, `ragqa verify FILE` can check later whether the notes still say the same.\n"
)
_NO_SOURCE = "This record marks the file as an answer, so that ragqa quotes nothing from it.\n"


def answer_markdown(answer: Answer, *, record: bool = True) -> str:
    """Return the answer as Markdown, with links, images and HTML from notes escaped."""
    title = f"# {escaped(answer.question)}\n"
    return "\n".join([title, *_body(answer, "##"), *(_record(answer) if record else ())])


def chat_markdown(exchanges: Sequence[Exchange]) -> str:
    """Return a chat as Markdown, escaped like an answer, with one record of all citations.

    :param exchanges: at least one.
    """
    exchanges = list(numbered(exchanges))
    blocks = ["# Chat\n"]
    for exchange in exchanges:
        blocks += _exchange(exchange)
    last = exchanges[-1].answer
    first = exchanges[0].asked
    rest = len(exchanges) - 1
    cited = tuple(citation for one in exchanges for citation in one.answer.citations)
    title = f"{first} (and {rest} more)" if rest else first
    blocks += _record(replace(last, question=title, citations=cited))
    return "\n".join(blocks)


def _exchange(exchange: Exchange) -> Iterator[str]:
    answer = exchange.answer
    yield f"## {escaped(exchange.asked)}\n"
    if answer.question != exchange.asked:
        yield f"Asked as: {escaped(answer.question)}\n"
    yield from _body(answer, "###")


def _body(answer: Answer, level: str) -> Iterator[str]:
    """The answer and its sources, under headings of a level."""
    if answer.corrected:
        yield f"{escaped(view.corrected_line(answer.corrected))}\n"
    yield from _answer(answer)
    yield from _disagreements(answer)
    if answer.citations:
        yield f"{level} Sources\n"
        for cited in answer.citations:
            yield f"{cited.n}. {_cited(cited)}\n\n{_quoted(cited.quote)}\n"
        if answer.also:
            yield f"{level} Further excerpts\n"
            yield "".join(f"{one.n}. {_in_a_line(one)}\n" for one in answer.also)
    elif answer.hits:
        yield f"{level} Nearest passages\n"
        for n, hit in enumerate(answer.hits, start=1):
            passage = hit.passage
            shown = view.address(passage.path, passage.lines, hit.locator)
            place = _place(passage.path, shown, passage.heading, hit.locator)
            yield f"{n}. {place}\n\n{_quoted(passage.text, '')}\n"
    if warnings := warnings_of(answer):
        yield f"{level} Warnings\n"
        yield "".join(f"- {escaped(warning)}\n" for warning in warnings)


def _record(answer: Answer) -> Iterator[str]:
    """The record that `ragqa verify` reads."""
    yield _VERIFY_BY if answer.citations else _NO_SOURCE
    yield f"```json\n{record_of(answer)}\n```\n"


def _answer(answer: Answer) -> Iterator[str]:
    """The answer, and how far to trust it."""
    trust = view.trust_line(answer)
    if answer.written is not None and answer.written.grounded:
        from ragqa.render.generation import written_by, written_markdown

        yield f"{written_markdown(answer.written, within_line).strip()}\n"
        if trust:
            yield f"**{escaped(trust)}**\n"
        yield f"{escaped(written_by(answer.written))}\n"
        return
    if trust:
        yield f"**{escaped(trust)}**\n"
    if answer.citations:
        yield f"{excerpts_markdown(answer.citations)}\n"


def _disagreements(answer: Answer) -> Iterator[str]:
    """The statements that disagree, with the differing words in bold."""
    for one in answer.disagreements:
        yield f"**{view.DISAGREE[one.about]}**\n"
        for citation, text, span in zip(one.citations, one.texts, one.spans, strict=True):
            yield f"- {_cited(citation, undated='no date')}\n\n  {with_bold(text, [span])}\n"


def _quoted(text: str, info: str = "text") -> str:
    """A verbatim quote, indented below a list number; `verify` compares those marked as text."""
    return f"\n{fenced(text, info)}".replace("\n", f"\n{_INDENT}").removeprefix("\n")


def _in_a_line(citation: Citation) -> str:
    """The place of a citation, and the first words of its quote."""
    words = words_of(citation)
    cut = f"{words[:_FIRST].rsplit(' ', 1)[0]} \u2026" if len(words) > _FIRST else words
    return f"{_cited(citation)}: {escaped(cut)}"


def _cited(citation: Citation, *, undated: str = "") -> str:
    """The place of a citation, with the date of its note."""
    when = view.date_of(citation) or undated
    shown = view.address(citation.path, citation.lines, citation.locator)
    return _place(citation.path, shown, citation.heading, citation.locator, when and f" ({when})")


def _place(path: str, shown: str, heading: Sequence[str], locator: str, when: str = "") -> str:
    """A place as shown, date and headings; the link is relative to the notes' folder."""
    target = quote(os.fsencode(path), safe="/") + fragment(locator)
    link = f"[{escaped(shown)}]({target})"
    return " \u203a ".join([f"{link}{piece_of_line(when)}", *map(escaped, heading)])
