"""Untrusted text and excerpts of notes as Markdown that holds no link, image or HTML.

Lists, tables and code of an excerpt keep their markup; the rest is escaped.
"""

import re
import string
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from ragqa.answering.excerpt_blocks import CUT, Block, Line, Table, apart, runs_on
from ragqa.render.excerpts import blocks
from ragqa.safe import safe_line, safe_text
from ragqa.text.seen import Seen
from ragqa.types import Citation, Kind, Span
from ragqa.verifying.saved import defused

# Starts markup in CommonMark, GitHub's dialect, Obsidian or TeX math. Escaping the bracket
# disarms an image; lists are escaped at the start of a line only.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$^=%&@]|(?<=www)\.|(?<=mailto):|:(?=//|:)", re.IGNORECASE)
_LIST = re.compile(r"^(\d{0,9})(?=[-+:.)])", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{2,}")

# Markdown lets only these markers start a nested list directly below a line of text.
_MAY_FOLLOW_TEXT = ("- ", "1. ", "1) ")
_ONE_LINE = str.maketrans("\r\n", "  ")


def escaped(text: str) -> str:
    """Escape text so that Markdown shows it literally, on one line."""
    return _LIST.sub(r"\1\\", within_line(text))


def within_line(text: str) -> str:
    """Like `escaped`, for text that does not begin a line."""
    return _MARKUP.sub(r"\\\g<0>", safe_line(" ".join(text.split())))


def with_bold(text: str, spans: Iterable[Span]) -> str:
    """Escape text, keep its line breaks, and set spans of it in bold."""
    return _LIST.sub(r"\1\\", with_bold_within_line(text, spans))


def with_bold_within_line(text: str, spans: Iterable[Span]) -> str:
    """Like `with_bold`, for text that does not begin a line.

    Spans that Markdown cannot set in bold stay plain.
    """
    pieces, end = [], 0
    for start, stop in spans:
        if _can_be_bold(text, start, stop):
            pieces += [piece_of_line(text[end:start]), f"**{piece_of_line(text[start:stop])}**"]
            end = stop
    return "".join([*pieces, piece_of_line(text[end:])]).strip()


def _can_be_bold(text: str, start: int, stop: int) -> bool:
    """Whether asterisks can open and close here; not between a letter and a sign (`US|$5`)."""
    if not 0 <= start < stop <= len(text):
        return False
    edges = [(text[start], text[:start][-1:]), (text[stop - 1], text[stop : stop + 1])]
    return all(
        inner.isalnum() or (inner.strip() and (not outer.strip() or outer in string.punctuation))
        for inner, outer in edges
    )


def piece_of_line(text: str) -> str:
    """Escape text within a line, keeping its line breaks and one space at either end."""
    # A backslash at the end of a line keeps the line break.
    blocks = _BLANK_LINES.split(safe_text(text))
    shown = "\n\n".join("\\\n".join(map(within_line, block.split("\n"))) for block in blocks)
    return f"{' ' * text[:1].isspace()}{shown}{' ' * text[-1:].isspace()}"


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block, with a fence longer than any in the text.

    :param language: use `text` for quotes only: `ragqa verify` compares them with the record.
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{safe_text(defused(text))}\n{fence}"


class _Placed(NamedTuple):
    """A block, and the columns of indent that nest it in its list items."""

    block: Block
    indent: int

    @property
    def mark(self) -> str:
        """The list marker of an item, "" for any other block."""
        return self.block.mark if isinstance(self.block, Line) else ""


def excerpts_markdown(citations: Iterable[Citation]) -> str:
    """Return excerpts as Markdown, each with its `[n]`; what answers directly is bold."""
    return "\n\n".join(map(_excerpt, citations))


def _placed(citation: Citation) -> Iterator[_Placed]:
    inside: list[Line] = []
    for block in blocks(citation):
        depth = block.depth if isinstance(block, Line) else 0
        while inside and inside[-1].depth >= depth:
            inside.pop()
        # Indent by the items in the excerpt; parents outside it do not count.
        yield _Placed(block, sum(len(item.mark) for item in inside))
        if isinstance(block, Line) and block.kind is Kind.ITEM:
            inside.append(block)


def _excerpt(citation: Citation) -> str:
    """The blocks of an excerpt with separators, ellipses and the citation number."""
    placed, number = list(_placed(citation)), escaped(f"[{citation.n}]")
    if not placed:
        return number
    pieces = [_block(placed[0], citation.span)]
    for before, after in pairwise(placed):
        pieces += [_separator(before, after), _block(after, citation.span)]
    last, (is_cut_before, is_cut_after) = placed[-1], citation.cut
    if is_cut_before:
        pieces.insert(0, f"{CUT} " if runs_on(placed[0].block) else f"{CUT}\n\n")
    if is_cut_after:
        pieces.append(f" {CUT}" if runs_on(last.block) else f"\n\n{CUT}")
    # Below a list the number keeps the next excerpt from going on with it.
    is_list = bool(last.mark or last.indent)
    is_apart = is_list or isinstance(last.block, Table) or last.block.kind is Kind.CODE
    is_below = is_apart and (runs_on(last.block) or not is_cut_after)
    return "".join([*pieces, "\n\n" if is_below else " ", number])


def _separator(before: _Placed, after: _Placed) -> str:
    """Between two blocks: a blank line, except between items of a list, rows or properties."""
    if apart(before.block, after.block):
        return "\n\n"
    if not isinstance(after.block, Line) or after.block.kind is not Kind.ITEM:
        return "\\\n"
    is_nested = after.indent > before.indent
    is_tight = before.mark and after.mark and (not is_nested or after.mark in _MAY_FOLLOW_TEXT)
    return "\n" if is_tight else "\n\n"


def _block(placed: _Placed, short: Span | None) -> str:
    """A block with its list marker, each line indented.

    :param short: the span of the direct answer in the note.
    """
    block = placed.block
    if isinstance(block, Table):
        return _table(block, short)
    if block.kind is Kind.CODE:
        shown = fenced(block.text.text)
    elif block.kind is Kind.HEADING:
        shown = f"**{within_line(block.text.text)}**"
    else:
        shown = with_bold(block.text.text, _bold_spans(block.text, short))
    first, below = " " * placed.indent, " " * (placed.indent + len(block.mark))
    return f"{first}{block.mark}{shown}".replace("\n", f"\n{below}")


def _table(table: Table, short: Span | None) -> str:
    rule = ["---"] * len(table.head)
    head, *rows = ([_cell(cell, short) for cell in row] for row in (table.head, *table.rows))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _cell(cell: Seen, short: Span | None) -> str:
    return with_bold_within_line(cell.text.translate(_ONE_LINE), _bold_spans(cell, short))


def _bold_spans(seen: Seen, short: Span | None) -> list[Span]:
    """The span of the direct answer in the text, if it is there."""
    place = seen.place(short) if short else None
    return [place] if place else []
