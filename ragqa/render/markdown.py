"""An answer as a Markdown file: sources with quotes, and a record for `ragqa verify`.

Links, images and HTML of notes are escaped. Lists, tables and code of an excerpt keep their markup.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from textwrap import indent
from typing import TYPE_CHECKING
from urllib.parse import quote

from ragqa.answering.excerpt_blocks import CUT, ExcerptBlock, apart, runs_on
from ragqa.notes.formats import fragment
from ragqa.reference import reference_to
from ragqa.render import view
from ragqa.render.excerpts import quoted_words, sides
from ragqa.safe import safe_line, safe_text
from ragqa.saved import defused, record_of
from ragqa.text.dates import date_shown
from ragqa.types import Answer, Citation, Kind, Passage, WrittenSentence
from ragqa.types.answers import Cited

if TYPE_CHECKING:
    from ragqa.follow_ups import Exchange

# Starts markup in CommonMark, GitHub's dialect, Obsidian or TeX math. Escaping the bracket
# disarms an image; lists are escaped at the start of a line only.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$^=%&@]|(?<=www)\.|(?<=mailto):|:(?=//|:)", re.IGNORECASE)
_LIST = re.compile(r"^(\d{0,9})(?=[-+:.)])", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{2,}")
_SPACE = re.compile(r"\s+")
_FENCE_END = re.compile(r"\n*[ \t]*(?:`{3,}|~{3,})[ \t]*\Z|\n+\Z")

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


def chat_markdown(exchanges: "Sequence[Exchange]") -> str:
    """Return a chat as Markdown, escaped like an answer, with one record of all citations.

    :param exchanges: at least one.
    """
    from ragqa.follow_ups import numbered  # late: a single answer does not need it

    exchanges = list(numbered(exchanges))
    blocks = ["# Chat\n"]
    for exchange in exchanges:
        asked, answer = exchange.asked, exchange.answer
        blocks.append(f"## {escaped(asked)}\n")
        if answer.question != asked:
            blocks.append(f"Asked as: {escaped(answer.question)}\n")
        blocks += _body(answer, "###")
    first = exchanges[0].asked
    rest = len(exchanges) - 1
    cited = tuple(citation for exchange in exchanges for citation in exchange.answer.citations)
    title = f"{first} (and {rest} more)" if rest else first
    blocks += _record(replace(exchanges[-1].answer, question=title, citations=cited))
    return "\n".join(blocks)


def _body(answer: Answer, level: str) -> Iterator[str]:
    """The answer and its sources, under headings of a level."""
    if answer.corrected:
        yield f"{escaped(view.corrected_line(answer.corrected))}\n"
    yield from _answer(answer)
    if answer.earlier:
        yield f"{level} {view.history_title(answer)}\n"
        yield "".join(
            f"- {citation.date} {_further(citation, whole=False)}\n" for citation in answer.earlier
        )
    if answer.citations:
        yield f"{level} Sources\n"
        for citation in answer.citations:
            place = _place(citation, citation.locator)
            yield f"{citation.n}. {place}\n\n{_quoted(citation.quote)}\n"
        if answer.also:
            yield f"{level} Further excerpts\n"
            whole, end = not answer.sure, "" if answer.sure else "\n"
            yield "".join(
                f"{citation.n}. {_further(citation, whole=whole)}\n{end}"
                for citation in answer.also
            )
    elif answer.hits:
        yield f"{level} Nearest passages\n"
        for n, hit in enumerate(answer.hits, start=1):
            place = _place(hit.passage, hit.locator)
            yield f"{n}. {place}\n\n{_quoted(hit.passage.text, '')}\n"
    if warnings := answer.every_warning:
        yield f"{level} Warnings\n"
        yield "".join(f"- {escaped(warning)}\n" for warning in warnings)


def _record(answer: Answer) -> Iterator[str]:
    """The record that `ragqa verify` reads."""
    yield _VERIFY_BY if answer.citations else _NO_SOURCE
    yield f"```json\n{record_of(answer)}\n```\n"


def _answer(answer: Answer) -> Iterator[str]:
    """The answer, and how far to trust it."""
    written = answer.written if answer.written and answer.written.is_answer else None
    if written:
        yield f"{''.join(map(_written, written.sentences)).strip()}\n"
    if trust := view.trust_line(answer):
        yield f"**{escaped(trust)}**\n"
    if written:
        yield f"{escaped(view.written_by(written))}\n"
    elif answer.citations:
        yield "\n\n".join(map(excerpt_markdown, answer.citations)) + "\n"


def _quoted(text: str, info: str = "text") -> str:
    """A verbatim quote, indented below a list number; `verify` compares those marked as text."""
    return f"\n{fenced(text, info)}".replace("\n", f"\n{_INDENT}").removeprefix("\n")


def _further(citation: Citation, *, whole: bool) -> str:
    """The place of a citation, and its quote or the first words of it."""
    place = _place(citation, citation.locator)
    if whole:
        return f"{place}\n\n{_quoted(citation.quote, '')}"
    words = quoted_words(citation)
    cut = f"{words[:_FIRST].rsplit(' ', 1)[0]} \u2026" if len(words) > _FIRST else words
    return f"{place}: {escaped(cut)}"


def _place(source: Citation | Passage, locator: str) -> str:
    """A place with the date of its note and its headings, linked from the notes' folder."""
    date = date_shown(source)
    when = date and f" ({within_line(date)})"
    target = quote(os.fsencode(source.path), safe="/") + fragment(locator)
    link = f"[{escaped(reference_to(source.path, source.lines, locator))}]({target})"
    return view.BELOW.join([f"{link}{when}", *map(escaped, source.heading)])


