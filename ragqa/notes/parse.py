"""From a note's text to a `Note`: what its parser finds, and what its path says."""

import os
import re
from datetime import date
from pathlib import PurePosixPath

from ragqa.notes.formats import format_of
from ragqa.notes.formats.document import Document
from ragqa.types import Note, Stamp

MAX_TAGS = 1_000
"""The most tags of one note; those after them do not count."""

MAX_TAG_CHARS = 200
"""A longer tag does not count: each of its levels would be a tag, too."""

_ISO_DATE = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", re.ASCII)


def parse_note(path: str, read: Document | str, sha256: str, stamp: Stamp) -> Note:
    """Parse a note; any text is a note.

    :param read: its document, or only the text of that if what else it says does not matter.
    """
    # Late: a question to an up-to-date index needs no parser.
    from ragqa.notes.formats.written import parse

    document = Document(read) if isinstance(read, str) else read
    form = format_of(path)
    content = parse(document.text, is_plain=form.name == "plain", has_front_matter=not form.version)
    tags = tuple(dict.fromkeys(document.tags + content.tags))
    tags = tuple(tag for tag in tags if len(tag) <= MAX_TAG_CHARS)[:MAX_TAGS]
    left_out = len({*document.tags, *content.tags}) - len(tags)
    limits = f"over {MAX_TAGS:,} tags or {MAX_TAG_CHARS} characters"
    why = f"tags that do not count: {left_out:,} ({limits})"
    warnings = content.warnings + document.warnings
    return Note(
        path=path,
        text=document.text,
        sha256=sha256,
        stamp=stamp,
        title=document.title or content.title or _name(path),
        aliases=content.aliases,
        tags=tags,
        date=document.date or content.date or date_in(PurePosixPath(path).stem),
        links=content.links,
        blocks=content.blocks,
        warnings=(*warnings, why) if left_out else warnings,
        properties=content.properties,
    )


def _name(path: str) -> str:
    """The file's name as words; bytes that are not UTF-8 are replaced."""
    stem = PurePosixPath(path).stem
    readable = os.fsencode(stem).decode("utf-8", "replace")
    return " ".join(readable.replace("-", " ").replace("_", " ").split()) or readable


def date_in(text: str) -> str:
    """The first ISO date in a text, such as "2024-05-02 Standup"; "" for none."""
    for match in _ISO_DATE.finditer(text):
        try:
            return date.fromisoformat(match[0]).isoformat()
        except ValueError:
            continue
    return ""
