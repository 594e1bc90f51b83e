"""From the lines of a PDF to Markdown: paragraphs, headings, lists, tables and code."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.notes.formats.escaping import escaped
from ragqa.notes.formats.pdf_lines import HYPHEN, LEADER, Line, has_room

HEADING = 1.12
"""A heading's size, of the body's."""
PAGE = "\ufdd0"
"""Stands where a page begins; no word has it."""

_MAX_HEADING = 200
_FEW = 20
_ENDS = (".", "!", "?", ":", "\u3002")
_CLOSERS = "\"'\u201d\u2019)]"
_LETTER = re.compile(r"[^\W\d_]")
_BULLET = re.compile("[\u2022\u2023\u25e6\u25aa\u25cf\u25cb\u25a0\u2219\u00b7\u2013\uf0b7*-]\\s+")
_ITEM = re.compile(rf"{_BULLET.pattern}|\(?(?:\d{{1,3}}|[a-zA-Z])[.)]\s")
_IN_LIST = re.compile(rf"{_BULLET.pattern}|\d{{1,3}}([.)])\s")
_BROKEN = re.compile(
    rf"(\w{{0,60}})[{HYPHEN}\u00ad]+\s*({PAGE}?)(\w*)|(\w{{2,60}})-\n({PAGE}?)([a-z]\w*)"
)
_TICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Style:
    """What is usual in a document: the size of its text, and of that from line to line.

    :ivar mono: whether most of it is of fixed width.
    :ivar hyphenates: whether it parts words at the ends of lines.
    :ivar larger: the sizes of headings, the largest first.
    :ivar outline: the level of each title of its bookmarks, by page and bare words.
    :ivar words: how often each word occurs, to tell which hyphens are part of one.
    """

    size: float
    pitch: float
    mono: bool
    hyphenates: bool
    larger: tuple[float, ...]
    outline: dict[tuple[int, str], int]
    words: Counter[str]


def bare(title: str) -> str:
    """A title without its number, spaces and punctuation."""
    return "".join(filter(str.isalpha, title.casefold()))


def markdown(lines: Sequence[Line], style: Style) -> Iterator[str]:
    """The blocks of a document, each after what parts it from the one before."""
    at, lefts, was_item = 0, list[float](), False
    while at < len(lines):
        start, first, is_item = at, lines[at], False
        at += 1
        while at < len(lines) and _goes_on(lines, start, at, style):
            at += 1
        block = lines[start:at]
        if first.row and not _is_code(first, style):
            text = _table(block, style)
        elif _is_code(first, style):
            text = _code(block)
        else:
            parts = (f"{PAGE * (line.is_first and line is not first)}{line.text}" for line in block)
            words = _unbroken("\n".join(parts), style)
            level, marker = _level(block, words, style), _IN_LIST.match(words)
            text = f"{'#' * level} {escaped(words)}" if level else escaped(words)
            if marker and not level:
                is_item = True
                if not was_item or _is_cut(lines[start - 1], first):
                    lefts.clear()
                while lefts and lefts[-1] > first.x0 - 0.5 * first.main.size:
                    lefts.pop()
                lefts.append(first.x0)
                text = text if marker[1] else f"- {escaped(words[marker.end() :])}"
                text = "    " * (len(lefts) - 1) + text
        if is_item and was_item:
            yield f" {PAGE}\n" if first.is_first else "\n"
        else:
            yield "\n\n" * (start > 0) + f"{PAGE}\n\n" * first.is_first
        yield text
        was_item = is_item


def _goes_on(lines: Sequence[Line], start: int, at: int, style: Style) -> bool:
    """Whether the block that begins with one line has another, too."""
    first, last, line = lines[start], lines[at - 1], lines[at]
    if line.page > last.page + 1:
        return False
    if _is_code(first, style):
        return _is_code(line, style)
    if first.row or line.row:
        return len(first.row) == len(line.row)
    return _continues(lines[max(start, at - _FEW) : at], line, style)


def _continues(paragraph: Sequence[Line], line: Line, style: Style) -> bool:
    """Whether a line belongs to the paragraph that ends with these lines."""
    last, size = paragraph[-1], paragraph[0].main.size
    drop = last.y0 - line.y0
    is_cut = _is_cut(last, line)
    is_ended = last.text.rstrip(_CLOSERS).endswith(_ENDS)
    is_like = abs(line.main.size - size) <= 0.08 * size and line.main.bold is paragraph[0].main.bold
    if _is_code(line, style):
        is_like = not is_ended and not is_cut
    if not is_like or LEADER.search(last.text) or _ITEM.match(line.text):
        return False
    right = max(each.x1 for each in (*paragraph, *(() if is_cut else (line,))))
    is_short = has_room(last, line.text, line.x1 - line.x0, right)
    if is_cut:
        return (
            not is_ended
            and len(line.cells) == 1
            and (line.text[0].islower() or (len(paragraph) > 2 and not is_short))
        )
    if drop > 1.3 * style.pitch * max(size, 0.7 * style.size) or not (
        line.x0 <= last.x1 and last.x0 <= line.x1
    ):
        return False
    is_indented = line.x0 > last.x0 + 0.8 * size and not _ITEM.match(last.text)
    return not (is_ended and (is_short or is_indented))


def _is_cut(last: Line, line: Line) -> bool:
    """Whether a page or a column ends between two lines."""
    return line.page != last.page or last.y0 < line.y0


def _is_code(line: Line, style: Style) -> bool:
    return line.mono and not style.mono


def _code(lines: Sequence[Line]) -> str:
    """Lines of a fixed width as a block of code, indented as they stand."""
    left = min(line.x0 for line in lines)
    shown: list[str] = []
    for line in lines:
        if shown and line.is_first:
            shown[-1] += f" {PAGE}"
        indent = min(80, round((line.x0 - left) / (0.6 * line.main.size)))
        shown.append(" " * indent + line.text.replace(HYPHEN, "-"))
    fence = "`" * max([3, *(1 + len(found) for found in _TICKS.findall("\n".join(shown)))])
    return "\n".join([fence, *shown, fence])


def _table(lines: Sequence[Line], style: Style) -> str:
    """Rows as a table; the header that a new page repeats is left out."""
    shown: list[str] = []
    for line in lines:
        if shown and line.is_first:
            shown[-1] += f" {PAGE}"
            if line.row == lines[0].row:
                continue
        row = (escaped(_unbroken(cell, style)).replace("|", "\\|") for cell in line.row)
        shown.append(f"| {' | '.join(row)} |")
    shown.insert(1, f"|{' --- |' * len(lines[0].row)}")
    return "\n".join(shown)


def _unbroken(text: str, style: Style) -> str:
    """Lines as one, its words joined that a hyphen parts at the end of a line."""

    def joined(found: re.Match[str]) -> str:
        first, page, second = (found[at] or found[at + 3] or "" for at in (1, 2, 3))
        parted, whole = f"{first}-{second}", first + second
        counts = [style.words[each.casefold()] for each in (parted, whole, first, second)]
        is_parted = (
            not second
            or counts[0] > counts[1]
            or (not counts[1] and (min(counts[2:]) > 1 or not style.hyphenates))
        )
        return f"{page}{parted if is_parted else whole}"

    if HYPHEN in text or "\u00ad" in text or "-\n" in text:
        text = _BROKEN.sub(joined, text)
    return " ".join(LEADER.sub(" \u2026 ", text).split())


def _level(lines: Sequence[Line], text: str, style: Style) -> int:
    """The level of a heading: by the bookmarks, its size or bold letters; 0 for other text."""
    if len(text) > _MAX_HEADING or not _LETTER.search(text) or _BULLET.match(text):
        return 0
    if level := style.outline.get((lines[0].page, bare(text))):
        return level
    main = lines[0].main
    if main.size >= HEADING * style.size:
        return 1 + min(5, sum(size > main.size + 0.3 for size in style.larger))
    is_named = main.bold and len(lines) <= 2 and not text.endswith(_ENDS)
    is_named = is_named and not _ITEM.match(text) and main.size >= 0.98 * style.size
    return min(6, len(style.larger) + 1) if is_named else 0
