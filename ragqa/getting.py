"""Get a note, or a part of it, by address: what a citation points at, in context."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.addresses import NoTarget, find_indexed, span_of_lines
from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.notes import parse_note, read_text
from ragqa.notes.formats import Document
from ragqa.notes.read import NoteText
from ragqa.types import (
    HIDDEN,
    Block,
    Corpus,
    Kind,
    Note,
    NoteRecord,
    Progress,
    Skipped,
    counted,
)  # fmt: skip

HIDDEN_MARK = "(hidden)"
"""Stands for the value of a front matter key that looks like a secret."""

# What the margin leaves out of a locator: the words that the head of the part has.
_SAID_ABOVE = r"\Aparagraphs? |\Acell \d+, (?=output)| \(.*"


@dataclass(frozen=True, slots=True)
class NotePart:
    """Some lines of a note, or all of it.

    `text` is as in the file, except that what the note's readers do not see (secrets in its front
    matter, comments, text struck out) is masked; lines keep their numbers. `heading` is the path of
    headings at the first line; `skip` characters at the start of the lines are left out. `locator`
    is as in `Citation`. `margin` has the number of each line, or where a page, cell or paragraph
    begins its name, else "".
    """

    note: NoteRecord
    lines: tuple[int, int]
    total_lines: int
    heading: tuple[str, ...]
    text: str
    margin: tuple[str, ...]
    skip: int = 0
    locator: str = ""


def get_part(
    index: Index, address: str, *, refresh: bool = True, progress: Progress | None = None
) -> NotePart:
    """Get what an address names.

    :param address: the note by path, file name, title or alias, and a part of it (`readings`).
    :raises UsageError: there is no such note or part, or several notes have this name.
    :raises NotIndexed: the note is on disk but not in the index.
    """
    listed = index.notes(refresh=refresh, progress=progress)
    corpus, limit = index.places.corpus, index.settings.max_note_bytes
    known = {note.path: note for note in listed.notes}
    target = find_indexed(index, listed, address)
    skip = target.skip
    read = _current_text(corpus, target.path, limit)
    note = parse_note(target.path, read.document, read.sha256, read.stamp)
    lines = _lines_of(masked(note.text, note.blocks))
    first, last = target.lines or (1, max(1, len(lines)))
    text = "\n".join(lines[first - 1 : last])
    if skip > len(text):
        raise NoTarget(
            f"lines {first} to {last} of {note.path} have only {counted(len(text), 'character')}",
            [f"{note.path}:{first}:{last}"],
        )
    span = span_of_lines((first, last), note.text)
    return NotePart(
        note=known[target.path],
        lines=(first, last),
        total_lines=len(lines),
        heading=_heading_at(note.blocks, span[0]),
        text=text[skip:],
        skip=skip,
        locator=target.locator or read.document.locate(span),
        margin=tuple(_margin(read.document, first, last))[text.count("\n", 0, skip) :],
    )


def read_current(corpus: Corpus, path: str, *, max_note_bytes: int) -> Note:
    """A note as it is on disk now.

    :raises UsageError: it cannot be read.
    """
    read = _current_text(corpus, path, max_note_bytes)
    return parse_note(path, read.document, read.sha256, read.stamp)


def _current_text(corpus: Corpus, path: str, limit: int) -> NoteText:
    read = read_text(corpus, path, max_note_bytes=limit)
    if isinstance(read, Skipped):
        raise UsageError(f"{path} cannot be read: {read.reason}", hint="ragqa status")
    return read


def _margin(document: Document, first: int, last: int) -> Iterator[str]:
    """Yield what stands beside each of these lines, as `NotePart.margin` has it."""
    if not document.what:
        yield from map(str, range(first, last + 1))
        return
    shown, start = "", span_of_lines((first, first), document.text)[0]
    for line in document.text[start:].split("\n")[: last - first + 1]:
        place = document.locate((start, start + len(line))) if line.strip() else shown
        yield "" if place == shown else re.sub(_SAID_ABOVE, "", place)
        shown, start = place, start + len(line) + 1


def masked(text: str, blocks: Sequence[Block]) -> str:
    """A note's text without what is hidden; every line keeps its number."""
    parts, at = [], 0
    for start, end, new in edits_of_hidden(text, blocks):
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def edits_of_hidden(text: str, blocks: Sequence[Block]) -> Iterator[tuple[int, int, str]]:
    """Yield what stands for each hidden stretch: its start, its end and the text instead."""
    for block in blocks:
        if block.kind in HIDDEN:
            hidden = text[block.start : block.end]
            key = hidden.partition(":")[0] + f": {HIDDEN_MARK}" if block.kind is Kind.SECRET else ""
            yield block.start, block.end, key + "\n" * hidden.count("\n")


def _lines_of(text: str) -> list[str]:
    """The lines of a text as citations count them, each up to its line feed."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def _heading_at(blocks: Sequence[Block], at: int) -> tuple[str, ...]:
    path: list[Block] = []
    for block in blocks:
        if block.start > at:
            break
        if block.kind is Kind.HEADING:
            path = [above for above in path if above.level < block.level] + [block]
    return tuple(block.label for block in path)
