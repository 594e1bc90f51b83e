"""Plain text, which may begin with front matter."""

from ragqa.notes.formats import Content, Reader
from ragqa.notes.plaintext import parse_plain_text
from ragqa.notes.written import written


def parse(text: str) -> Content:
    """Parse plain text."""
    return written(text, parse_plain_text, is_plain=True)


READER = Reader(parse)
