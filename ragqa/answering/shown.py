"""Quotes and passages as people read them.

In a format with other markup than Markdown, its place is blank in what ragqa reads. So such text is
laid out by its units; any other is shown as it is.
"""

from ragqa.answering.excerpt_blocks import excerpt_text
from ragqa.notes import format_of
from ragqa.types import Citation, Passage


def citation_text(citation: Citation) -> str:
    """A quote as people read it."""
    if not citation.shown:
        return citation.quote
    return excerpt_text(citation.shown, citation.units, citation.chars[0])


def context_of(passage: Passage) -> str:
    """What a passage's text lacks of its beginning: the labels of the columns of a cut table."""
    context = passage.units[0].full_context if passage.units else ""
    return "" if context in passage.text else context


def passage_text(passage: Passage) -> str:
    """A passage as people read it."""
    if not format_of(passage.path).has_markup:
        return passage.text
    return excerpt_text(passage.text, passage.units, passage.start)
