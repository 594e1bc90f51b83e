"""References such as `note.md:12-15`: read, written, looked up, and the text that they name."""

import os
import re
import shlex
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.config import Settings
from ragqa.errors import LIST, STATUS, Hint, NotIndexed, UsageError
from ragqa.notes import parse_note, read_text, why_left_out
from ragqa.notes.formats import Document
from ragqa.notes.links import NoteNames, folded, section_of
from ragqa.passages.parts import heading_paths
from ragqa.safe import safe_line
from ragqa.types import (
    HIDDEN,
    Block,
    Corpus,
    IndexInfo,
    JsonShape,
    Kind,
    Note,
    NoteRecord,
    Progress,
    Skipped,
    Span,
    counted,
)

if TYPE_CHECKING:
    from ragqa.api import Index

OUTSIDE = "outside the folder of notes"
PENDING = "not in the index yet; run ragqa index"
HIDDEN_MARK = "(hidden)"
"""Stands for the value of a front matter key that looks like a secret."""

_LINES = re.compile(r"(?s)(.+):(\d{1,9})(?:[-\u2013](\d{1,9}))?")
_LOCATOR = re.compile(r"(?i), (?=(?:pp?\.|pages?|(?:cell|slide|sheet)s?|paragraphs?)\s*\S)")
_HEADING_BELOW = " [>\u203a] "
# What the margin leaves out of a locator: the words that the head of the part has.
_SAID_ABOVE = r"\Aparagraphs? |\Acell \d+, (?=output)| \(.*"

_MAX_ENTRIES = 20_000
"""At most this many notes are compared with an unknown name."""
_MAX_NAME = 200
_MAX_HEADING = 100
_MAX_HEADINGS = 1_000
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reference:
    """A note by its path or name, and lines, a heading or a locator, as in `Citation`, if named.

    One that was looked up has the note's path, and the `reason` why it is not indexed, "" if it is.
    """

    JSON = JsonShape("path lines locator", optional="locator")

    path: str
    lines: tuple[int, int] | None = None
    heading: str = ""
    locator: str = ""
    reason: str = ""


def reference_to(path: str, lines: tuple[int, int], locator: str = "") -> str:
    """A place in a note as `path:first-last`, `path:line` or `path, locator`; not sanitised."""
    if locator:
        return f"{path}, {locator}"
    first, last = lines
    return f"{path}:{first}" if first == last else f"{path}:{first}-{last}"


def readings(text: str) -> Iterator[Reference]:
    """Yield each reference that a text may be, the plainest first: a name may have a colon or `#`.

    The forms are `NOTE`, `NOTE:LINE`, `NOTE:FIRST-LAST`, `NOTE#HEADING`, and `NOTE, LOCATOR`.
    """
    if text:
        yield Reference(text)
    if match := _LINES.fullmatch(text):
        first, last = sorted((int(match[2]), int(match[3] or match[2])))
        yield Reference(match[1], (first, last))
    commas = list(_LOCATOR.finditer(text))
    for comma in dict.fromkeys((*commas[-1:], *commas[:1])):
        yield Reference(text[: comma.start()], locator=text[comma.end() :])
    for name, _, anchor in dict.fromkeys((text.rpartition("#"), text.partition("#"))):
        if name and anchor.strip("# "):
            yield Reference(name, heading=anchor.strip())


class NoTarget(UsageError):
    """A reference names no note, or no part of one; `targets` are similar references."""

    def __init__(self, message: str, targets: Iterable[str]) -> None:
        self.targets = list(islice(targets, _SHOWN))
        quoted = ", or ".join(map(shlex.quote, self.targets))
        hint = Hint(quoted, tool=", or ".join(self.targets)) if self.targets else LIST
        super().__init__(message, hint=hint)


