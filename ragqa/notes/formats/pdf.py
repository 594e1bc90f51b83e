"""PDF: pages as Markdown, cited by page."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, pairwise
from statistics import median

import pypdfium2
from pypdfium2 import raw

from ragqa.notes.decoding import Unfit
from ragqa.notes.formats.document import Document, Place
from ragqa.notes.formats.pdf_blocks import HEADING, PAGE, Style, bare, markdown
from ragqa.notes.formats.pdf_lines import HYPHEN, MAX_PAGE_CHARS, Line, lines_of

MAX_PAGES = 10_000
MAX_OUTLINE = 5_000
_MAX_LISTED = 8
IN_PART = f"it has more than {MAX_PAGE_CHARS:,} characters"

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


@dataclass(slots=True)
class Page:
    """A page's printed label, its lines, and why it has none or not all."""

    label: str
    lines: list[Line] = field(default_factory=list)
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
    lines: list[Line] = []
    for number, page in enumerate(pages):
        for line in page.lines:
            line.is_first, line.page = not lines or lines[-1].page < number, number
            lines.append(line)
    # Half a character that needs two becomes a question mark.
    text = "".join(markdown(lines, style)).encode("utf-16", "surrogatepass")
    _, *texts = text.decode("utf-16", "replace").split(PAGE)
    places, length, said = list[Place](), 0, iter(texts)
    for number, page in enumerate(pages, start=1):
        places.append(Place(length, number, page.label))
        length += len(next(said)) if page.lines else 0
    return Document("".join(texts), "page", tuple(places), warnings=tuple(_warnings(pages)))


def _warnings(pages: Sequence[Page]) -> Iterator[str]:
    """What says which pages have no text, or not all of it, and why."""
    without: dict[str, list[str]] = defaultdict(list)
    for number, page in enumerate(pages, start=1):
        if page.reason:
            without[page.reason].append(f"{number}")
    for reason, numbers in without.items():
        more = f" and {len(numbers) - _MAX_LISTED} more" if len(numbers) > _MAX_LISTED else ""
        which = f"page{'s' * (len(numbers) > 1)} {', '.join(numbers[:_MAX_LISTED])}{more}"
        is_all = f"{which} {'are' if len(numbers) > 1 else 'is'} left out: {reason}"
        yield f"the rest of {which} is left out: {reason}" if reason == IN_PART else is_all


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

    Each cell of such a line is on three pages, or, but for one, on two of at most six. What is
    large is on half of all. One of the pages must have other text, so that no file of equal pages
    loses all of it.
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
        found = [[seen[words, round(line.y0 / 4)] for words in cell] for cell in forms]
        on = sorted([max(sets, key=len) for sets in found], key=len)
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
    """A text, and with its page number as the difference from that of the page.

    A header with a page number is then the same on all pages, but "Total: 12" is not.
    """
    found = _NUMBER.search(text)
    if found is None:
        return {text}
    return {text, f"{text[: found.start(1)]}\0{int(found[1]) - number}{text[found.end(1) :]}"}


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
    found: dict[tuple[int, str], int] = {}
    with suppress(pypdfium2.PdfiumError, ValueError):
        for mark, _ in zip(document.get_toc(max_depth=6), range(MAX_OUTLINE), strict=False):
            target = mark.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                found[page, bare(mark.get_title())] = mark.level + 1
    return found
