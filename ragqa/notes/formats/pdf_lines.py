"""From a page of a PDF to its lines, in reading order; runs only in the child process."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import hypot
from typing import Any

import pypdfium2
from pypdfium2 import raw

MAX_PAGE_CHARS = 200_000
MIN_COLUMN_LINES = 3
HYPHEN = "\ufffe"
"""Marks a hyphen at the end of a line, as PDFium's text does."""

_COLUMN_GAP = 1.0  # in ems: wider than a justified line's spaces
_MIN_PROSE = 20  # characters in a line of a column, on average
_MIN_FILL = 0.6
_BOLD = 600
_IS_BOLD = re.compile(rb"bold|black|heavy|cmbx|-bd", re.IGNORECASE)
_IS_MONO = re.compile(rb"mono|courier|consol|menlo|typewriter|cmtt|lmtt|cour\b", re.IGNORECASE)
_LINE_END_HYPHEN = "\x02"
_WORD = re.compile(rf"[^\0-\x20\xa0{HYPHEN}]*{HYPHEN}|[^\0-\x20\xa0{HYPHEN}]+")
_DEPTH = 4


@dataclass(slots=True)
class Cell:
    """A stretch of a line without a wide gap; y grows upwards."""

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    size: float
    bold: bool = False
    mono: bool = False

    def is_level_with(self, other: "Cell") -> bool:
        """Whether both stand on one line."""
        overlap = min(self.y1, other.y1) - max(self.y0, other.y0)
        return overlap > 0.5 * min(self.y1 - self.y0, other.y1 - other.y0)


class Line(list[Cell]):
    """The cells of a line, from left to right; at least one."""

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(cell.text for cell in self)

    @property
    def is_mono(self) -> bool:
        """Whether all its letters have the same width."""
        return all(cell.mono for cell in self)

    @property
    def main(self) -> Cell:
        """Its longest cell, which has the line's size."""
        return max(self, key=lambda cell: len(cell.text))


def lines_of(page: pypdfium2.PdfPage) -> tuple[list[Line], bool]:
    """The lines of a page in reading order, and whether it has more than are read.

    Those at another angle than most come last.

    :raises PdfiumError: the page cannot be read.
    """
    text = page.get_textpage()
    try:
        words, is_cut = _words(text), text.count_chars() > MAX_PAGE_CHARS
    finally:
        text.close()
    if not words:
        return [], is_cut
    common = Counter(angle for angle, _ in words).most_common(1)[0][0]
    upright = _cells([word for angle, word in words if angle == common])
    aside = _cells([word for angle, word in words if angle != common])
    return [*_joined(_in_order(upright)), *_joined(aside)], is_cut


def _words(text: pypdfium2.PdfTextPage) -> list[tuple[int, Cell]]:
    """The words of a page in the file's order, each with its angle in quarters of a turn."""
    count = min(text.count_chars(), MAX_PAGE_CHARS)
    shown = text.get_text_range(0, count) if count else ""
    if len(shown) != count:  # it leaves out a character
        shown = "".join(chr(raw.FPDFText_GetUnicode(text, at)) for at in range(count))
    found = _WORD.finditer(shown.replace(_LINE_END_HYPHEN, HYPHEN))
    scratch = raw.FS_RECTF(), raw.FS_MATRIX(), raw.create_string_buffer(64)
    return [_word(text.raw, word, *scratch) for word in found]


def _word(
    text: Any,  # noqa: ANN401 - PDFium's handle
    word: re.Match[str],
    box: raw.FS_RECTF,
    matrix: raw.FS_MATRIX,
    name: Any,  # noqa: ANN401 - a buffer
) -> tuple[int, Cell]:
    """A word with its angle; the last three are for PDFium to write to."""
    at = word.start()
    angle = round(raw.FPDFText_GetCharAngle(text, at) / 1.5708) % 4
    raw.FPDFText_GetLooseCharBox(text, at, box)
    first = _turned(box, angle)
    raw.FPDFText_GetLooseCharBox(text, word.end() - 1, box)
    last = _turned(box, angle)
    raw.FPDFText_GetMatrix(text, at, matrix)
    raw.FPDFText_GetFontInfo(text, at, name, len(name), None)
    bold, mono = _style(name.value)
    return angle, Cell(
        text=word[0],
        x0=min(first[0], last[0]),
        x1=max(first[1], last[1]),
        y0=first[2],
        y1=first[3],
        size=max(raw.FPDFText_GetFontSize(text, at) * hypot(matrix.c, matrix.d), 0.1),
        bold=bold or raw.FPDFText_GetFontWeight(text, at) >= _BOLD,
        mono=mono,
    )


