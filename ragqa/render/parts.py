"""A note, a part of it, or the notes near it, for the terminal and as a JSON document."""

from rich.text import Text

from ragqa.getting import NotePart
from ragqa.related import RelatedNotes
from ragqa.render.documents import Document, fields_of, index_document
from ragqa.render.results import Linker, print_place
from ragqa.render.screen import emit, put, stdout
from ragqa.safe import safe_line, safe_text


def print_part(part: NotePart, linker: Linker, *, numbered: bool | None = None) -> None:
    """Print the text alone, or where it is and then the lines with their numbers or places.

    :param numbered: None on a terminal only.
    """
    console = stdout()
    if not (console.is_terminal if numbered is None else numbered):
        emit(console, Text(safe_text(part.text.strip("\n"))))
        return
    head = Text.assemble(linker.place(part.note.path, part.lines, part.locator))
    for about in (part.note.date, " > ".join(part.heading) or part.note.title):
        if about:
            head.append(f"  {safe_line(about)}", style="quiet")
    emit(console, head)
    width = max(5, *map(len, part.margin))
    for beside, line in zip(part.margin, part.text.split("\n"), strict=True):
        label = f"{safe_line(beside):>{width}} "
        emit(console, Text.assemble((label, "quiet"), safe_text(line)), hang=len(label))


def part_document(part: NotePart) -> Document:
    """What `ragqa get --json` prints."""
    return {
        "path": part.note.path,
        "title": part.note.title,
        "date": part.note.date or None,
        "tags": list(part.note.tags),
        "note_sha256": part.note.sha256,
        "lines": list(part.lines),
        **(fields_of(part, "locator") if part.locator else {}),
        "total_lines": part.total_lines,
        "heading": list(part.heading),
        "text": part.text,
    }


def print_related(found: RelatedNotes, linker: Linker) -> None:
    """Print the notes near a note, each with the reasons."""
    if not found.related:
        put(f"No note is near {found.note.path}.", "bold")
    for n, one in enumerate(found.related, start=1):
        print_place(linker.place(one.note.path, (1, 1)), [one.note.title], n=n)
        put("; ".join(one.why), "quiet", indent=3)


def related_document(found: RelatedNotes) -> Document:
    """What `ragqa search --related --json` prints."""
    return {
        "note": found.note.path,
        "related": [
            fields_of(one.note, "path", "title") | fields_of(one, "score", "why")
            for one in found.related
        ],
        "warnings": found.warnings,
        "index": index_document(found.info),
    }
