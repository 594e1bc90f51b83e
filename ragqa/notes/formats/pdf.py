r"""PDF: pages as Markdown, cited by page.

In the extracted text a form feed begins each page. Its printed label follows, then why it has no
text or only part of it, each with a vertical tab after it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from ragqa.notes.formats.document import Document, Place

_PAGE = re.compile(r"\f([^\n\r\v]*)(?:\v([^\n\r\v]*)\v)?")
_MAX_LISTED = 8

IN_PART = "it has more than 200,000 characters"
"""Why the rest of a page is left out."""


def convert(data: bytes, progress: Callable[[], object], left_out: Sequence[int] = ()) -> Document:
    """Convert a PDF, but for some of its pages, counted from 0; only in the child process.

    :raises Unfit: it cannot be read or has no text.
    """
    from ragqa.notes.formats.pdf_pages import extract

    return document(extract(data, progress, left_out=left_out))


def document(marked: str) -> Document:
    """The document of a text with the marks of its pages."""
    pieces, places, at, length = list[str](), list[Place](), 0, 0
    without: dict[str, list[str]] = defaultdict(list)
    for number, page in enumerate(_PAGE.finditer(marked), start=1):
        pieces.append(marked[at : page.start()])
        length, at = length + len(pieces[-1]), page.end()
        places.append(Place(length, number, page[1]))
        if page[2]:
            without[page[2]].append(f"{number}")
    warnings = tuple(_warning(reason, pages) for reason, pages in without.items())
    text = "".join([*pieces, marked[at:]])
    return Document(text, "page", tuple(places), warnings=warnings)


def _warning(reason: str, pages: list[str]) -> str:
    more = len(pages) - _MAX_LISTED
    listed = ", ".join(pages[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
    if reason == IN_PART:
        return f"the rest of page{'s' * (len(pages) > 1)} {listed} is left out: {reason}"
    verb = "page {} is" if len(pages) == 1 else "pages {} are"
    return f"{verb.format(listed)} left out: {reason}"
