"""From plain text to blocks, told by their lines: hard-wrapped, long, or short and alone."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

from ragqa.notes.blocks import (
    COLONS,
    Hidden,
    column_labels,
    masked,
    one_line,
    paragraph_or_rule,
)
from ragqa.notes.markdown import Inline
from ragqa.types import Block, Kind, Span

MAX_TITLE_CHARS = 120
MAX_HEADING_CHARS = 80

MIN_WRAP_CHARS = 50
MAX_WRAP_CHARS = 100
"""Bounds on the longest line of hard-wrapped text."""

_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪·\u2013]|\d{1,3}[.)])(?:\s+(?P<words>\S.*))?")
_DELIMITER_ROW = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?")
_CELL_END = re.compile(r"(?<!\\)\|")
_UNDERLINE = re.compile(r"([=~*^_#-])\1{2,}")
_SENTENCE_ENDS = tuple(".?!:;,\u2026\u3002\uff1f\uff01\uff1a\uff1b\uff0c\u3001")
_STATEMENT_ENDS = tuple(".!\u2026\u3002\uff01")
# A line's first word, or first character in a script that breaks lines anywhere.
_FIRST_WORD = re.compile(r"[!-\u2e7f]+|\S")

_Text: TypeAlias = tuple[Kind, int, int, int]
"""The kind of a heading or paragraph, its first line and the one after its last, and its level."""


def plain_blocks(hidden: Hidden, spans: Sequence[Span], inline: Inline) -> Iterator[Block]:
    """The blocks of these lines of plain text, without what is hidden in them."""
    while hidden.at < len(hidden.text):
        hidden.read(hidden.at)
    shown = masked(hidden.text, hidden.spans)
    note = _Lines(spans, [shown[first:last].rstrip() for first, last in spans])
    for line in note.lines:
        inline.read(line, with_tags=False)
    return note.blocks()


class _Lines:
    """The lines of a plain text; `indents` are those of the open items."""

    def __init__(self, spans: Sequence[Span], lines: Sequence[str]) -> None:
        self.lines = lines
        self._spans = spans
        self._starts = [start for start, _ in spans]
        self._width = _wrap_width(lines)
        self._indents: list[int] = []
        self._introduction = ""
        self._group = 0
        self._first = next((at for at, line in enumerate(lines) if line), 0)

    def blocks(self) -> Iterator[Block]:
        """The blocks, in order."""
        at = 0
        while at < len(self.lines):
            if not self.lines[at]:
                at += 1
                continue
            blocks = self._table(at) or self._item(at) or self._text(at)
            yield from blocks
            at = bisect_right(self._starts, blocks[-1].end)
            if blocks[0].kind is not Kind.ITEM:
                last = self.lines[at - 1].strip()
                introduces = last.endswith(COLONS) and blocks[0].kind is not Kind.TABLE_HEAD
                self._indents, self._introduction = [], one_line(last) if introduces else ""

    def _block(self, kind: Kind, first: int, last: int, level: int = 0, label: str = "") -> Block:
        """A block of some lines, `last` exclusive."""
        return Block(
            kind, self._spans[first][0], self._spans[last - 1][1], level, label, group=self._group
        )

    def _table(self, at: int) -> list[Block]:
        """The table that begins here: a header, a row of dashes, rows; [] if there is none."""
        if not self._begins_table(at):
            return []
        inner = self.lines[at].strip().removeprefix("|").removesuffix("|")
        labels = column_labels(cell.replace("\\|", "|") for cell in _CELL_END.split(inner))
        self._group += 1
        blocks = [self._block(Kind.TABLE_HEAD, at, at + 2)]
        for row in range(at + 2, len(self.lines)):
            if "|" not in self.lines[row]:
                break
            blocks.append(replace(self._block(Kind.ROW, row, row + 1), labels=labels))
        return blocks

    def _item(self, at: int) -> list[Block]:
        """The list item that begins here, with the lines that belong to it; [] if there is none."""
        item = _ITEM.fullmatch(self.lines[at])
        if item is None or _is_rule(self.lines[at]):
            return []
        last = at + 1
        if item["words"] is None:
            # A web page's bullet, saved on a line of its own.
            if not self._is_text(last):
                return []
            last += 1
        indent = _indent(self.lines[at])
        while self._is_text(last) and (
            _indent(self.lines[last]) > indent or self._is_wrapped(last - 1)
        ):
            last += 1
        self._group += not self._indents
        while self._indents and self._indents[-1] >= indent:
            self._indents.pop()
        self._indents.append(indent)
        return [self._block(Kind.ITEM, at, last, len(self._indents), self._introduction)]

    def _text(self, at: int) -> list[Block]:
        """The rule, or the run of headings and paragraphs, that begins here."""
        if _is_rule(self.lines[at]):
            kinds = [(Kind.RULE, at, at + 1, 0)]
        elif self._is_underlined(at):
            kinds = [(Kind.HEADING, at, at + 2, 1 if at == self._first else 2)]
        else:
            kinds = list(_without_lists_of_headings(self._paragraphs(at)))
        blocks: list[Block] = []
        for kind, first, last, level in kinds:
            goes_on = bool(blocks) and blocks[-1].kind is kind is Kind.PARAGRAPH
            self._group += not goes_on
            label = one_line(self.lines[first]) if kind is Kind.HEADING else ""
            blocks.append(replace(self._block(kind, first, last, level, label), begins=not goes_on))
        return blocks

    def _paragraphs(self, at: int) -> Iterator[_Text]:
        """The headings and paragraphs down to the next line that is neither."""
        last = at
        while last == at or self._is_text(last):
            first, last = last, last + 1
            while self._is_text(last) and self._is_wrapped(last - 1):
                last += 1
            line = self.lines[first]
            may_be_title = len(line.strip()) <= MAX_TITLE_CHARS and _has_words(line)
            begins = first == self._first
            is_title = begins and may_be_title and not line.endswith(_STATEMENT_ENDS)
            is_all = begins and not any(self.lines[last:])
            if last == first + 1 and (is_title or is_short(line)) and not is_all:
                yield Kind.HEADING, first, last, 1 if is_title else 2
            else:
                yield paragraph_or_rule("".join(self.lines[first:last])), first, last, 0

    def _is_text(self, at: int) -> bool:
        """Whether a line is neither blank nor the start of an item, table, rule or underlining."""
        return (
            at < len(self.lines)
            and bool(self.lines[at])
            and not _ITEM.fullmatch(self.lines[at])
            and not _is_rule(self.lines[at])
            and not self._is_underlined(at)
            and not self._begins_table(at)
        )

    def _is_wrapped(self, at: int) -> bool:
        """Whether a line ends because the next word did not fit."""
        word = _FIRST_WORD.match(self.lines[at + 1].lstrip())
        size = len(self.lines[at])
        return size <= self._width and word is not None and size + 1 + len(word[0]) > self._width

    def _is_underlined(self, at: int) -> bool:
        return is_short(self.lines[at]) and _UNDERLINE.fullmatch(self._below(at)) is not None

    def _begins_table(self, at: int) -> bool:
        return "|" in self.lines[at] and _DELIMITER_ROW.fullmatch(self._below(at)) is not None

    def _below(self, at: int) -> str:
        """The line below this one, stripped; "" after the last."""
        return self.lines[at + 1].strip() if at + 1 < len(self.lines) else ""


def _wrap_width(lines: Sequence[str]) -> int:
    """The width of hard-wrapped text, most of whose lines are about as long, or 0."""
    lengths = [len(line) for line in lines if line and "|" not in line]
    width = max((length for length in lengths if length <= MAX_WRAP_CHARS), default=0)
    full = sum(0.8 * width <= length <= width for length in lengths)
    longer = sum(length > width for length in lengths)
    are_enough = full >= 0.4 * len(lengths) and longer <= 0.1 * len(lengths)
    return width if width >= MIN_WRAP_CHARS and are_enough else 0


def _without_lists_of_headings(texts: Iterable[_Text]) -> Iterator[_Text]:
    """Turn consecutive headings into a paragraph: addresses, verse, shopping lists."""
    for level, group in groupby(texts, lambda text: text[3]):
        run = list(group)
        if level == 2 and len(run) > 1:
            yield Kind.PARAGRAPH, run[0][1], run[-1][2], 0
        else:
            yield from run


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(4))


def _is_rule(line: str) -> bool:
    """Whether a line is punctuation alone; one or two marks may be a bullet or a smiley."""
    return len(line.strip()) > 2 and not _has_words(line)


def is_short(line: str) -> bool:
    """Whether a line on its own reads as a heading."""
    line = line.strip()
    return (
        len(line) <= MAX_HEADING_CHARS
        and not line.endswith(_SENTENCE_ENDS)
        and "://" not in line
        and _has_words(line)
    )


def _has_words(line: str) -> bool:
    return paragraph_or_rule(line) is Kind.PARAGRAPH
