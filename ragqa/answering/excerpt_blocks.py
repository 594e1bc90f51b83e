"""Split an excerpt into the blocks a reader sees, and give them as plain text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ragqa.answering.nesting import Item, after_quote_marks, depths, line_indent
from ragqa.text.brackets import seen_apart
from ragqa.text.markdown import ITEM_MARK, property_line, row_cells, row_pairs, words_of
from ragqa.text.seen import Seen
from ragqa.types import HIDDEN, Kind, Span, Unit

CUT = "\u2026"
"""Marks where a list, table or sentence is cut."""

INDENT = "  "
"""The indent of each level of nesting."""

_MAX_COLUMN = 60
"""A longer cell shifts only the cells after it in its own row."""

_NOT_SHOWN = HIDDEN | {Kind.RULE}
_BLANK_LINE = re.compile(r"(?>\r\n|\r|\n)[ \t>]*[\r\n]")
_AROUND_HEAD = re.compile(rf"\A{ITEM_MARK.pattern}|[\r\n]+[ \t>|:-]*\Z")
_QUOTE_MARKS = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_FENCE = re.compile(
    r"\A[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:`{3,}|~{3,})[^\r\n]*(?:\r\n|\r|\n|\Z)"
)
_FENCE_END = re.compile(r"(?:\A|\r\n|\r|\n)(?P<indent>[ \t]*)(?:`{3,}|~{3,})[ \t]*\Z")
# Of every line but the first, whose indent the unit does not include.
_INDENT = re.compile(r"(?<=[\n\r])[ \t]*(?=\S)")
_QUOTED_CODE = re.compile(r"(?:>[ \t]?)+(?:[ \t]{4}|`{3}|~{3})")
# Obsidian recognises a callout only at the start of a quotation, and hides its name.
_CALLOUT = re.compile(r"[ \t]*(?P<marks>(?:>[ \t]?)+)[ \t]*\[!\w[^\]\r\n]*\]")
_CODE_INDENT = 4
_BLANK_LINES = re.compile(r"\A(?:[ \t]*[\r\n])+")
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

    :param units: the excerpt's units; without any, the quote is split into paragraphs.
    :param start: where the quote begins in the note.
    """
    whole = Seen.of(quote, start)
    groups = _groups(quote, _within(quote, units, start))
    nested = depths(
        _item(quote, group, whole)
        if group.kind is Kind.ITEM
        else line_indent(quote, group.spans[0][0])
        for group in groups
    )
    found: list[Block] = []
    for group, depth in zip(groups, nested, strict=True):
        found += _blocks(quote, group, depth, whole)
    return found


def excerpt_text(
    quote: str, units: Sequence[Unit], start: int, cut: tuple[bool, bool] = (False, False)
) -> str:
    """The plain text of an excerpt that begins at this character of its note.

    A paragraph is one line except for hard line breaks; items have dashes or numbers, nested ones
    an indent; a table is aligned under its header, and rows without it are `header: cell` pairs;
    code keeps its lines. Blank lines separate blocks.

    :param units: its units, with offsets in the note; without any it is split into paragraphs.
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
    """The units of one block, as spans of the quote, with their context: of a table, its rows'."""

    kind: Kind
    context: str
    spans: list[Span]

    def source(self, whole: Seen) -> Seen:
        """Its text, with only white space between its units."""
        pieces, end = [], self.spans[0][0]
        for first, last in self.spans:
            gap = whole[end:first]
            pieces += [gap.instead(" ") if gap.text.strip(" \t\r\n>") else gap, whole[first:last]]
            end = last
        return Seen.joined(pieces)


def _within(quote: str, units: Sequence[Unit], start: int) -> Iterator[Unit]:
    """Yield the visible units, without overlaps, with offsets in the quote."""
    if not units:
        for part in Seen.of(quote).split(_BLANK_LINE):
            if words := part.strip():
                yield Unit(Kind.PARAGRAPH, words.at[0], words.at[-1] + 1)
        return
    at = 0
    for unit in sorted(units, key=lambda one: one.start):
        first, last = max(unit.start - start, at), min(unit.end - start, len(quote))
        if first < last and unit.kind not in _NOT_SHOWN:
            yield replace(unit, start=first, end=last)
        at = max(at, last)


def _groups(quote: str, units: Iterable[Unit]) -> list[_Group]:
    groups: list[_Group] = []
    for unit in units:
        if groups and groups[-1].kind is unit.kind is Kind.TABLE_HEAD:
            # A head too long for one passage; another table's has rows before it.
            groups[-1].spans[-1] = groups[-1].spans[-1][0], unit.end
            continue
        if not groups or not _continues(quote, groups[-1], unit):
            groups.append(_Group(unit.kind, unit.context, []))
        elif unit.kind is Kind.ROW:
            groups[-1] = replace(groups[-1], context=unit.context)
        groups[-1].spans.append((unit.start, unit.end))
    return groups


