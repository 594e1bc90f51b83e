"""Split an excerpt into the blocks a reader sees, and give them as plain text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise

from ragqa.text.markdown import (
    HARD_BREAK,
    ITEM_MARK,
    LINE_BREAK,
    property_line,
    row_cells,
    row_pairs,
    words_of,
)
from ragqa.text.seen import Seen, seen_apart
from ragqa.text.words import compiled
from ragqa.types import HIDDEN, Kind, Span, Unit

CUT = "\u2026"
"""Marks where a list, table or sentence is cut."""

INDENT = "  "
"""The indent of each level of nesting."""

_MAX_COLUMN = 60
"""A longer cell shifts only the cells after it in its own row."""

_NOT_SHOWN = HIDDEN | {Kind.RULE}
_AROUND_HEAD = rf"\A{ITEM_MARK}|[\r\n]+[ \t>|:-]*\Z"
_QUOTE_MARKS = r"(?m)^[ \t]*(?:>[ \t]?)+"
_FENCE = r"\A[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:`{3,}|~{3,})[^\r\n]*(?:\r\n|\r|\n|\Z)"
_FENCE_END = r"(?:\A|\r\n|\r|\n)[ \t]*(?:`{3,}|~{3,})[ \t]*\Z"
_INDENT = r"(?m)^[ \t]*(?=\S)"
_QUOTED_CODE = r"(?:>[ \t]?)+(?:[ \t]{4}|`{3}|~{3})"
_CODE_INDENT = 4
_OPENING = (":", "{", "(", "[")
_BLANK_LINES = r"\A(?:[ \t]*[\r\n])+|(?<!\s)\s+\Z"
_EMPTY_CELL = Seen.of("")


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph, heading, item, row without its header, front-matter key or block of code.

    `mark` is an item's bullet or number, "" where its beginning is not shown. `depth` is the number
    of items it is nested in.
    """

    kind: Kind
    text: Seen
    mark: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows have as many cells as its header."""

    head: tuple[Seen, ...]
    rows: tuple[tuple[Seen, ...], ...]


Block = Line | Table


def blocks_of(quote: str, units: Sequence[Unit], start: int) -> list[Block]:
    """The visible blocks of an excerpt, in order, their own bracketed numbers as `[ 1 ]`.

    :param units: the excerpt's units.
    :param start: where the quote begins in the note.
    """
    whole = Seen.of(quote, start)
    groups = _groups(quote, units, start)
    found: list[Block] = []
    for group, level in zip(groups, _levels(groups), strict=True):
        found += _blocks(group, level, whole)
    return found


def excerpt_text(
    quote: str, units: Sequence[Unit], start: int, cut: tuple[bool, bool] = (False, False)
) -> str:
    """The plain text of an excerpt that begins at this character of its note.

    A paragraph is one line unless a person broke it; items have dashes or numbers, nested ones an
    indent; a table is aligned under its header, and rows without it are `header: cell` pairs; code
    keeps its lines. Blank lines separate blocks.

    :param units: its units, with offsets in the note.
    :param cut: whether its list, table or sentence continues before it, and after it.
    """
    blocks = blocks_of(quote, units, start)
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
    kinds = [block.kind if isinstance(block, Line) else None for block in (before, after)]
    return kinds[0] is not kinds[1] or kinds[0] not in (Kind.ITEM, Kind.ROW, Kind.PROPERTY)


def runs_on(block: Block) -> bool:
    """Whether a cut is marked within a block's line rather than on a line of its own."""
    return isinstance(block, Line) and (
        block.kind is Kind.PARAGRAPH or (block.kind is Kind.ITEM and not block.mark)
    )


def _text(block: Block) -> str:
    if isinstance(block, Table):
        return "\n".join(_rows(block))
    indent = INDENT * block.depth
    below = f"\n{indent}{' ' * len(block.mark)}"
    return f"{indent}{block.mark}{below.join(line.text for line in block.text.lines())}"


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


@dataclass(frozen=True, slots=True)
class _Group:
    """The first of a block's units, and the spans of all of them; `labels` are its rows'."""

    unit: Unit
    spans: list[Span]
    labels: tuple[str, ...] = ()

    def source(self, whole: Seen) -> Seen:
        """Its text, with only white space between its units."""
        pieces, end = [], self.spans[0][0]
        for first, last in self.spans:
            gap = whole[end:first]
            pieces += [gap.instead(" ") if gap.text.strip(" \t\r\n>") else gap, whole[first:last]]
            end = last
        return Seen.joined(pieces)

    def goes_on_with(self, unit: Unit) -> bool:
        """Whether a unit belongs to this block."""
        first = self.unit
        if (unit.section, unit.block) != (first.section, first.block):
            return False
        if first.kind is Kind.TABLE_HEAD and unit.kind is Kind.ROW:
            # A part of a row may begin in another column.
            return unit.labels == (self.labels or unit.labels) != ()
        return unit.kind is first.kind is not Kind.ROW and not unit.begins


