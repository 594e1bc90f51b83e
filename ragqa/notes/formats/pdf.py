"""PDF: pages as Markdown, with paragraphs, headings, lists, tables and code, cited by page."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, pairwise
from statistics import median

import pypdfium2
from pypdfium2 import raw

from ragqa.notes.formats import Document, Place, Unfit, escaped
from ragqa.notes.formats.pdf_lines import HYPHEN, LEADER, MAX_CHARS, PageLine, has_room, lines_of

MAX_PAGES = 10_000
MAX_OUTLINE = 5_000
_MAX_LISTED = 8
IN_PART = f"it has more than {MAX_CHARS:,} characters"

_WORD = r"(?:page|pg|p\.|p[a\u00e1]g(?:ina)?|seite|sida|sivu|strona|\u0441\u0442\u0440)[.:]?"
_OF = r"(?: ?/ ?| (?:of|von|de|di|sur|av|z|\u0438\u0437) )[0-9]{1,6}"
_RULE = "[|/\u00b7\u2022\u2013\u2014-]"
# A page number: with "page" before it, or parted from other words by a wide gap or a sign.
_NUMBER = re.compile(
    rf"(?:^|\t|(?<!\S){_RULE} |\b{_WORD} ?)[(\[]?(?:[A-Z0-9]{{1,2}}-)?([0-9]{{1,6}})"
    rf"(?=(?:{_OF})?[)\]]?(?:$|\t| {_RULE}(?!\S)))",
    re.IGNORECASE,
)
_NOT_KEPT = re.compile(r"[\0-\x08\x0b-\x1f\ufdd0-\ufdef\ufffe\uffff]")
_TOKEN = re.compile(r"\w+(?:-\w+)*")

HEADING = 1.12
"""The size of a heading's letters is at least so many times that of the body's."""
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


@dataclass(slots=True)
class Page:
    """A page's printed label, its lines, and why it has none or not all."""

    label: str
    lines: list[PageLine] = field(default_factory=list)
    reason: str = ""


