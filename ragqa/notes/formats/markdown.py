"""Markdown: front matter, blocks, links and tags."""

from ragqa.notes.formats import Content, Reader
from ragqa.notes.markdown import parse_markdown
from ragqa.notes.written import written


def parse(text: str) -> Content:
    """Parse Markdown; any text is Markdown."""
    return written(text, parse_markdown)


READER = Reader(parse)