@dataclass(frozen=True)
class NoteLookup:
    """The notes among which references are looked up, by path, and why others are no notes."""

    corpus: Corpus
    settings: Settings
    known: Mapping[str, NoteRecord]
    skipped: Mapping[str, str]

    @classmethod
    def of(cls, index: "Index", notes: Iterable[NoteRecord], info: IndexInfo) -> "NoteLookup":
        """These notes of an index, and its folder."""
        known = {note.path: note for note in notes}
        skipped = {skip.path: skip.reason for skip in info.skipped}
        return cls(index.places.corpus, index.settings, known, skipped)

    def find(self, text: str) -> Reference:
        """Resolve a reference to a note and its lines; `readings` has the forms.

        :raises UsageError: no note, or several, have this name, or it has no such part.
        """
        if context := safe_line(self.corpus.context(text)):
            text = text.removesuffix(f" ({context})")
        for typed in dict.fromkeys((text, text.strip())):
            if place := self.place_of(typed):
                return self._part(place)
            for reading in readings(typed):
                if target := self._left_out(reading.path):
                    return replace(target, lines=reading.lines)
        shown = text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}\u2026"
        raise NoTarget(f"there is no note {shown!r} in {self.corpus}", self._alike(text))

    def place_of(self, text: str) -> Reference | None:
        """The reference with the path of a known note; a UsageError where several are so called."""
        for reading in readings(text):
            if path := self._path_of(reading.path):
                return replace(reading, path=path)
        return None

    def find_indexed(self, text: str) -> Reference:
        """Resolve a reference as `find` does; NotIndexed where the note is only on disk."""
        target = self.find(text)
        if target.reason:
            raise NotIndexed(f"{target.path} is not in the index: {target.reason}", hint=STATUS)
        return target

    def _part(self, place: Reference) -> Reference:
        """The note, with the lines and the locator of the part that is named."""
        path, lines = place.path, place.lines
        if not (lines or place.heading or place.locator):
            return Reference(path)
        read = read_text(self.corpus, path, max_note_bytes=self.settings.max_note_bytes)
        if isinstance(read, Skipped):
            return Reference(path, lines)  # a later stage reports it
        if lines:
            lines = _lines_in(lines, path, read.text)
            span = span_of_lines(lines, read.text)
        else:
            named = place.locator or place.heading
            find = _place_at if place.locator else _section_below
            span = find(named, path, read)
            first = 1 + read.text.count("\n", 0, span[0])
            lines = first, first + read.text[slice(*span)].rstrip().count("\n")
        return Reference(path, lines, locator=read.locate(span))

    def _path_of(self, name: str) -> str:
        inside = _inside(self.corpus, name)
        for path in inside:
            if path in self.known:
                return path
        alike = (self.names.by_name.get(way.casefold(), ()) for way in (*inside, name))
        paths = sorted(next(filter(None, alike), ()))
        paths = [path for path in paths if path.rpartition("/")[2] == name] or paths
        if len(paths) > 1:
            first = ", ".join(paths[:_SHOWN])
            more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            raise NoTarget(f"{len(paths)} notes are called {name!r}: {first}{more}", paths)
        return paths[0] if paths else ""

    @cached_property
    def names(self) -> NoteNames:
        """What the notes in the index are called."""
        return NoteNames.of(self.known.values())

    def _left_out(self, name: str) -> Reference | None:
        paths = _inside(self.corpus, name)
        for path in paths:
            if reason := self._reason(path):
                return Reference(path, reason=reason)
        return Reference(name, reason=OUTSIDE) if not paths or os.path.lexists(name) else None

    def _reason(self, path: str) -> str:
        """Why the file at a path is not indexed; "" if there seems to be none."""
        if path == ".":
            return "the folder of notes itself"
        limit, formats = self.settings.max_note_bytes, self.settings.formats
        try:
            reason = why_left_out(self.corpus, path, max_note_bytes=limit, formats=formats)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return ""
        except OSError as exc:
            return f"it cannot be read: {exc.strerror}"
        return reason or self.skipped.get(path, PENDING)

    def _alike(self, text: str) -> list[str]:
        """The notes with the most similar names, best first."""
        *_, wanted = "", *(reading.path for reading in readings(text[:_MAX_NAME]))
        names = list(islice(self.names.by_name, _MAX_ENTRIES))
        close = get_close_matches(wanted.casefold(), names, n=2 * _SHOWN)
        return list(dict.fromkeys(self.names.by_name[name][0] for name in close))


def _lines_in(lines: tuple[int, int], path: str, text: str) -> tuple[int, int]:
    """The given lines, up to the last line of the note, which must have the first."""
    first, last = lines
    total = text.count("\n") + (not text.endswith("\n") and bool(text))
    if not 1 <= first <= total:
        near = f"{path}:{total if first > 1 else 1}" if total else path
        has = counted(total, "line")
        raise NoTarget(f"{path} has {has}, so there is no line {first}", [near])
    return first, min(last, total)


def _place_at(locator: str, path: str, document: Document) -> Span:
    """The span of a page, cell or paragraph; where there is none, the hint has the last."""
    if span := document.span_at(locator):
        return span
    length = len(document.text)
    last = document.locate((max(0, length - 1), length))
    raise NoTarget(
        f"{path} has no {locator[:_MAX_HEADING]!r}", [f"{path}, {last}" if last else path]
    )


def span_of_lines(lines: tuple[int, int], text: str) -> Span:
    """The span of some lines in a text."""
    starts = [0, *(newline.end() for newline in re.finditer("\n", text)), len(text)]
    first, last = (min(end, len(starts) - 1) for end in (lines[0] - 1, lines[1]))
    return starts[first], starts[last]


def _section_below(anchor: str, path: str, document: Document) -> Span:
    """The span of a heading's section; without one, the hint has similar headings or the first."""
    text, blocks = document.text, parse_note(path, document.text).blocks
    for named in (anchor, re.sub(_HEADING_BELOW, "#", anchor)):
        if span := section_of(blocks, len(text), named):
            return span
    wanted = anchor.rpartition("#")[2].strip()[:_MAX_HEADING]
    has = [block.label for block in blocks if block.kind is Kind.HEADING and block.label]
    labels = {folded(label): label for label in has[:_MAX_HEADINGS]}
    close = get_close_matches(folded(wanted), labels, n=_SHOWN)
    alike = [labels[name] for name in close] or has
    raise NoTarget(
        f"{path} has no heading {wanted!r}", [f"{path}#{label}" for label in alike] or [path]
    )


