"""From a note's text to a `Note`: what its format's reader finds, and what its path says."""

from pathlib import PurePosixPath

from ragqa.notes.formats import format_of
from ragqa.notes.names import date_in, name_of
from ragqa.types import Note, Stamp


def parse_note(path: str, text: str, sha256: str, stamp: Stamp) -> Note:
    """Parse a note; any text is a note."""
    content = format_of(path).reader.parse(text)
    return Note(
        path=path,
        text=content.text,
        sha256=sha256,
        stamp=stamp,
        title=content.title or name_of(path),
        aliases=content.aliases,
        tags=content.tags,
        date=content.date or date_in(PurePosixPath(path).stem),
        links=content.links,
        blocks=content.blocks,
        warnings=content.warnings,
    )
