"""Get a note, or a part of it, by address: what a citation points at, in context."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ragqa.api import Index
from ragqa.errors import NoIndex, UsageError
from ragqa.explaining.targets import Notes
from ragqa.notes import parse_note, read_text
from ragqa.types import HIDDEN, Block, Kind, NoteRecord, Progress, Skipped

HIDDEN_MARK = "(hidden)"
"""Stands for the value of a front matter key that looks like a secret."""

_FROM_TO = re.compile(r"(?s)(?P<note>.+):(?P<first>\d{1,9}):(?P<last>\d{1,9})")


@dataclass(frozen=True, slots=True)
class NotePart:
    """Some lines of a note, or all of it.

    `text` is as in the file, except that what the note's readers do not see (secrets in its front
    matter, comments, text struck out) is masked; lines keep their numbers. `heading` is the path of
    headings at the first line.
    """

    note: NoteRecord
    lines: tuple[int, int]
    total_lines: int
    heading: tuple[str, ...]
    text: str

    @property
    def address(self) -> str:
        """The address of these lines, as `get_part` takes it."""
        return f"{self.note.path}:{self.lines[0]}-{self.lines[1]}"


def get_part(
    index: Index,
    address: str,
    *,
    refresh: bool = True,
    progress: Progress | None = None,
) -> NotePart:
    """Get what an address names.

    :param address: `NOTE`, `NOTE:LINE`, `NOTE:FIRST-LAST`, `NOTE:FIRST:LAST` or `NOTE#HEADING`, the
        note by path, file name, title or alias.
    :raises UsageError: there is no such note, line or heading, or several notes have this name.
    :raises NoIndex: the note is on disk but not in the index.
    """
    listed = index.notes(refresh=refresh, progress=progress)
    corpus, limit = index.places.corpus, index.settings.max_note_bytes
    known = {note.path: note for note in listed.notes}
    target = Notes(corpus, limit, known, listed.info).find(_as_range(address))
    if target.reason:
        raise NoIndex(f"{target.path} is not in the index: {target.reason}", hint="ragqa status")
    read = read_text(corpus, target.path, max_note_bytes=limit)
    if isinstance(read, Skipped):
        raise UsageError(f"{target.path} cannot be read: {read.reason}", hint="ragqa status")
    parsed = parse_note(target.path, read.text, read.sha256, read.stamp)
    lines = masked(read.text, parsed.blocks).splitlines()
    first, last = target.lines or (1, max(1, len(lines)))
    starts = _line_starts(read.text)
    return NotePart(
        note=known[target.path],
        lines=(first, last),
        total_lines=len(lines),
        heading=_heading_at(parsed.blocks, starts[min(first, len(starts)) - 1]),
        text="\n".join(lines[first - 1 : last]),
    )


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


def _as_range(address: str) -> str:
    """Read `NOTE:FIRST:LAST` as a range; a smaller second number is an editor's column."""
    found = _FROM_TO.fullmatch(address)
    if found and int(found["first"]) <= int(found["last"]):
        return f"{found['note']}:{found['first']}-{found['last']}"
    return address


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts[:-1] or [0]


def _heading_at(blocks: Sequence[Block], at: int) -> tuple[str, ...]:
    path: list[Block] = []
    for block in blocks:
        if block.start > at:
            break
        if block.kind is Kind.HEADING:
            path = [above for above in path if above.level < block.level] + [block]
    return tuple(block.label for block in path)
