"""From notes on disk to `Note`; the parsers are imported when the first note is read."""

from ragqa.notes.formats import Document, format_of
from ragqa.notes.read import digest_of, parse_note, read_note, read_text
from ragqa.notes.walk import Walk, walk_notes, why_left_out

__all__ = [
    "Document",
    "Walk",
    "digest_of",
    "format_of",
    "parse_note",
    "read_note",
    "read_text",
    "walk_notes",
    "why_left_out",
]
