"""Split an excerpt into the blocks a reader sees, and give them as plain text."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise

from ragqa.text.shown import CELL, on_lines, row_pairs, set_apart
from ragqa.text.words import compiled
from ragqa.types import HIDDEN, Kind, Unit

CUT = "\u2026"
"""Marks where a list, table or sentence is cut."""

INDENT = "  "
"""The indent of each level of nesting."""

_MAX_COLUMN = 60
"""A longer cell shifts only the cells after it in its own row."""

_NOT_SHOWN = HIDDEN | {Kind.RULE}
_INDENT = r"(?m)^[ \t]*(?=\S)"
_BLANK_LINES = r"\A(?:[ \t]*[\r\n])+"


@dataclass(frozen=True, slots=True)
class ExcerptBlock:
    """A paragraph, heading, item, row without its header, table, front-matter key or code.

    `parts` are the texts of its units, each after what separates it from the one before; of a
    table, its header and rows, with as many cells in each. `mark` is an item's bullet or number, ""
    where its beginning is not shown. `depth` is the number of items it is nested in.
    """

    kind: Kind
    parts: Sequence[tuple[Unit, str]]
    mark: str = ""
    depth: int = 0

    @property
    def text(self) -> str:
        """Its text, with line breaks."""
        return "".join(text for _, text in self.parts)

    @property
    def rows(self) -> Sequence[Sequence[str]]:
        """The cells of a table's header and rows."""
        return [row.split(CELL) for row in self.text.split("\n")]


def blocks_of(units: Sequence[Unit], cut: tuple[bool, bool] = (False, False)) -> list[ExcerptBlock]:
    """The visible blocks of an excerpt with these units, its own bracketed numbers as `[ 1 ]`.

    :param cut: whether its list, table or sentence continues before it, and after it: an ellipsis
        says so, within the line of a sentence, else as a block of its own (`RULE`).
    """
    groups = _groups(units)
    made = (_block(group, level) for group, level in zip(groups, _levels(groups), strict=True))
    blocks = [block for block in made if block.text.strip()]
    if blocks and cut[0]:
        (unit, text), *rest = blocks[0].parts
        is_within = _runs_on(blocks[0])
        begun = replace(blocks[0], parts=[(unit, f"{CUT} {text}"), *rest])
        blocks[:1] = [begun] if is_within else [ExcerptBlock(Kind.RULE, [(unit, CUT)]), blocks[0]]
    if blocks and cut[1]:
        *before, (unit, text) = blocks[-1].parts
        is_within = _runs_on(blocks[-1])
        ended = replace(blocks[-1], parts=[*before, (unit, f"{text} {CUT}")])
        blocks[-1:] = [ended] if is_within else [blocks[-1], ExcerptBlock(Kind.RULE, [(unit, CUT)])]
    return blocks


def excerpt_text(blocks: Sequence[ExcerptBlock]) -> str:
    """The plain text of an excerpt's blocks.

    A paragraph is one line unless a person broke it; items have dashes or numbers, nested ones an
    indent; a table is aligned under its header, and rows without it are `header: cell` pairs; code
    keeps its lines. Blank lines separate blocks.
    """
    pieces = list(map(_text, blocks[:1]))
    for before, after in pairwise(blocks):
        pieces += ["\n\n" if apart(before, after) else "\n", _text(after)]
    return "".join(pieces)


def apart(before: ExcerptBlock, after: ExcerptBlock) -> bool:
    """Whether a blank line separates two blocks; not so for items, rows, front matter and a cut."""
    tight = (Kind.ITEM, Kind.ROW, Kind.PROPERTY)
    is_same = before.kind is after.kind and before.kind in tight
    return not is_same and Kind.RULE not in (before.kind, after.kind)


def _runs_on(block: ExcerptBlock) -> bool:
    """Whether a cut is marked within a block's line rather than on a line of its own."""
    return block.kind is Kind.PARAGRAPH or (block.kind is Kind.ITEM and not block.mark)


def _text(block: ExcerptBlock) -> str:
    if block.kind is Kind.TABLE_HEAD:
        return "\n".join(_aligned(block.rows))
    indent = INDENT * block.depth
    below = f"\n{indent}{' ' * len(block.mark)}"
    return f"{indent}{block.mark}{block.text}".replace("\n", below)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, its columns aligned."""
    columns = zip(*rows, strict=True)
    widths = [min(_MAX_COLUMN, max(map(_width, column))) for column in columns]
    for number, row in enumerate(rows):
        padded = [f"{cell}{' ' * (n - _width(cell))}" for cell, n in zip(row, widths, strict=True)]
        yield " | ".join(padded).rstrip()
        if number == 0:
            yield "-+-".join("-" * width for width in widths)


def _width(text: str) -> int:
    """The width of a text in columns."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


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


def _block(group: Sequence[Unit], level: int) -> ExcerptBlock:
    """The block that some units are, indented so far."""
    first = group[0]
    match first.kind:
        case Kind.TABLE_HEAD:
            return ExcerptBlock(first.kind, _table(group))
        case Kind.ROW:
            pieces = [row_pairs(first)]
        case Kind.CODE:
            pieces = _code(group)
        case _:
            pieces = _prose(group)
    parts = list(zip(group, map(set_apart, pieces), strict=True))
    return ExcerptBlock(first.kind, parts, first.mark, level)


def _prose(units: Sequence[Unit]) -> list[str]:
    """The text of each unit, after what separates it from the one before."""
    first = units[0]
    pieces = [on_lines(first.plain).lstrip()]
    for before, unit in pairwise(units):
        text = on_lines(unit.plain)
        has_gap = before.end < unit.start and text and text[0] != "\n"
        pieces.append(f" {text}" if has_gap and any(pieces) else text)
    if first.kind is Kind.PROPERTY and first.context:
        pieces[0] = f"{first.context}: {pieces[0]}"
    return pieces


def _code(units: Sequence[Unit]) -> list[str]:
    """The lines of code of each unit, without the indent that all share."""
    pieces = [unit.plain for unit in units]
    pieces[0] = compiled(_BLANK_LINES).sub("", pieces[0])
    pieces[-1] = pieces[-1].rstrip()
    shared = min(map(len, compiled(_INDENT).findall("".join(pieces))), default=0)
    indent = compiled(rf"(?m)^[ \t]{{0,{shared}}}")
    return [indent.sub("", piece) for piece in pieces]


def _table(units: Sequence[Unit]) -> list[tuple[Unit, str]]:
    """The header of a table, which may be in several units, and its rows."""
    heads = [unit for unit in units if unit.kind is Kind.TABLE_HEAD]
    rows = [(heads[0], CELL.join(head.plain for head in heads))]
    rows += [(unit, f"\n{unit.plain}") for unit in units[len(heads) :]]
    most = max(text.count(CELL) for _, text in rows)
    return [(unit, set_apart(text) + CELL * (most - text.count(CELL))) for unit, text in rows]