def _groups(quote: str, units: Iterable[Unit], start: int) -> list[_Group]:
    """The visible blocks of units, none of which overlap."""
    groups: list[_Group] = []
    at = 0
    for unit in sorted(units, key=lambda one: one.start):
        span = max(unit.start - start, at), min(unit.end - start, len(quote))
        at = max(at, span[1])
        if span[0] >= span[1] or unit.kind in _NOT_SHOWN:
            continue
        if not groups or not groups[-1].goes_on_with(unit):
            groups.append(_Group(unit, [span]))
        elif unit.kind is Kind.TABLE_HEAD:
            groups[-1].spans[-1] = groups[-1].spans[-1][0], span[1]
        else:
            groups[-1] = replace(groups[-1], labels=unit.labels)
            groups[-1].spans.append(span)
    return groups


def _levels(groups: Iterable[_Group]) -> Iterator[int]:
    """How far to indent each block: below the items of its list that enclose it.

    If these are not in the excerpt, later ones that are nested less deeply show it.
    """
    for _, blocks in groupby(groups, lambda group: group.unit.block):
        depths = [one.unit.depth - (one.unit.kind is Kind.ITEM) for one in blocks]
        around = sorted(set(accumulate(depths, min)))
        for depth in depths:
            while around and around[-1] >= depth:
                around.pop()
            yield len(around)
            around.append(depth)


def _blocks(group: _Group, level: int, whole: Seen) -> Iterator[Block]:
    kind = group.unit.kind
    if kind is Kind.TABLE_HEAD:
        yield from _table(group, whole)
        return
    source, mark = group.source(whole), ""
    breaks = LINE_BREAK if group.unit.has_lines else HARD_BREAK
    match kind:
        case Kind.CODE:
            text = _code(source)
        case Kind.ROW:
            text = row_pairs(source, group.unit.labels)
        case Kind.PROPERTY:
            text = property_line(source, group.unit.context)
        case Kind.ITEM:
            text = source.without(_QUOTE_MARKS) if ">" in source.mask else source
            found = compiled(ITEM_MARK).match(text.mask) if group.unit.begins else None
            if found:
                first = found[0].split(maxsplit=1)[0]
                mark = f"{first if first[0].isdigit() else '-'} "
            text = words_of(source, Kind.ITEM if found else Kind.PARAGRAPH, breaks=breaks)
        case _:
            text = words_of(source, kind, breaks="" if kind is Kind.HEADING else breaks)
    if text.text.strip():
        yield Line(kind, seen_apart(text), mark, level)


def _table(group: _Group, whole: Seen) -> Iterator[Table]:
    sources = [whole[slice(*span)] for span in group.spans]
    sources[0] = sources[0].without(_AROUND_HEAD)
    rows = [[seen_apart(cell) for cell in row_cells(source)] for source in sources]
    width = max(map(len, rows))
    head, *rest = [(*cells, *[_EMPTY_CELL] * (width - len(cells))) for cells in rows]
    if any(head) or any(map(any, rest)):
        yield Table(head, tuple(rest))


def _code(source: Seen) -> Seen:
    """The lines of a block of code without its fence and common indent."""
    quoted = compiled(_QUOTED_CODE).match(source.mask)
    if quoted:
        source = source.without(_QUOTE_MARKS)
    fence = compiled(_FENCE).match(source.mask)
    end = compiled(_FENCE_END).search(source.mask)
    if fence and end and end.start() < fence.end() - 1:
        end = None  # the same line
    source = source[fence.end() if fence else 0 : end.start() if end else None]
    indents = list(map(len, compiled(_INDENT).findall(source.mask)))
    if not (fence or quoted):
        # A unit does not include the indent of its first line.
        del indents[:1]
        if source.mask.partition("\n")[0].rstrip().endswith(_OPENING):
            indents += [indent - _CODE_INDENT for indent in indents[:1]]
    if (common := min(indents, default=0)) > 0:
        source = source.without(rf"(?m)^[ \t]{{0,{common}}}")
    return source.without(_BLANK_LINES)
