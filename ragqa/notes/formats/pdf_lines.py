"""From a page of a PDF to its lines and tables, in reading order; runs in the child process."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from math import hypot, inf
from statistics import median
from typing import Any, TypeAlias

import pypdfium2
from pypdfium2 import raw

MAX_CHARS = 200_000
HYPHEN = "\ufffe"
"""Marks a hyphen at the end of a line, as PDFium's text does."""
BULLET = "\u2022"
LEADER = re.compile(r"(?:\s{0,4}[.\u2026\u00b7_]){5,}")

_COLUMN_GAP = 0.9  # in ems: wider than a justified line's spaces
_MIN_COLUMN = 3  # lines
_MIN_PROSE = 20  # characters in a line of a column, on average
_MIN_FILL = 0.6
_MIN_WRAPPED = 8  # characters in a line of a table's cell that goes on in the next
_MAX_COLUMNS = 40
_MIN_CELLS = 5
_MAX_SHAPES = 5000
_NEAR, _MAX_RULE = 6.0, 900.0
_BOLD = 600
_IS_BOLD = re.compile(rb"bold|black|heavy|cmbx|-bd", re.IGNORECASE)
_IS_MONO = re.compile(rb"mono|courier|consol|menlo|typewriter|cmtt|lmtt|cour\b", re.IGNORECASE)
# Control characters and noncharacters are in no word.
_WORD = re.compile("[^\0-\x20\x7f\xa0\ufdd0-\ufdef\ufffe\uffff]+\ufffe?|\ufffe")

Box: TypeAlias = tuple[float, float, float, float]
"""The left, bottom, right and top of a shape."""


@dataclass(slots=True, eq=False)
class Cell:
    """A stretch of a line without a wide gap; y grows upwards, `at` as in the file.

    `angle` is in quarters of a turn; the others are as if it were 0.
    """

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    size: float
    bold: bool
    mono: bool
    at: int
    angle: int = 0

    def is_level_with(self, other: "Cell") -> bool:
        """Whether both stand on one line."""
        overlap = min(self.y1, other.y1) - max(self.y0, other.y0)
        return overlap > 0.5 * min(self.y1 - self.y0, other.y1 - other.y0)


@dataclass(slots=True, eq=False)
class PageLine:
    """The cells of a line, from left to right; at least one.

    :ivar row: the texts of a table's row, by column.
    :ivar is_first: whether it is the first of its page.
    :ivar main: its longest cell, which has the line's size.
    """

    cells: list[Cell]
    row: list[str] = field(default_factory=list)
    page: int = 0
    is_first: bool = False
    text: str = field(init=False)
    main: Cell = field(init=False)
    mono: bool = field(init=False)
    x0: float = field(init=False)
    x1: float = field(init=False)
    y0: float = field(init=False)

    def __post_init__(self) -> None:
        self.text = " ".join([cell.text for cell in self.cells])
        self.main = max(self.cells, key=lambda cell: len(cell.text))
        self.mono = all(cell.mono for cell in self.cells)
        self.x0, self.x1, self.y0 = self.cells[0].x0, self.cells[-1].x1, self.cells[0].y0


def has_room(line: Cell | PageLine, after: str, width: float, right: float) -> bool:
    """Whether the first word of what stands below would have fitted into a line.

    :param width: of all that stands below.
    :param right: where such lines end.
    """
    word = width * (1 + after.find(" ") or 1 + len(after)) / max(len(after), 1)
    return line.x1 + word < right


def lines_of(page: pypdfium2.PdfPage) -> tuple[list[PageLine], bool]:
    """The lines of a page in reading order, and whether it has more than are read.

    Those at another angle than most come last.

    :raises PdfiumError: the page cannot be read.
    """
    text, shapes = page.get_textpage(), _shapes(page)
    try:
        cells = _cells(_words(text), _rules(shapes))
        is_cut = text.count_chars() > MAX_CHARS
    finally:
        text.close()
    if not cells:
        return [], is_cut
    common = Counter(cell.angle for cell in cells).most_common(1)[0][0]
    upright = [cell for cell in cells if cell.angle == common]
    if common == 0:
        _add_bullets(shapes, upright)
    drops = (a.y0 - b.y0 for a, b in pairwise(upright) if a.x0 < b.x1 and b.x0 < a.x1)
    size = median(cell.size for cell in upright)
    pitch = median([drop for drop in drops if 0.8 * size < drop < 3 * size] or [1.2 * size])
    aside = [cell for cell in cells if cell.angle != common]
    return [*_in_order(upright, pitch), *_joined(aside)], is_cut