def convert(data: bytes) -> Document:
    """Convert a PDF; only in the child process.

    :raises Unfit: it cannot be read, has no text or too many pages.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as exc:
        if exc.err_code == raw.FPDF_ERR_PASSWORD:
            raise Unfit("encrypted: it opens only with a password") from exc
        raise Unfit("not a PDF, or a damaged one") from exc
    count = len(document)
    if not 0 < count <= MAX_PAGES:
        raise Unfit(f"it has {count:,} pages; 1 to {MAX_PAGES:,} are read")
    pages = [_read(document, number) for number in range(count)]
    if not any(page.lines for page in pages):
        raise Unfit(f"none of its pages has text: {pages[0].reason or 'they are empty'}")
    style = _style(document, pages)
    _leave_out_running(pages, style.size)
    lines: list[PageLine] = []
    for number, page in enumerate(pages):
        for line in page.lines:
            line.is_first, line.page = not lines or lines[-1].page < number, number
            lines.append(line)
    # Half a character that needs two becomes a question mark.
    text = "".join(markdown(lines, style)).encode("utf-16", "surrogatepass")
    _, *texts = text.decode("utf-16", "replace").split(PAGE)
    places, length, page_texts = list[Place](), 0, iter(texts)
    for number, page in enumerate(pages, start=1):
        places.append(Place(length, number, page.label))
        length += len(next(page_texts)) if page.lines else 0
    return Document("".join(texts), "page", tuple(places), warnings=tuple(_warnings(pages)))


def _warnings(pages: Sequence[Page]) -> Iterator[str]:
    """Warnings of the pages of which no text was read, or not all, with the reasons."""
    without: dict[str, list[str]] = defaultdict(list)
    for number, page in enumerate(pages, start=1):
        if page.reason:
            without[page.reason].append(f"{number}")
    for reason, numbers in without.items():
        more = f" and {len(numbers) - _MAX_LISTED} more" if len(numbers) > _MAX_LISTED else ""
        what = "pages left out in part" if reason == IN_PART else "pages left out"
        yield f"{what}: {', '.join(numbers[:_MAX_LISTED])}{more} ({reason})"


def _read(document: pypdfium2.PdfDocument, number: int) -> Page:
    label, page = "", None
    try:
        label = " ".join(_NOT_KEPT.sub("", document.get_page_label(number)).split())[:40]
        page = document[number]
        lines, is_cut = lines_of(page)
        if not lines and any(page.get_objects([raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
            return Page(label, reason="only images, perhaps a scan")
        return Page(label, lines, IN_PART if is_cut else "")
    except (pypdfium2.PdfiumError, ValueError):
        return Page(label, reason="damaged")
    finally:
        if page is not None:
            page.close()


def _leave_out_running(pages: Sequence[Page], size: float) -> None:
    """Drop page numbers, and what stands at the same place at the top or bottom of several pages.

    Each cell of such a line is on three pages or more; in a file of up to six, all cells but one
    may be on two. A line as large as a heading has a cell on half of all pages. One of the pages
    must have other text, so that no file of equal pages loses all of it.
    """
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    edges = []
    for number, page in enumerate(pages):
        by_height = sorted(page.lines, key=lambda line: line.y0)
        for line in by_height if len(by_height) <= 4 else by_height[:2] + by_height[-2:]:
            forms = [_with_and_without_page(cell.text, number) for cell in line.cells]
            edges.append((number, line, forms))
            for words in chain.from_iterable(forms):
                for by in (-1, 0, 1):
                    seen[words, round(line.y0 / 4) + by].add(number)
    running = []
    for number, line, forms in edges:
        pages_with = [[seen[words, round(line.y0 / 4)] for words in cell] for cell in forms]
        on = sorted([max(sets, key=len) for sets in pages_with], key=len)
        least = max(3, len(pages) // 2 if line.main.size >= HEADING * size else 0)
        if line.text.casefold() == pages[number].label.casefold():
            running.append((number, line, set(range(len(pages)))))
        elif len(on[-1]) >= least and len(on[0]) >= (2 if len(pages) <= 6 else 3):
            running.append((number, line, on[-1]))
    count = Counter(number for number, _, _ in running)
    left = {number for number, page in enumerate(pages) if len(page.lines) > count[number]}
    for number, line, pages_of in running:
        if not left.isdisjoint(pages_of):
            pages[number].lines.remove(line)


def _with_and_without_page(text: str, number: int) -> set[str]:
    """A text, and the same with its number replaced by its difference from the page's number.

    A header with a page number is then the same on all pages, but "Total: 12" is not.
    """
    match = _NUMBER.search(text)
    if match is None:
        return {text}
    return {text, f"{text[: match.start(1)]}\0{int(match[1]) - number}{text[match.end(1) :]}"}


def _style(document: pypdfium2.PdfDocument, pages: Sequence[Page]) -> Style:
    lines = [line for page in pages for line in page.lines]
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(2 * line.main.size) / 2] += len(line.text)
    mono = sum(len(line.text) for line in lines if line.mono)
    size = max(sizes.most_common(1)[0][0], 0.5)
    pitches = [(a.y0 - b.y0) / size for page in pages for a, b in pairwise(page.lines)]
    words = Counter(word for line in lines for word in _TOKEN.findall(line.text.casefold()))
    parted = whole = 0
    for first, second in pairwise(line.text.casefold() for line in lines):
        tokens = _TOKEN.findall(first[-60:])[-1:], _TOKEN.findall(second[:60])
        if first[-1] in (HYPHEN, "-") and all(tokens):
            parted += words[f"{tokens[0][0]}-{tokens[1][0]}"] > 0
            whole += words[tokens[0][0] + tokens[1][0]] > 0
    return Style(
        size=size,
        pitch=median([pitch for pitch in pitches if 0.8 < pitch < 3] or [1.2]),
        mono=2 * mono > sum(sizes.values()),
        hyphenates=5 * whole > parted,
        larger=tuple(sorted((each for each in sizes if each >= HEADING * size), reverse=True)),
        outline=_outline(document),
        words=words,
    )


def _outline(document: pypdfium2.PdfDocument) -> dict[tuple[int, str], int]:
    levels: dict[tuple[int, str], int] = {}
    with suppress(pypdfium2.PdfiumError, ValueError):
        for mark, _ in zip(document.get_toc(max_depth=6), range(MAX_OUTLINE), strict=False):
            target = mark.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                levels[page, bare(mark.get_title())] = mark.level + 1
    return levels


def bare(title: str) -> str:
    """A title without its number, spaces and punctuation."""
    return "".join(filter(str.isalpha, title.casefold()))


def markdown(lines: Sequence[PageLine], style: Style) -> Iterator[str]:
    """The document as Markdown: its blocks, each after line ends and the mark of a new page."""
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


def _goes_on(lines: Sequence[PageLine], start: int, at: int, style: Style) -> bool:
    """Whether the block that begins with the line at `start` has the line `at`, too."""
    first, last, line = lines[start], lines[at - 1], lines[at]
    if line.page > last.page + 1:
        return False
    if _is_code(first, style):
        return _is_code(line, style)
    if first.row or line.row:
        return len(first.row) == len(line.row)
    return _continues(lines[max(start, at - _FEW) : at], line, style)


def _continues(paragraph: Sequence[PageLine], line: PageLine, style: Style) -> bool:
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


def _is_cut(last: PageLine, line: PageLine) -> bool:
    """Whether a page or a column ends between two lines."""
    return line.page != last.page or last.y0 < line.y0


def _is_code(line: PageLine, style: Style) -> bool:
    return line.mono and not style.mono


def _code(lines: Sequence[PageLine]) -> str:
    """Lines of a fixed width as a block of code, indented as they stand."""
    left = min(line.x0 for line in lines)
    shown: list[str] = []
    for line in lines:
        if shown and line.is_first:
            shown[-1] += f" {PAGE}"
        indent = min(80, round((line.x0 - left) / (0.6 * line.main.size)))
        shown.append(" " * indent + line.text.replace(HYPHEN, "-"))
    fence = "`" * max([3, *(1 + len(ticks) for ticks in _TICKS.findall("\n".join(shown)))])
    return "\n".join([fence, *shown, fence])


def _table(lines: Sequence[PageLine], style: Style) -> str:
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

    def joined(match: re.Match[str]) -> str:
        first, page, second = (match[at] or match[at + 3] or "" for at in (1, 2, 3))
        parted, whole = f"{first}-{second}", first + second
        counts = [style.words[word.casefold()] for word in (parted, whole, first, second)]
        is_parted = (
            not second
            or counts[0] > counts[1]
            or (not counts[1] and (min(counts[2:]) > 1 or not style.hyphenates))
        )
        return f"{page}{parted if is_parted else whole}"

    if HYPHEN in text or "\u00ad" in text or "-\n" in text:
        text = _BROKEN.sub(joined, text)
    return " ".join(LEADER.sub(" \u2026 ", text).split())


def _level(lines: Sequence[PageLine], text: str, style: Style) -> int:
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
