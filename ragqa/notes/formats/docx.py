"""Word: headings, lists and tables, cited by paragraph.

The text is HTML that is extracted from the file, so the reader of HTML reads it.
"""

import re

from ragqa.notes.extraction import parent
from ragqa.notes.formats import Content, Reader
from ragqa.types import Span

_PLACE = re.compile(r"par(?:agraphs?|s?\.)\s*(\d{1,9})(?:[-\u2013](\d{1,9}))?", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<(?:p|h[1-6]|li|pre)>")


def decode(data: bytes) -> str:
    """Extract the text of a Word file in a child process.

    :raises Unfit: it cannot be read or has no text.
    """
    return parent.extract("docx", data)


def parse(text: str) -> Content:
    """Parse the extracted text."""
    from ragqa.notes.formats import html

    return html.parse(text)


def view(text: str) -> str:
    """The text as ragqa reads it."""
    return parse(text).text


def locate(text: str, span: Span) -> str:
    """The paragraph of a span, such as "paragraph 14"; code, headings, items and cells count."""
    first = sum(1 for _ in _PARAGRAPH.finditer(text, 0, span[0] + 1))
    last = first + sum(1 for _ in _PARAGRAPH.finditer(text, span[0], span[1]))
    return f"paragraph {first}" if first == last else f"paragraphs {first}-{last}"


def find(text: str, locator: str) -> Span | None:
    """The span of paragraphs as `locate` names them."""
    tags = [tag.span() for tag in _PARAGRAPH.finditer(text)]
    place = _PLACE.fullmatch(locator)
    if not place:
        return None
    first, last = int(place[1]), int(place[2] or place[1])
    if not 1 <= first <= last <= len(tags):
        return None
    return tags[first - 1][1], tags[last][0] if last < len(tags) else len(text)


WORD = Reader(parse, view, decode, locate, find)