def _words(text: pypdfium2.PdfTextPage) -> Iterator[Cell]:
    """The words of a page in the file's order."""
    count = min(text.count_chars(), MAX_CHARS)
    shown = text.get_text_range(0, count) if count else ""
    if len(shown) != count:  # it leaves out a character
        shown = "".join(chr(raw.FPDFText_GetUnicode(text, at)) for at in range(count))
    handle, box, styles = text.raw, raw.FS_RECTF(), dict[int, tuple[int, float, bool, bool]]()
    for word in _WORD.finditer(shown.replace("\x02", HYPHEN)):
        at, end = word.span()
        made = raw.FPDFText_GetTextObject(handle, at)
        key = raw.addressof(made.contents) if made else -at
        style = styles.get(key)
        if style is None:
            style = styles[key] = _style(handle, at)
        angle, size, bold, mono = style
        raw.FPDFText_GetLooseCharBox(handle, at, box)
        x0, y0, x1, y1 = _turned(box, angle)
        if end - at > 1:
            raw.FPDFText_GetLooseCharBox(handle, end - 1, box)
            last = _turned(box, angle)
            x0, x1 = min(x0, last[0]), max(x1, last[2])
        yield Cell(word[0], x0, x1, y0, y1, size, bold, mono, at, angle)


def _cells(words: Iterable[Cell], rules: Mapping[int, Sequence[float]]) -> list[Cell]:
    """Join the words that follow each other on a line without a wide gap or a rule between."""
    cells: list[Cell] = []
    last, texts, votes = None, [""], 0
    for word in words:
        if last is not None and word.angle == last.angle and last.is_level_with(word):
            gap = max(word.x0 - last.x1, last.x0 - word.x1)
            beside = rules.get(int((word.y0 + word.y1) / 2 // _NEAR), ()) if not word.angle else ()
            is_ruled = bisect_right(beside, last.x1 - 0.5) < bisect_right(beside, word.x0 + 0.5)
            if gap < _COLUMN_GAP * max(word.size, last.size) and not is_ruled:
                texts.append(word.text)
                if word.mono <= last.mono:  # code amid other text says nothing of its size
                    votes += len(word.text) if word.size == last.size else -len(word.text)
                if votes < 0 or word.mono < last.mono:  # most letters have another size
                    last.size, votes = word.size, abs(votes)
                last.x0, last.x1 = min(word.x0, last.x0), max(word.x1, last.x1)
                last.bold, last.mono = last.bold and word.bold, last.mono and word.mono
                continue
        if last is not None:
            last.text = " ".join(texts)
        last, texts, votes = word, [word.text], len(word.text)
        cells.append(word)
    if last is not None:
        last.text = " ".join(texts)
    return cells


def _style(text: Any, at: int) -> tuple[int, float, bool, bool]:  # noqa: ANN401 - PDFium's handle
    """A character's angle in quarters of a turn, size, whether it is bold and of fixed width."""
    matrix, name = raw.FS_MATRIX(), raw.create_string_buffer(64)
    raw.FPDFText_GetMatrix(text, at, matrix)
    raw.FPDFText_GetFontInfo(text, at, name, len(name), None)
    angle = round(raw.FPDFText_GetCharAngle(text, at) / 1.5708) % 4
    size = max(raw.FPDFText_GetFontSize(text, at) * hypot(matrix.c, matrix.d), 0.1)
    is_bold = _IS_BOLD.search(name.value) or raw.FPDFText_GetFontWeight(text, at) >= _BOLD
    return angle, size, bool(is_bold), bool(_IS_MONO.search(name.value))


def _turned(box: raw.FS_RECTF, angle: int) -> Box:
    """The box as it stands once its text is upright."""
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    for _ in range(angle):
        left, bottom, right, top = -top, left, -bottom, right
    return left, bottom, right, top


def _shapes(page: pypdfium2.PdfPage) -> list[Box]:
    """What a page draws beside text: left, bottom, right, top of each shape."""
    edges = [raw.c_float() for _ in range(4)]
    shapes: list[Box] = []
    for number in range(min(raw.FPDFPage_CountObjects(page), _MAX_SHAPES)):
        shape = raw.FPDFPage_GetObject(page, number)
        if raw.FPDFPageObj_GetType(shape) == raw.FPDF_PAGEOBJ_PATH:
            raw.FPDFPageObj_GetBounds(shape, *edges)
            shapes.append((edges[0].value, edges[1].value, edges[2].value, edges[3].value))
    return shapes


def _rules(shapes: Iterable[Box]) -> dict[int, list[float]]:
    """Where vertical rules stand beside text at each height, in units of `_NEAR`."""
    rules: dict[int, list[float]] = defaultdict(list)
    for left, bottom, right, top in shapes:
        if right - left < 2 and _NEAR < top - bottom < _MAX_RULE:
            for height in range(int(bottom // _NEAR), int(top // _NEAR) + 1):
                rules[height].append((left + right) / 2)
    for positions in rules.values():
        positions.sort()
    return rules


def _add_bullets(shapes: Iterable[Box], cells: Sequence[Cell]) -> None:
    """Write the bullets that a page draws as shapes before the cells that they belong to."""
    bullets: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for left, bottom, right, top in shapes:
        height, middle = top - bottom, (top + bottom) / 2
        if 0.7 * (right - left) < height < 1.4 * (right - left) and 1 < height < 20:
            bullets[int(middle // 4)].append((right, middle, height))
    for level in bullets.values():
        level.sort()
    for cell in cells if bullets else ():
        middle = (cell.y0 + cell.y1) / 2
        for key in range(int(middle // 4) - 1, int(middle // 4) + 2):
            level = bullets.get(key, [])
            at = bisect_right(level, (cell.x0 + 1.0,)) - 1
            if at >= 0:
                end, height_of, height = level[at]
                near = abs(height_of - middle) < 0.35 * cell.size and cell.x0 - end < 2 * cell.size
                if near and 0.15 * cell.size < height < 0.9 * cell.size:
                    cell.text, cell.x0 = f"{BULLET} {cell.text}", end - height
                    break


def _in_order(cells: list[Cell], pitch: float, depth: int = 4) -> Iterator[PageLine]:
    """Lines in reading order: columns one after the other, between what spans them."""
    starts = Counter(round(cell.x0) for cell in cells).most_common(12 if depth else 0)
    levels = _levels(cells)
    best: tuple[int, float, list[list[Cell]]] = (0, 0.0, [cells])
    for start, count in starts:
        if count >= _MIN_COLUMN:
            bands = _bands(levels, start - 1.0)
            in_columns = sum(len(band) for band in bands if _has_columns(band, start - 1.0))
            if in_columns > best[0]:
                best = in_columns, start - 1.0, bands
    in_columns, gutter, bands = best
    for band in bands:
        if in_columns and _has_columns(band, gutter):
            for side in (True, False):
                column = [cell for cell in band if _is_left(cell, gutter) is side]
                yield from _in_order(column, pitch, depth - 1)
        else:
            yield from _lines(band, pitch)


def _levels(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells by their heights on the page, from the top; those of a level as in the file."""
    levels: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: -cell.y1):
        if levels and levels[-1][0].is_level_with(cell):
            levels[-1].append(cell)
        else:
            levels.append([cell])
    return levels


def _bands(levels: Sequence[Sequence[Cell]], gutter: float) -> list[list[Cell]]:
    """The page cut where text begins or ceases to cross the gutter."""
    parts = groupby(levels, lambda level: any(_crosses(cell, gutter) for cell in level))
    return [sorted(chain.from_iterable(part), key=lambda cell: cell.at) for _, part in parts]


def _crosses(cell: Cell, gutter: float) -> bool:
    return cell.x0 < gutter - cell.size and cell.x1 > gutter + cell.size


def _is_left(cell: Cell, gutter: float) -> bool:
    return cell.x0 + cell.x1 < 2 * gutter


def _has_columns(band: Sequence[Cell], gutter: float) -> bool:
    """Whether both sides of the gutter are columns of text, and not those of a table.

    They are if the file has one after the other, or if their lines are long.
    """
    order = [_is_left(cell, gutter) for cell in band]
    least = min(order.count(True), order.count(False))
    if least < _MIN_COLUMN or _crosses(band[0], gutter):
        return False
    sides = ([cell for cell in band if _is_left(cell, gutter) is side] for side in (True, False))
    changes = sum(a is not b for a, b in pairwise(order))
    return changes <= 2 or all(map(_is_prose, sides))


def _is_prose(cells: Sequence[Cell]) -> bool:
    width = max(cell.x1 for cell in cells) - min(cell.x0 for cell in cells)
    filled = sum(cell.x1 - cell.x0 for cell in cells) / len(cells)
    chars = sum(len(cell.text) for cell in cells) / len(cells)
    return chars >= _MIN_PROSE and filled >= _MIN_FILL * width


def _lines(cells: Sequence[Cell], pitch: float) -> Iterator[PageLine]:
    """The lines and tables of cells that are not in columns of text."""
    levels = _levels(cells)
    at = start = 0
    while at < len(levels):
        end = at + 1
        if len(levels[at]) > 1:
            end, spans = _table_end(levels, at, pitch)
            rows, count = _rows(levels[at:end], spans, pitch) if spans else ([], 0)
            if rows:
                yield from _plain(levels[start:at])
                yield from rows
                start = end = at + count
        at = max(at + 1, end)
    yield from _plain(levels[start:])


def _table_end(
    levels: Sequence[Sequence[Cell]], start: int, pitch: float
) -> tuple[int, list[tuple[float, float]]]:
    """Where what may be a table ends, and its columns, from left to right."""
    spans: list[tuple[float, float]] = []
    for at in range(start, len(levels)):
        level, columns, taken = levels[at], list(spans), set[tuple[float, float]]()
        is_far = at > start and levels[at - 1][0].y0 - level[0].y0 > 3.5 * pitch
        if is_far or any(LEADER.search(cell.text) for cell in level):
            return at, spans
        for cell in level:
            touched = [span for span in columns if cell.x0 < span[1] and span[0] < cell.x1]
            if len(touched) > 1 or len(columns) > _MAX_COLUMNS or not taken.isdisjoint(touched):
                return at, spans
            for span in touched:
                columns.remove(span)
            x0, x1 = touched[0] if touched else (cell.x0, cell.x1)
            columns.append((min(x0, cell.x0), max(x1, cell.x1)))
            taken.add(columns[-1])
        spans = sorted(columns)
    return len(levels), spans


def _rows(
    levels: Sequence[Sequence[Cell]], spans: Sequence[tuple[float, float]], pitch: float
) -> tuple[list[PageLine], int]:
    """The rows of a table, and how many levels they take; none if they do not fill its columns."""
    rows: list[list[list[Cell]]] = []
    counts: list[int] = []
    spans = _columns(levels, spans)
    drops = [above[0].y0 - level[0].y0 for above, level in pairwise(levels)]
    spaced = sum(drop > 1.2 * pitch for drop in drops) > 1
    least = 0 if spaced else _MIN_WRAPPED
    for level in levels:
        placed = [(bisect_right(spans, (cell.x0, inf)) - 1, cell) for cell in level]
        if not rows or not all(
            _goes_on(rows[-1], at, cell, spans[at][1], least, pitch) for at, cell in placed
        ):
            rows.append([[] for _ in spans])
            counts.append(0)
        counts[-1] += 1
        for at, cell in placed:
            rows[-1][at].append(cell)
    filled = [sum(map(bool, row)) for row in rows]
    while filled and filled[-1] == 1:
        del rows[-1], filled[-1]
    bold = [all(cell.bold for column in row for cell in column) for row in rows[:2]]
    fewest = max(_MIN_CELLS - (bold == [True, False]), _MIN_FILL * len(rows) * len(spans))
    if len(rows) < 2 or len(spans) < 2 or sum(filled) < fewest:
        return [], 0
    lines = [
        PageLine([*chain(*row)], [" ".join(cell.text for cell in column) for column in row])
        for row in rows
    ]
    return lines, sum(counts[: len(rows)])


def _columns(
    levels: Sequence[Sequence[Cell]], spans: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """The spans; one with nothing but a title is joined with one beside it that has no title."""
    filled: list[set[int]] = [set() for _ in spans]
    for number, level in enumerate(levels):
        for cell in level:
            filled[bisect_right(spans, (cell.x0, inf)) - 1].add(number)
    columns, last = list(spans[:1]), filled[0]
    for span, levels_of in zip(spans[1:], filled[1:], strict=True):
        if {0} in (last, levels_of) and last.isdisjoint(levels_of):
            columns[-1] = columns[-1][0], span[1]
            last |= levels_of
        else:
            columns.append(span)
            last = levels_of
    return columns


def _goes_on(
    row: Sequence[Sequence[Cell]], at: int, cell: Cell, right: float, least: int, pitch: float
) -> bool:
    """Whether a cell of the next level belongs to a row, as the next line of a wrapped text."""
    if not row[at]:
        lowest = min(cell.y0 for column in row for cell in column)
        return lowest - cell.y0 < 0.8 * pitch
    above = row[at][-1]
    is_full = not has_room(above, cell.text, cell.x1 - cell.x0, right)
    return is_full and len(above.text) >= least and above.y0 - cell.y0 <= 1.2 * pitch


def _plain(levels: Sequence[Sequence[Cell]]) -> list[PageLine]:
    """Lines of cells as the file has them, or line by line if that goes up and down."""
    cells = sorted((cell for level in levels for cell in level), key=lambda cell: cell.at)
    goes_up = any(
        after.y0 > before.y1 and after.x0 < before.x1 and before.x0 < after.x1
        for before, after in pairwise(cells)
    )
    if goes_up:
        cells = [cell for level in levels for cell in sorted(level, key=lambda cell: cell.x0)]
    return _joined(cells)


def _joined(cells: Iterable[Cell]) -> list[PageLine]:
    """Lines of the cells that follow each other on one."""
    lines: list[list[Cell]] = []
    for cell in cells:
        last = lines[-1][-1] if lines else None
        if last and last.is_level_with(cell) and cell.x0 >= last.x1 - cell.size:
            lines[-1].append(cell)
        else:
            lines.append([cell])
    return [PageLine(line) for line in lines]
