r"""PDF: pages as Markdown, cited by page.

In the extracted text a form feed begins each page. Its printed label follows, then why it has no
text or only part of it, each with a vertical tab after it. ragqa reads spaces in their place.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ragqa.notes.formats import Content, Reader
from ragqa.types import Span

_PAGE = re.compile(r"\f([^\n\r\v]*)(?:\v([^\n\r\v]*)\v)?")
_PLACE = re.compile(
    r"(?:pp?\.|pages?)\s*(.*?)\s*(?:\(pages? (\d{1,9})(?:[-\u2013](\d{1,9}))? of the file\))?",
    re.IGNORECASE,
)
_MAX_LISTED = 8

IN_PART = "it has more than 200,000 characters"
"""Why the rest of a page is left out."""


def decode(data: bytes) -> str:
    """Extract the text of a PDF in a child process.

    :raises Unfit: it cannot be read or has no text.
    """
    from ragqa.notes.extraction import parent

    return parent.extract("pdf", data)


def parse(text: str) -> Content:
    """Parse the extracted text."""
    from ragqa.notes.formats.written import parse as parse_markdown

    content = parse_markdown(view(text))
    return replace(content, warnings=content.warnings + _warnings(text))


def view(text: str) -> str:
    """The text as ragqa reads it."""
    return _PAGE.sub(lambda page: " " * len(page[0]), text)


def locate(text: str, span: Span) -> str:
    """The page of a span by its printed label, such as "p. 12" or "p. xii (page 3 of the file)"."""
    first = text.count("\f", 0, span[0] + 1)
    last = first + text.count("\f", span[0] + 1, span[1])
    if not first:
        return ""
    start = text.rfind("\f", 0, span[0] + 1)
    end = max(start, text.rfind("\f", start, span[1]))
    numbers = f"{first}" if first == last else f"{first}-{last}"
    ends = (_PAGE.match(text, at) for at in dict.fromkeys((start, end)))
    labels = "-".join(page[1] for page in ends if page)
    word, pages = ("p.", "page") if first == last else ("pp.", "pages")
    if labels.strip("-") in ("", numbers):
        return f"{word} {numbers}"
    return f"{word} {labels} ({pages} {numbers} of the file)"


def find(text: str, locator: str) -> Span | None:
    """The span of pages as `locate` names them, else by their numbers in the file."""
    pages = list(_PAGE.finditer(text))
    place = _PLACE.fullmatch(locator)
    if not place:
        return None
    if place[2]:
        first, last = int(place[2]), int(place[3] or place[2])
    else:
        first, last = _numbers(place[1], [page[1] for page in pages])
    if not 1 <= first <= last <= len(pages):
        return None
    end = pages[last].start() if last < len(pages) else len(text)
    return pages[first - 1].start(), end


def _numbers(printed: str, labels: Sequence[str]) -> tuple[int, int]:
    """The numbers in the file of a page or of a first and a last page, 0 for one it has not."""
    if one := _number(printed, labels):
        return one, one
    for dash in re.finditer("[-\u2013]", printed):
        first, last = (
            _number(label, labels) for label in (printed[: dash.start()], printed[dash.end() :])
        )
        if first and last:
            return first, last
    return 0, 0


def _number(printed: str, labels: Sequence[str]) -> int:
    number = int(printed) if re.fullmatch(r"\d{1,9}", printed) else 0
    is_there = 1 <= number <= len(labels)
    # `locate` writes a number alone only of a page without another label.
    if is_there and labels[number - 1] in ("", printed):
        return number
    if printed and printed in labels:
        return labels.index(printed) + 1
    return number if is_there else 0


def _warnings(text: str) -> tuple[str, ...]:
    """Which pages have no text, by reason."""
    without: dict[str, list[str]] = defaultdict(list)
    for number, page in enumerate(_PAGE.finditer(text), start=1):
        if page[2]:
            without[page[2]].append(str(number))
    return tuple(_warning(reason, pages) for reason, pages in without.items())


def _warning(reason: str, pages: list[str]) -> str:
    more = len(pages) - _MAX_LISTED
    listed = ", ".join(pages[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
    if reason == IN_PART:
        return f"the rest of page{'s' * (len(pages) > 1)} {listed} is left out: {reason}"
    verb = "page {} is" if len(pages) == 1 else "pages {} are"
    return f"{verb.format(listed)} left out: {reason}"


PDF = Reader(parse, view, decode, locate, find)
