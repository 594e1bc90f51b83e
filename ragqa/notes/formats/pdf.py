r"""PDF: pages as Markdown, cited by page.

In the extracted text a form feed begins each page. Its printed label follows, then why it has no
text or only part of it, each with a vertical tab after it. ragqa reads spaces in their place.
"""

import re
from collections import defaultdict
from dataclasses import replace

from ragqa.notes.formats import Content, Reader
from ragqa.types import Span

_PAGE = re.compile(r"\f([^\n\r\v]*)(?:\v([^\n\r\v]*)\v)?")
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


PDF = Reader(parse, view, decode, locate)