def _written(sentence: WrittenSentence) -> str:
    """A sentence of an LLM: lists and code keep their markup, the rest is escaped."""
    lead, mark = sentence.lead.replace("#", ""), within_line(view.source_mark(sentence))
    if "\n" not in sentence.text:
        # Markdown ignores a single line break.
        lead = "\\\n" if lead.strip(" ") == "\n" else lead
        return f"{lead}{_cited(sentence.cited)}{mark and ' '}{mark}"
    code = _FENCE_END.sub("", sentence.text.partition("\n")[2])
    # No language: `ragqa verify` takes a block marked `text` for a quote.
    numbers = _cited(sentence.cited[len(sentence.parts) :]).strip()
    return f"\n\n{fenced(code)}\n\n{numbers}{mark and ' '}{mark}\n"


def _cited(parts: Cited) -> str:
    """The numbers of citations as they are, since nothing in the file makes them links."""
    return "".join(f"[{part}]" if isinstance(part, int) else _escape(part) for part in parts)


def escaped(text: str) -> str:
    """Escape text so that Markdown shows it literally, on one line."""
    return _LIST.sub(r"\1\\", within_line(text))


def within_line(text: str) -> str:
    """Like `escaped`, for text that does not begin a line."""
    return _escape(text).strip(" ")


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", safe_line(_SPACE.sub(" ", text)))


def _lines(text: str) -> str:
    """Escape text and keep its line breaks."""
    # A backslash at the end of a line keeps the line break.
    blocks = _BLANK_LINES.split(safe_text(text))
    shown = "\n\n".join("\\\n".join(map(within_line, block.split("\n"))) for block in blocks)
    return _LIST.sub(r"\1\\", shown.strip())


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block, with a fence longer than any in the text.

    :param language: use `text` for quotes only: `ragqa verify` compares them with the record.
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{safe_text(defused(text))}\n{fence}"


def _placed(blocks: Sequence[ExcerptBlock]) -> Iterator[tuple[ExcerptBlock, int]]:
    """Each block, and the columns of indent that nest it in its list items."""
    inside: list[ExcerptBlock] = []
    for block in blocks:
        while inside and inside[-1].depth >= block.depth:
            inside.pop()
        # Indent by the items in the excerpt; parents outside it do not count.
        yield block, sum(len(item.mark) for item in inside)
        if block.kind is Kind.ITEM:
            inside.append(block)


def excerpt_markdown(citation: Citation) -> str:
    """An excerpt as Markdown with its number, between block quotes of what stands around it."""
    cut = citation.cut
    before, quoted, after = sides(citation)
    pieces = (
        indent(_drawn(before, "", (cut[0], False)), "> ", lambda _: True),
        _drawn(quoted, f"[{citation.n}]", (cut[0] and not before, cut[1] and not after)),
        indent(_drawn(after, "", (False, cut[1])), "> ", lambda _: True),
    )
    return "\n\n".join(filter(None, pieces))


def _drawn(blocks: Sequence[ExcerptBlock], number: str, cut: tuple[bool, bool]) -> str:
    """An excerpt's blocks with separators, ellipses and, if it has one, its number."""
    placed = list(_placed(blocks))
    if not placed:
        return number
    pieces = [_block(*placed[0])]
    for (before, outer), (after, inner) in pairwise(placed):
        pieces += [_separator(before, after, is_nested=inner > outer), _block(after, inner)]
    (last, inner), (is_cut_before, is_cut_after) = placed[-1], cut
    if is_cut_before:
        pieces.insert(0, f"{CUT} " if runs_on(placed[0][0]) else f"{CUT}\n\n")
    if is_cut_after:
        pieces.append(f" {CUT}" if runs_on(last) else f"\n\n{CUT}")
    # Below a list the number keeps the next excerpt from going on with it.
    is_apart = last.mark or inner or last.kind in (Kind.TABLE_HEAD, Kind.CODE)
    is_below = is_apart and (runs_on(last) or not is_cut_after)
    return "".join([*pieces, "\n\n" if is_below else " ", number]).rstrip()


def _separator(before: ExcerptBlock, after: ExcerptBlock, *, is_nested: bool) -> str:
    """Between two blocks: a blank line, except between items of a list, rows or properties."""
    if apart(before, after):
        return "\n\n"
    if after.kind is not Kind.ITEM:
        return "\\\n"
    # Markdown lets only these markers start a nested list directly below a line of text.
    is_tight = before.mark and after.mark and (not is_nested or after.mark in ("- ", "1. ", "1) "))
    return "\n" if is_tight else "\n\n"


def _block(block: ExcerptBlock, columns: int) -> str:
    """A block with its list marker, each line indented by so many columns."""
    if block.kind is Kind.TABLE_HEAD:
        rows = [list(map(within_line, row)) for row in block.rows]
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    if block.kind is Kind.CODE:
        shown = fenced(block.text)
    elif block.kind is Kind.HEADING:
        shown = f"**{within_line(block.text)}**"
    else:
        shown = _lines(block.text)
    first, below = " " * columns, " " * (columns + len(block.mark))
    return f"{first}{block.mark}{shown}".replace("\n", f"\n{below}")
