"""The notes and tags of an index, for the terminal and as a JSON document."""

from rich.text import Text

from ragqa.render.documents import Document, fields_of, index_document
from ragqa.render.screen import put
from ragqa.sanitise import safe_line
from ragqa.types import NoteList, NoteRecord

_INDENT = 3
_NO_DATE = " " * len("2025-03-31")


def print_list(found: NoteList, *, tags: bool) -> None:
    """Print a line for each note, or for each tag."""
    if tags:
        width = max(map(len, map(str, found.tags.values())), default=0)
        for tag, notes in found.tags.items():
            line = Text.assemble((f"{notes:>{width}}  ", "number"), safe_line(tag))
            put(line, hang=width + 2)
        return
    for note in found.notes:
        put(_note_line(note), hang=_INDENT)


def _note_line(note: NoteRecord) -> Text:
    line = Text.assemble((safe_line(note.path), "path"), "  ")
    line.append(f"{note.date or _NO_DATE}  ", style="quiet").append(safe_line(note.title))
    for tag in note.tags:
        line.append(f"  #{safe_line(tag)}", style="quiet")
    return line


def list_document(found: NoteList, *, tags: bool) -> Document:
    """What `ragqa list --json` prints."""
    if tags:
        listed: Document = {"tags": [{"tag": tag, "notes": n} for tag, n in found.tags.items()]}
    else:
        listed = {"notes": [_note_document(note) for note in found.notes]}
    return listed | {"warnings": found.warnings, "index": index_document(found.info)}


def _note_document(note: NoteRecord) -> Document:
    dated = fields_of(note, "path", "title") | {"date": note.date or None}
    return dated | fields_of(note, "tags", "aliases")
