"""Tables of HTML whose merged cells stand in each row and column, below one row of names."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, zip_longest
from operator import is_
from typing import NamedTuple

from ragqa.notes.decoding import Unfit

MAX_COLUMNS = 200
"""A merged cell spans at most so many."""

MAX_CHARS = 40_000_000
"""What the cells of a table may show, with all their copies."""

TAG = re.compile(r"<[^>]*>")


class Cell(NamedTuple):
    """What a cell shows, whether it names others, and of how many columns and rows."""

    shown: str
    is_head: bool = False
    columns: int = 1
    rows: int = 1


def number(said: str) -> int:
    """How many columns or rows a cell says that it spans."""
    return int(said) if said.isdecimal() and 0 < len(said) < 6 and int(said) else 1


def html_of(rows: Iterable[Sequence[Cell]], head: int) -> Iterator[str]:
    """A table that has as many cells in each row, merged ones in each that they span.

    A first row of one merged cell is its title. Names below a row of values begin another table.

    :param head: how many rows a `<thead>` has; without one cells tell which rows name columns.
    :raises Unfit: it is too large.
    """
    filled, start = list(_filled(rows)), 0
    while start < len(filled) - 1 and len(filled[start]) == 1 < filled[start][0].columns:
        yield f"<div>{filled[start][0].shown}</div>"
        start += 1
    below = range(max(start + 1, head), len(filled) - 1)
    cuts = [at for at in below if _is_named(filled[at]) and not _is_named(filled[at - 1])]
    for first, last in pairwise([start, *cuts, len(filled)]):
        part, head = filled[first:last], head - first
        if not 0 < head < len(part):
            head = _named(part)
        width = max(map(len, part))
        columns = zip_longest(*part[:head], fillvalue=Cell(""))
        said = (filter(None, (cell.shown.strip() for cell in column)) for column in columns)
        names = [" / ".join(dict.fromkeys(each)) for each in said]  # such as "2024 / Q1"
        yield f"<table>{_row(names + [''] * (width - len(names)), 'th')}"
        for row in part[head:]:
            yield _row([cell.shown for cell in row], "td")
        yield "</table>"


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _filled(rows: Iterable[Sequence[Cell]]) -> Iterator[list[Cell]]:
    """Rows with merged cells in each place, but one that is alone in its row only once."""
    chars, above = 0, dict[int, tuple[Cell, int]]()  # in how many rows a cell is still to stand
    for row in rows:
        if len(row) == 1 and not above:
            yield [row[0]]
            continue
        filled, below, cells = list[Cell](), dict[int, tuple[Cell, int]](), iter(row)
        left = len(row)
        while left or above:
            columns = 1
            if len(filled) in above:
                cell, count = above[len(filled)]
            else:
                cell, left = next(cells, Cell("")), max(0, left - 1)
                count, columns = cell.rows, min(cell.columns, MAX_COLUMNS)
            for _ in range(columns):
                above.pop(len(filled), None)
                if count > 1:
                    below[len(filled)] = cell, count - 1
                filled.append(cell)
                chars += len(cell.shown) + 1
            if chars > MAX_CHARS:
                raise Unfit(f"its tables have more than {MAX_CHARS:,} characters")
        above = below
        yield filled


def _is_named(row: Sequence[Cell]) -> bool:
    """Whether all cells of a row are names."""
    return len(row) > 1 and all(cell.is_head for cell in row) and any(cell.shown for cell in row)


def _named(rows: Sequence[Sequence[Cell]]) -> int:
    """How many of the first rows name columns, by their cells."""
    if not rows or not any(is_head := [cell.is_head for cell in rows[0]]) or not all(is_head[1:]):
        return 0
    count = 1
    while count < len(rows) - 1 and _names_parts(rows[count - 1], rows[count]):
        count += 1
    return count


def _names_parts(above: Sequence[Cell], row: Sequence[Cell]) -> bool:
    """Whether a row names parts of what the row above it names."""
    if len(row) != len(above) or len(row) < 2:
        return False
    if all(cell.is_head for cell in row) or any(map(is_, above, row)):
        return True
    said = [TAG.sub("", cell.shown).strip() for cell in row]
    is_below = all(cell.columns > 1 or not words for cell, words in zip(above, said, strict=True))
    return is_below and any(map(str.isalpha, "".join(said)))