def _continues(quote: str, group: _Group, unit: Unit) -> bool:
    """Whether a unit continues the block of a group."""
    if group.kind is Kind.TABLE_HEAD:
        # A part of a row may begin in another column.
        labels = group.context if len(group.spans) > 1 else unit.context
        return unit.kind is Kind.ROW and unit.context == labels != ""
    if unit.kind is not group.kind or _BLANK_LINE.search(quote, group.spans[-1][1], unit.start):
        return False
    if unit.kind is Kind.ITEM:
        return not _begins_item(quote, unit.start)
    if unit.kind is Kind.CODE:
        return not _FENCE.match(quote[unit.start : unit.end])
    if unit.kind is Kind.PARAGRAPH and _begins_callout(quote, group, unit):
        return False
    return unit.kind in (Kind.PARAGRAPH, Kind.HTML)


def _begins_callout(quote: str, group: _Group, unit: Unit) -> bool:
    """Whether a unit opens a callout right below the group."""
    found = _CALLOUT.match(quote, unit.start, unit.end)
    if found is None:
        return False
    before = _QUOTE_MARKS.findall(quote, group.spans[0][0], unit.start)
    return found["marks"].count(">") > max((marks.count(">") for marks in before), default=0)


def _begins_item(quote: str, at: int) -> bool:
    begin = after_quote_marks(quote, at, len(quote))
    return line_indent(quote, at) is not None and bool(ITEM_MARK.match(quote, begin))


def _item(quote: str, group: _Group, whole: Seen) -> Item:
    start, end = group.spans[0]
    mark = ITEM_MARK.match(quote, start, end)
    indent = _indent(quote, start)
    return Item(
        indent=indent,
        width=len(mark[0]) if mark else 0,
        words=words_of(whole[start:end], Kind.ITEM).text if indent is None else "",
        context=group.context,
    )


def _blocks(quote: str, group: _Group, depth: int, whole: Seen) -> Iterator[Block]:
    if group.kind is Kind.TABLE_HEAD:
        yield from _table(group, whole)
        return
    at, source, mark = group.spans[0][0], group.source(whole), ""
    match group.kind:
        case Kind.CODE:
            text = _code(source, _indent(quote, at))
        case Kind.ROW:
            text = row_pairs(source, group.context)
        case Kind.PROPERTY:
            text = property_line(source, group.context)
        case Kind.ITEM:
            mark = _mark(quote, at)
            text = words_of(source, Kind.ITEM if mark else Kind.PARAGRAPH, breaks=True)
        case kind:
            text = words_of(source, kind, breaks=kind is not Kind.HEADING)
    if text.text.strip():
        yield Line(group.kind, seen_apart(text), mark, depth)


def _mark(quote: str, at: int) -> str:
    """The mark of an item: its number or a dash."""
    if not _begins_item(quote, at):
        return ""
    mark = quote[at:].split(maxsplit=1)[0]
    return f"{mark if mark[0].isdigit() else '-'} "


def _table(group: _Group, whole: Seen) -> Iterator[Table]:
    sources = [whole[slice(*span)] for span in group.spans]
    sources[0] = sources[0].without(_AROUND_HEAD)
    rows = [[seen_apart(cell) for cell in row_cells(source)] for source in sources]
    width = max(map(len, rows))
    head, *rest = [(*cells, *[_EMPTY_CELL] * (width - len(cells))) for cells in rows]
    if any(head) or any(map(any, rest)):
        yield Table(head, tuple(rest))


def _code(source: Seen, indent: int | None) -> Seen:
    """The lines of a block of code without its fence and common indent.

    :param indent: of its first line, None where the excerpt does not have it.
    """
    if _QUOTED_CODE.match(source.mask):
        source = source.without(_QUOTE_MARKS)
        indent = len(source.mask) - len(source.mask.lstrip(" \t"))
    fence, end = _FENCE.match(source.mask), _FENCE_END.search(source.mask)
    if fence and end and end.start() < fence.end() - 1:
        end = None  # the same line
    if fence or end:
        indent = len(end["indent"]) if end else indent
        source = source[fence.end() if fence else 0 : end.start() if end else None]
    elif indent is None:
        common = min(map(len, _INDENT.findall(source.mask)), default=0)
        # Deeper lines are probably nested under a first line that is not.
        indent = common if common < 2 * _CODE_INDENT else _CODE_INDENT
    if indent:
        source = source.without(re.compile(rf"^[ \t]{{0,{indent}}}", re.MULTILINE))
    return source.rstrip().without(_BLANK_LINES)


def _indent(quote: str, at: int) -> int | None:
    """The indent of a unit; None where its line begins before the excerpt."""
    return line_indent(quote, at) or 0 if quote[:at].strip(" \t>") else None