def _inside(corpus: Corpus, name: str) -> list[str]:
    """The paths that a name may mean, from the corpus or the current folder; no link followed."""
    paths = [os.path.normpath(name)] if len(corpus.folders) > 1 else []
    for prefix, folder in corpus.prefixed:
        tops = (folder.absolute(), folder.resolve())
        wholes = [Path(os.path.normpath(Path(start, name))) for start in (*tops, Path.cwd())]
        paths += [
            prefix + whole.relative_to(top).as_posix()
            for whole in wholes
            for top in tops
            if whole.is_relative_to(top)
        ]
    return list(dict.fromkeys(paths))


@dataclass(frozen=True, slots=True)
class NotePart:
    """Some lines of a note, or all of it; secrets in its front matter and comments are masked.

    `heading` is the path of headings at the first line. `locator` is as in `Citation`. `margin` has
    the number of each line, or the name of each page or slide where it begins.
    """

    JSON = JsonShape(
        "path=note.path title=note.title date=note.date tags=note.tags note_sha256=note.sha256 "
        "lines locator total_lines heading text",
        null="date", optional="locator",
    )  # fmt: skip

    note: NoteRecord
    lines: tuple[int, int]
    total_lines: int
    heading: tuple[str, ...]
    text: str
    margin: tuple[str, ...]
    locator: str = ""


def get_part(
    index: "Index", address: str, *, refresh: bool = True, progress: Progress | None = None
) -> NotePart:
    """Get the note, or the part of a note, that a reference names; raises as `find_indexed`."""
    listed = index.notes(refresh=refresh, progress=progress)
    corpus, limit = index.places.corpus, index.settings.max_note_bytes
    notes = NoteLookup.of(index, listed.notes, listed.info)
    target = notes.find_indexed(address)
    note, document = read_current(corpus, target.path, max_note_bytes=limit)
    text = edited(note.text, edits_of_hidden(note.text, note.blocks))
    lines = text.removesuffix("\n").split("\n") if text else []  # as citations count them
    first, last = target.lines or (1, max(1, len(lines)))
    span = span_of_lines((first, last), note.text)
    return NotePart(
        note=notes.known[target.path],
        lines=(first, last),
        total_lines=len(lines),
        heading=_heading_at(note.blocks, span[0]),
        text="\n".join(line.removesuffix("\r") for line in lines[first - 1 : last]),
        locator=target.locator or document.locate(span),
        margin=tuple(_margin(document, first, last)),
    )


def headings_at(corpus: Corpus, path: str, line: int) -> tuple[str, ...]:
    """The path of headings at a line of the current note; () if it cannot be read."""
    try:
        note, _ = read_current(corpus, path, max_note_bytes=corpus.file(path).stat().st_size)
    except (OSError, UsageError):
        return ()
    return _heading_at(note.blocks, span_of_lines((line, line), note.text)[0])


def read_current(corpus: Corpus, path: str, *, max_note_bytes: int) -> tuple[Note, Document]:
    """A note as it is on disk now, and its document; a UsageError where it cannot be read."""
    read = read_text(corpus, path, max_note_bytes=max_note_bytes)
    if isinstance(read, Skipped):
        raise UsageError(f"{path} cannot be read: {read.reason}", hint=STATUS)
    return parse_note(path, read), read


def _margin(document: Document, first: int, last: int) -> Iterator[str]:
    """Yield the margin of each of these lines, as in `NotePart.margin`."""
    if not document.what:
        yield from map(str, range(first, last + 1))
        return
    shown, start = "", span_of_lines((first, first), document.text)[0]
    for line in document.text[start:].split("\n")[: last - first + 1]:
        place = document.locate((start, start + len(line))) if line.strip() else shown
        yield "" if place == shown else re.sub(_SAID_ABOVE, "", place)
        shown, start = place, start + len(line) + 1


def edited(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """A text with these spans replaced, but for one that begins within another."""
    parts, at = [], 0
    for start, end, new in sorted(edits):
        if start >= at:
            parts += [text[at:start], new]
            at = end
    return "".join([*parts, text[at:]])


def edits_of_hidden(text: str, blocks: Sequence[Block]) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the replacement of each hidden part; lines keep their number."""
    for block in blocks:
        if block.kind in HIDDEN:
            hidden = text[block.start : block.end]
            key = hidden.partition(":")[0] + f": {HIDDEN_MARK}" if block.kind is Kind.SECRET else ""
            yield block.start, block.end, key + "\n" * hidden.count("\n")


def _heading_at(blocks: Sequence[Block], at: int) -> tuple[str, ...]:
    number = bisect_right(blocks, at, key=lambda block: block.start)
    *_, path = (), *heading_paths(blocks[:number])
    return path
