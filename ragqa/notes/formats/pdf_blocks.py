"""From the lines of a PDF's page to Markdown: paragraphs, headings, lists, tables and code."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ragqa.notes.formats.escaping import escaped
from ragqa.notes.formats.pdf_lines import HYPHEN, Line

HEADING = 1.12
"""A heading's size, of the body's."""

NOT_KEPT = re.compile(r"[\0-\x08\x0b-\x1f\ufdd0-\ufdef\ufffe\uffff]")

_MAX_HEADING = 200
_MIN_ROWS = 3
_FEW = 20
_MAX_COLUMNS = 40
_ENDS = (".", "!", "?", ":", "\u3002")
_LETTER = re.compile(r"[^\W\d_]")
_LEADER = re.compile(r"(?:\s{0,4}[.\u2026\u00b7_]){5,}")
_BULLET = re.compile("[\u2022\u2023\u25e6\u25aa\u25cf\u25cb\u25a0\u2219\u00b7\u2013\uf0b7*-]\\s+")
_ITEM = re.compile(rf"{_BULLET.pattern}|\(?(?:\d{{1,3}}|[a-zA-Z])[.)]\s")
_BROKEN = re.compile(rf"(\w{{0,60}})[{HYPHEN}\u00ad]+\s*(\w*)|(\w{{2,60}})-\n([a-z]\w*)")
_TICKS = re.compile(r"`+")


@dataclass(slots=True)
class Page:
    """A page's printed label, its lines, and why it has none or not all."""

    label: str
    lines: list[Line] = field(default_factory=list)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Style:
    """What is usual in a document: the size of its text, and of that from line to line.

    :ivar bold: whether most of it is; `mono` likewise.
    :ivar larger: the sizes of headings, the largest first.
    :ivar outline: the level of each title of its bookmarks, by page and bare words.
    :ivar words: how often each word occurs, to tell which hyphens are part of one.
    """

    size: float
    pitch: float
    bold: bool
    mono: bool
    larger: tuple[float, ...]
    outline: dict[tuple[int, str], int]
    words: Counter[str]


def bare(title: str) -> str:
    """A title without its number, spaces and punctuation."""
    return "".join(filter(str.isalpha, title.casefold()))


def markdown(page: Page, number: int, style: Style) -> Iterator[str]:
    """The blocks of a page, each with the blank line after it."""
    lines, at = page.lines, 0
    while at < len(lines):
        start, at = at, _code_end(lines, at, style)
        if at > start:
            yield _code(lines[start:at])
            continue
        at = _cells_end(lines, start)
        if table := _table(lines[start:at]):
            yield table
            continue
        at = start + 1
        while at < len(lines) and _continues(lines[max(start, at - _FEW) : at], lines[at], style):
            at += 1
        yield _text(lines[start:at], number, style)


def is_cut(block: str, after: str) -> bool:
    """Whether a paragraph goes on with the first block of the next page."""
    is_text = block[0] not in "#|`\f" and not block.rstrip("\n").endswith(_ENDS)
    return is_text and after[0].islower()


def _code_end(lines: Sequence[Line], at: int, style: Style) -> int:
    while at < len(lines) and lines[at].is_mono and not style.mono:
        at += 1
    return at


def _code(lines: Sequence[Line]) -> str:
    """Lines of a fixed width as a block of code, indented as they stand."""
    left = min(line[0].x0 for line in lines)
    shown = []
    for line in lines:
        indent = min(80, round((line[0].x0 - left) / (0.6 * line[0].size)))
        shown.append(" " * indent + NOT_KEPT.sub("", line.text))
    fence = "`" * max([3, *(1 + len(found) for found in _TICKS.findall("\n".join(shown)))])
    return "\n".join([fence, *shown, fence]) + "\n\n"


