"""An excerpt as plain text, without Markdown's marks."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ragqa.answering.excerpt_blocks import Block, Line, Table, blocks_of
from ragqa.types import Kind, Unit

CUT = "\u2026"
"""Marks where a list, table or sentence is cut."""

INDENT = "  "
"""The indent of each level of nesting."""

_MAX_COLUMN = 60
"""A longer cell shifts only the cells after it in its own row."""


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


def cell_width(text: str) -> int:
    """The width of a text in columns."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def _text(block: Block) -> str:
    if isinstance(block, Table):
        return "\n".join(_rows(block))
    indent = INDENT * block.depth
    below = f"\n{indent}{' ' * len(block.mark)}"
    return f"{indent}{block.mark}{below.join(line.text for line in block.text.lines())}"


def _rows(table: Table) -> Iterator[str]:
    """The lines of a table, its columns aligned."""
    rows = [[cell.text for cell in row] for row in (table.head, *table.rows)]
    widths = [min(_MAX_COLUMN, max(map(cell_width, column))) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [
            cell + " " * (width - cell_width(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        yield " | ".join(cells).rstrip()
        if number == 0:
            yield "-+-".join("-" * width for width in widths)