@lru_cache(maxsize=1000)
def _style(font: bytes) -> tuple[bool, bool]:
    """Whether a font's name says that it is bold, and of fixed width."""
    return bool(_IS_BOLD.search(font)), bool(_IS_MONO.search(font))


def _turned(box: raw.FS_RECTF, angle: int) -> tuple[float, float, float, float]:
    """The box as it stands once its text is upright: left, right, bottom, top."""
    if angle == 1:
        return -box.top, -box.bottom, box.left, box.right
    if angle == 2:
        return -box.right, -box.left, -box.top, -box.bottom
    if angle == 3:
        return box.bottom, box.top, -box.right, -box.left
    return box.left, box.right, box.bottom, box.top


def _cells(words: Sequence[Cell]) -> list[Cell]:
    """Join the words that follow each other on a line without a wide gap."""
    cells: list[Cell] = []
    for word in words:
        last = cells[-1] if cells else None
        if last is not None and last.is_level_with(word):
            gap = max(word.x0 - last.x1, last.x0 - word.x1)
            if gap < _COLUMN_GAP * max(last.size, word.size):
                if len(word.text) > len(last.text):
                    last.size = word.size
                last.text += f" {word.text}"
                last.x0, last.x1 = min(last.x0, word.x0), max(last.x1, word.x1)
                last.bold = last.bold and word.bold
                last.mono = last.mono and word.mono
                continue
        cells.append(word)
    return cells


def _in_order(cells: list[Cell], depth: int = _DEPTH) -> list[Cell]:
    """Cells in reading order: columns one after the other, between what spans them."""
    starts = Counter(round(cell.x0) for cell in cells).most_common(12 if depth else 0)
    gutters = [start - 1.0 for start, count in starts if count >= MIN_COLUMN_LINES]
    best: tuple[int, float, list[list[Cell]]] = (0, 0.0, [cells])
    for gutter in gutters:
        bands = _bands(cells, gutter)
        found = sum(len(band) for band in bands if _has_columns(band, gutter))
        if found > best[0]:
            best = found, gutter, bands
    _, gutter, bands = best
    ordered: list[Cell] = []
    for band in bands:
        if best[0] and _has_columns(band, gutter):
            for side in (True, False):
                column = [cell for cell in band if _is_left(cell, gutter) is side]
                ordered += _in_order(column, depth - 1)
        else:
            ordered += band if _goes_down(band) else _rows(band)
    return ordered


def _bands(cells: Sequence[Cell], gutter: float) -> list[list[Cell]]:
    """The page cut where text begins or ceases to cross the gutter; cells are as in the file."""
    bands: list[list[tuple[int, Cell]]] = []
    crossed = None
    for number, cell in sorted(enumerate(cells), key=lambda one: -one[1].y1):
        crosses = _crosses(cell, gutter)
        if crosses is not crossed:
            bands.append([])
            crossed = crosses
        bands[-1].append((number, cell))
    return [[cell for _, cell in sorted(band, key=lambda one: one[0])] for band in bands]


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
    if least < MIN_COLUMN_LINES or _crosses(band[0], gutter):
        return False
    sides = ([cell for cell in band if _is_left(cell, gutter) is side] for side in (True, False))
    return sum(a is not b for a, b in pairwise(order)) <= 2 or all(map(_is_prose, sides))


def _is_prose(cells: Sequence[Cell]) -> bool:
    width = max(cell.x1 for cell in cells) - min(cell.x0 for cell in cells)
    filled = sum(cell.x1 - cell.x0 for cell in cells) / len(cells)
    chars = sum(len(cell.text) for cell in cells) / len(cells)
    return chars >= _MIN_PROSE and filled >= _MIN_FILL * width


def _goes_down(cells: Sequence[Cell]) -> bool:
    """Whether no cell stands above the one before it in the file, in the same column."""
    return not any(
        after.y0 > before.y1 and after.x0 < before.x1 and before.x0 < after.x1
        for before, after in pairwise(cells)
    )


def _rows(cells: Sequence[Cell]) -> list[Cell]:
    """Cells line by line, each from left to right."""
    lines: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda cell: -cell.y1):
        if lines and lines[-1][0].is_level_with(cell):
            lines[-1].append(cell)
        else:
            lines.append([cell])
    return [cell for line in lines for cell in sorted(line, key=lambda one: one.x0)]


def _joined(cells: Sequence[Cell]) -> list[Line]:
    """Lines of the cells that follow each other on one."""
    lines: list[Line] = []
    for cell in cells:
        if lines and lines[-1][-1].is_level_with(cell) and cell.x0 >= lines[-1][-1].x1 - cell.size:
            lines[-1].append(cell)
        else:
            lines.append(Line([cell]))
    return lines