def _cells_end(lines: Sequence[Line], start: int) -> int:
    """The end of the lines from here on that have several cells, each below the one before."""
    at = start
    while at < len(lines) and len(lines[at]) > 1 and not _LEADER.search(lines[at].text):
        if at > start and lines[at][0].y1 >= lines[at - 1][0].y1:
            break
        at += 1
    return at


def _table(lines: Sequence[Line]) -> str:
    """The lines as a table; "" if their cells do not stand in columns."""
    spans: list[list[float]] = []
    for cell in sorted((cell for line in lines for cell in line), key=lambda cell: cell.x0):
        if spans and cell.x0 < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], cell.x1)
        else:
            spans.append([cell.x0, cell.x1])
    if len(lines) < _MIN_ROWS or not 2 <= len(spans) <= _MAX_COLUMNS:
        return ""
    rows = []
    for line in lines:
        row = [""] * len(spans)
        for cell in line:
            column = next(at for at, span in enumerate(spans) if cell.x0 <= span[1])
            if row[column]:
                return ""
            row[column] = escaped(NOT_KEPT.sub("", cell.text)).replace("|", "\\|")
        rows.append(row)
    if sum(map(len, lines)) < 0.6 * len(rows) * len(spans):
        return ""
    head, *rest = [f"| {' | '.join(row)} |\n" for row in rows]
    return f"{head}|{' --- |' * len(spans)}\n{''.join(rest)}\n"


def _continues(paragraph: Sequence[Line], line: Line, style: Style) -> bool:
    """Whether a line belongs to the paragraph that ends with these lines."""
    last, size = paragraph[-1], paragraph[-1].main.size
    drop = last[0].y0 - line[0].y0
    if (
        (line.is_mono and not style.mono)
        or _LEADER.search(last.text)
        or _ITEM.match(line.text)
        or abs(line.main.size - size) > 0.08 * size
        or line.main.bold is not last.main.bold
        or not 0 <= drop <= 1.3 * style.pitch * max(size, 0.7 * style.size)
        or not (line[0].x0 <= last[-1].x1 and last[0].x0 <= line[-1].x1)
    ):
        return False
    right = max(each[-1].x1 for each in (*paragraph, line))
    is_short = last[-1].x1 < right - 4 * size
    is_indented = line[0].x0 > last[0].x0 + 0.8 * size and not _ITEM.match(last.text)
    return not (last.text.endswith(_ENDS) and (is_short or is_indented))


def _text(lines: Sequence[Line], page: int, style: Style) -> str:
    """A paragraph, heading or item as one line of Markdown."""

    def joined(found: re.Match[str]) -> str:
        first, second = found[1] or found[3] or "", found[2] or found[4] or ""
        parted, whole = f"{first}-{second}", first + second
        is_parted = style.words[parted.casefold()] > style.words[whole.casefold()]
        return parted if is_parted else whole

    text = _BROKEN.sub(joined, "\n".join(line.text for line in lines))
    text = _LEADER.sub(" \u2026 ", " ".join(NOT_KEPT.sub("", text).split()))
    if level := _level(lines, text, page, style):
        return f"{'#' * level} {escaped(text)}\n\n"
    bullet = _BULLET.match(text)
    return f"- {escaped(text[bullet.end() :])}\n\n" if bullet else f"{escaped(text)}\n\n"


def _level(lines: Sequence[Line], text: str, page: int, style: Style) -> int:
    """The level of a heading: by the bookmarks, its size or bold letters; 0 for other text."""
    if len(text) > _MAX_HEADING or not _LETTER.search(text):
        return 0
    if level := style.outline.get((page, bare(text))):
        return level
    main = lines[0].main
    if main.size >= HEADING * style.size:
        return 1 + min(5, sum(size > main.size + 0.3 for size in style.larger))
    is_named = main.bold and not style.bold and len(lines) <= 2 and not text.endswith(_ENDS)
    is_named = is_named and not _ITEM.match(text) and main.size >= 0.98 * style.size
    return min(6, len(style.larger) + 1) if is_named else 0
