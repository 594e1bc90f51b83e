"""Split an excerpt into the blocks a reader sees, and give them as plain text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import ClassVar

from ragqa.text.shown import (
    QUOTE_MARKS,
    Shown,
    cells,
    mark_of,
    row_pairs,
    shown_apart,
    slices_shown,
    spaced,
    without_indent,
)
from ragqa.types import HIDDEN, Kind, Unit

CUT = "\u2026"
"""Marks where a list, table or sentence is cut."""

INDENT = "  "
"""The indent of each level of nesting."""

_MAX_COLUMN = 60
"""A longer cell shifts only the cells after it in its own row."""

_NOT_SHOWN = HIDDEN | {Kind.RULE}
_EMPTY_CELL = Shown.of("")


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph, heading, item, row without its header, front-matter key or block of code.

    `mark` is an item's bullet or number, "" where its beginning is not shown. `depth` is the number
    of items it is nested in.
    """

    kind: Kind
    text: Shown
    mark: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows have as many cells as its header."""

    kind: ClassVar[Kind] = Kind.TABLE_HEAD
    mark: ClassVar[str] = ""
    depth: ClassVar[int] = 0

    head: tuple[Shown, ...]
    rows: tuple[tuple[Shown, ...], ...]


Block = Line | Table


def blocks_of(quote: str, units: Sequence[Unit], start: int) -> list[Block]:
    """The visible blocks of an excerpt, in order, their own bracketed numbers as `[ 1 ]`.

    :param units: the excerpt's units.
    :param start: where the quote begins in the note.
    """
    groups = _groups(units)
    found: list[Block] = []
    for group, level in zip(groups, _levels(groups), strict=True):
        found += _block(group, level, quote, start)
    return found


def excerpt_text(blocks: Sequence[Block], cut: tuple[bool, bool] = (False, False)) -> str:
    """The plain text of an excerpt's blocks.

    A paragraph is one line unless a person broke it; items have dashes or numbers, nested ones an
    indent; a table is aligned under its header, and rows without it are `header: cell` pairs; code
    keeps its lines. Blank lines separate blocks.

    :param cut: whether its list, table or sentence continues before it, and after it.
    """
    if not blocks:
        return ""
    pieces = [_text(blocks[0])]
    for before, after in pairwise(blocks):
        pieces += ["\n\n" if apart(before, after) else "\n", _text(after)]
    if cut[0]:
        pieces.insert(0, f"{CUT} " if runs_on(blocks[0]) else f"{CUT}\n")
    if cut[1]:
        pieces.append(f" {CUT}" if runs_on(blocks[-1]) else f"\n{CUT}")
    return "".join(pieces)


def apart(before: Block, after: Block) -> bool:
    """Whether a blank line separates two blocks; not so for items, rows and front matter."""
    tight = (Kind.ITEM, Kind.ROW, Kind.PROPERTY)
    return before.kind is not after.kind or before.kind not in tight


def runs_on(block: Block) -> bool:
    """Whether a cut is marked within a block's line rather than on a line of its own."""
    return block.kind is Kind.PARAGRAPH or (block.kind is Kind.ITEM and not block.mark)


def _text(block: Block) -> str:
    if isinstance(block, Table):
        return "\n".join(_rows(block))
    indent = INDENT * block.depth
    below = f"\n{indent}{' ' * len(block.mark)}"
    return f"{indent}{block.mark}{block.text.text}".replace("\n", below)


def _rows(table: Table) -> Iterator[str]:
    """The lines of a table, its columns aligned."""
    rows = [table.head, *table.rows]
    columns = zip(*rows, strict=True)
    widths = [min(_MAX_COLUMN, max(cell.width for cell in column)) for column in columns]
    for number, row in enumerate(rows):
        cells = [
            cell.text + " " * (width - cell.width) for cell, width in zip(row, widths, strict=True)
        ]
        yield " | ".join(cells).rstrip()
        if number == 0:
            yield "-+-".join("-" * width for width in widths)


def _groups(units: Iterable[Unit]) -> list[list[Unit]]:
    """The units of each visible block, in order."""
    groups: list[list[Unit]] = []
    for unit in units:
        if groups and _goes_on(groups[-1], unit):
            groups[-1].append(unit)
        elif unit.kind not in _NOT_SHOWN:
            groups.append([unit])
    return groups


def _goes_on(group: Sequence[Unit], unit: Unit) -> bool:
    """Whether a unit belongs to the block of those before it."""
    first, last = group[0], group[-1]
    if (unit.section, unit.block) != (first.section, first.block):
        return False
    if first.kind is Kind.TABLE_HEAD and unit.kind is Kind.ROW:
        # A part of a row may begin in another column.
        return unit.labels == (last.labels if last.kind is Kind.ROW else unit.labels) != ()
    return unit.kind is first.kind is not Kind.ROW and not unit.begins


def _levels(groups: Iterable[Sequence[Unit]]) -> Iterator[int]:
    """How far to indent each block: below the items of its list that enclose it.

    If these are not in the excerpt, later ones that are nested less deeply show it.
    """
    for _, blocks in groupby((group[0] for group in groups), lambda unit: unit.block):
        depths = [unit.depth - (unit.kind is Kind.ITEM) for unit in blocks]
        around = sorted(set(accumulate(depths, min)))
        for depth in depths:
            while around and around[-1] >= depth:
                around.pop()
            yield len(around)
            around.append(depth)


def _block(group: Sequence[Unit], level: int, quote: str, start: int) -> Iterator[Block]:
    first = group[0]
    quotes = [quote[unit.start - start : unit.end - start] for unit in group]
    if first.kind is Kind.TABLE_HEAD:
        yield from _table(group, quotes)
        return
    if first.kind is Kind.ROW:
        text = row_pairs(first, quotes[0])
    else:
        pieces, end = list[Shown](), start
        is_code = first.kind is Kind.CODE
        for unit, own in zip(group, quotes, strict=True):
            piece = slices_shown(unit, own)
            if pieces and piece and (gap := quote[end - start : unit.start - start]):
                looks = pieces[-1].looks[-1] & piece.looks[0]
                space = Shown.added(" ", end, looks)
                pieces.append(Shown.of(gap, end).without(QUOTE_MARKS) if is_code else space)
            pieces += [piece] * bool(piece)
            end = unit.end
        text = Shown.joined(pieces)
        if is_code:
            is_whole = bool(first.slices and first.slices[0].start)
            text = without_indent(text, is_whole=is_whole)
        else:
            text = spaced(text, lines=True)
        if first.kind is Kind.PROPERTY and first.context:
            text = Shown.joined([Shown.added(f"{first.context}: "), text])
    if text.text.strip():
        mark = mark_of(first, quotes[0])
        yield Line(first.kind, shown_apart(text), mark, level)


def _table(group: Sequence[Unit], quotes: Sequence[str]) -> Iterator[Table]:
    rows: list[list[Shown]] = []
    for unit, quote in zip(group, quotes, strict=True):
        own = [shown_apart(cell) for cell in cells(unit, quote)]
        if rows and unit.kind is Kind.TABLE_HEAD:
            rows[0] += own
        else:
            rows.append(own)
    width = max(map(len, rows))
    head, *rest = [(*row, *[_EMPTY_CELL] * (width - len(row))) for row in rows]
    if any(head) or any(map(any, rest)):
        yield Table(head, tuple(rest))
