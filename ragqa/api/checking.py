"""Check the index against the current notes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from ragqa.answering.embeds import Embedded
from ragqa.answering.layout import Layout, OpenNote, layout_of_passage
from ragqa.answering.matching import all_match_note, matches_note
from ragqa.notes import format_of, parse_note, read_text
from ragqa.notes.formats.document import Document
from ragqa.notes.links import NoteNames, place_of
from ragqa.notes.read import NoteText
from ragqa.stores import Snapshot
from ragqa.types import Block, Citation, Corpus, Hit, Passage, Skipped, Span, Stamp

_MOST_OPENED = 20

PART = 100_000
"""Characters. Of a long note, such as a manual, only the part around a passage is laid out."""


def keep_current(
    corpus: Corpus, hits: Sequence[Hit], *, max_note_bytes: int, remedy: str = "run ragqa index"
) -> tuple[list[Hit], list[str]]:
    """The hits whose text stands in its note byte for byte, and a warning for each other note.

    Citations use a hit's lines and units, so these must match the note too, with their contexts.

    :param remedy: what the warnings say to do about an outdated index.
    """
    notes: dict[str, Document | Skipped] = {}
    kept, misplaced = list[Hit](), dict[str, None]()
    for hit in hits:
        passage = hit.passage
        if passage.path not in notes:
            notes[passage.path] = _unchanged(corpus, passage, max_note_bytes)
        note = notes[passage.path]
        if isinstance(note, Skipped):
            continue
        if matches_note(note.text, passage):
            where = note.locate((passage.start, passage.end))
            kept.append(replace(hit, locator=where))
        else:
            misplaced[passage.path] = None
    return kept, [
        *(
            f"{path} is left out, since the index no longer matches it: {note.reason}; {remedy}"
            for path, note in notes.items()
            if isinstance(note, Skipped)
        ),
        *(
            f"passages of {path} are left out, since they are not where the index has them; "
            "run ragqa index --rebuild"
            for path in misplaced
        ),
    ]


def _unchanged(corpus: Corpus, passage: Passage, max_note_bytes: int) -> Document | Skipped:
    """The document of a passage's note if it is as indexed, else what is wrong."""
    read = read_text(corpus, passage.path, max_note_bytes=max_note_bytes)
    if isinstance(read, Skipped):
        return read
    if read.sha256 != passage.note_sha256:
        return Skipped(passage.path, "it was changed after it was indexed")
    return read.document


def open_notes(
    corpus: Corpus, of_note: Callable[[str], Sequence[Passage]], *, max_note_bytes: int
) -> OpenNote:
    """Return a function that gives the layout of a passage's note.

    Where the note no longer matches the index, the layout is of the passage alone.

    :param of_note: gives all passages of a note by its path.
    """
    passages_of = cache(of_note)

    @cache
    def layout_of(path: str, part: int) -> Layout | None:
        near = [one for one in passages_of(path) if abs(one.start // PART - part) <= 1]
        return _current_layout(corpus, path, near, max_note_bytes)

    def open_note(passage: Passage) -> Layout:
        return layout_of(passage.path, passage.start // PART) or layout_of_passage(passage)

    return open_note


def open_embedded(corpus: Corpus, snapshot: Snapshot, *, max_note_bytes: int) -> Embedded:
    """Return a function that gives what the notes of an index embed; it opens 20 of them."""

    @cache
    def names() -> NoteNames:
        return NoteNames.of(snapshot.notes().values())

    opened: dict[str, tuple[Layout, Sequence[Block]] | None] = {}

    def open_note(path: str) -> tuple[Layout, Sequence[Block]] | None:
        if format_of(path).name != "markdown":
            return None
        layout = _current_layout(corpus, path, snapshot.of_note(path), max_note_bytes)
        if layout is None:
            return None
        return layout, parse_note(path, layout.text, "", Stamp(0, 0)).blocks

    def embedded(source: str, link: str) -> tuple[Layout, Span] | None:
        if format_of(source).name != "markdown":
            return None  # there `![[note]]` is text
        name, _, anchor = link.partition("#")
        path = names().path_of(name, source) if name.strip() else source
        if path and path not in opened and len(opened) < _MOST_OPENED:
            opened[path] = open_note(path)
        if not (found := opened.get(path)):
            return None
        layout, blocks = found
        span = place_of(layout.text, blocks, anchor) if anchor else (0, len(layout.text))
        return (layout, span) if span else None

    return embedded


def _current_layout(
    corpus: Corpus, path: str, passages: Sequence[Passage], max_note_bytes: int
) -> Layout | None:
    """The layout of a note; None if it no longer matches its passages in the index."""
    read = read_text(corpus, path, max_note_bytes=max_note_bytes)
    if isinstance(read, Skipped) or {read.sha256} != {one.note_sha256 for one in passages}:
        return None
    return Layout.of(read.text, passages) if all_match_note(read.text, passages) else None


def with_locator(citation: Citation, read: Callable[[str], NoteText | Skipped]) -> Citation:
    """The citation with the place of its quote in its file, if lines do not name that."""
    if not format_of(citation.path).version:
        return citation
    note = read(citation.path)
    if isinstance(note, Skipped) or note.sha256 != citation.note_sha256:
        return citation
    return replace(citation, locator=note.document.locate(citation.chars))
