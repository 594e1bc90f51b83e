"""Addresses: what a place that is typed, printed or linked means, and why a note is not indexed."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ragqa.errors import NotIndexed, UsageError
from ragqa.notes import parse_note, read_text, why_left_out
from ragqa.notes.formats import Document
from ragqa.notes.links import WIKILINK, NoteNames, block_ids, folded, place_of
from ragqa.safe import safe_line
from ragqa.types import (
    Corpus,
    IndexInfo,
    Kind,
    NoteList,
    NoteRecord,
    Skipped,
    Span,
    Stamp,
    counted,
)  # fmt: skip

if TYPE_CHECKING:
    from ragqa.api import Index

OUTSIDE = "outside the folder of notes"
PENDING = "not in the index yet; run ragqa index"

_LINES = re.compile(r"(?s)(.+):(-?\d{1,9})(?:[-\u2013](\d{1,9}))?(?:\+(\d{1,9}))?")
_FROM_TO = re.compile(r"(?s)(.+):(\d{1,9}):(\d{1,9})(?:\+(\d{1,9}))?")
_LOCATOR = re.compile(r"(?i), (?=(?:pp?\.|pages?|cells?|par(?:agraphs?|s?\.))\s*\S)")
_PAGE = re.compile(r"(?i)page=(\d{1,9})")
_HEADING_BELOW = " > "

_MAX_ENTRIES = 20_000
"""At most this many notes are compared with an unknown name, and files searched for it."""

_MAX_NAME = 200
_MAX_HEADING = 100
_MAX_HEADINGS = 1_000
_SHOWN = 3


class NoTarget(UsageError):
    """No note, or part of one, is meant; `targets` are those that may be."""

    def __init__(self, message: str, targets: Iterable[str]) -> None:
        self.targets = list(islice(targets, _SHOWN))
        super().__init__(message, hint=", or ".join(map(shlex.quote, self.targets)) or "ragqa list")


@dataclass(frozen=True, slots=True)
class Target:
    """The note that an address names, with the lines, the heading or `^block`, or the locator.

    `path` is relative to the notes folder if it is inside, else as given. `reason` is why the note
    is not indexed, "" if it is. The first `skip` characters of the lines are left out. Once found,
    it has lines, and a locator if the note's file has other places than lines.
    """

    path: str
    lines: tuple[int, int] | None = None
    reason: str = ""
    heading: str = ""
    locator: str = ""
    skip: int = 0


def readings(text: str) -> Iterator[Target]:
    """Yield every reading of an address, the plainest first: a name may contain a colon or `#`.

    The forms are `NOTE`, `NOTE:LINE`, `NOTE:FIRST-LAST`, `NOTE:FIRST:LAST`, each of these with
    `+CHARACTERS` to leave out, `NOTE:LINE:COLUMN` as in editors if the column is the smaller
    number, `NOTE#HEADING`, `NOTE#^BLOCK`, `NOTE#page=NUMBER`, `NOTE, LOCATOR` as in `Citation`, and
    a wikilink to a note or its heading.
    """
    if text:
        yield Target(text)
    if link := re.fullmatch(WIKILINK, text):
        yield from readings(f"{link[1]}#{link[2]}" if link[2] else link[1])
        return
    for form in (_LINES, _FROM_TO):
        if found := form.fullmatch(text):
            first, last = int(found[2]), int(found[3] or found[2])
            if form is _FROM_TO:  # a smaller number is a column
                last = max(first, last)
            lines = min(first, last), max(first, last)
            yield Target(found[1], lines, skip=int(found[4] or 0))
    commas = list(_LOCATOR.finditer(text))
    for comma in dict.fromkeys((*commas[-1:], *commas[:1])):
        yield Target(text[: comma.start()], locator=text[comma.end() :])
    for name, _, anchor in dict.fromkeys((text.rpartition("#"), text.partition("#"))):
        if name and (page := _PAGE.fullmatch(anchor)):
            yield Target(name, locator=f"page {page[1]} (page {page[1]} of the file)")
        elif name and anchor.strip("# "):
            yield Target(name, heading=anchor.strip())


def find_indexed(index: "Index", listed: NoteList, text: str) -> Target:
    """The note among these of an index that an address names; raises as `Notes.find` does.

    :raises NotIndexed: the note is on disk but not in the index.
    """
    target = notes_of(index, {note.path: note for note in listed.notes}, listed.info).find(text)
    if target.reason:
        raise NotIndexed(f"{target.path} is not in the index: {target.reason}", hint="ragqa status")
    return target


def notes_of(index: "Index", known: Mapping[str, NoteRecord], info: IndexInfo) -> "Notes":
    """The notes of an index and its folder."""
    corpus, settings = index.places.corpus, index.settings
    return Notes(corpus, settings.max_note_bytes, known, info, settings.formats)


@dataclass(frozen=True)
class Notes:
    """The notes on disk and in the index, among which addresses are looked up."""

    corpus: Corpus
    max_note_bytes: int
    known: Mapping[str, NoteRecord]
    info: IndexInfo
    formats: Sequence[str] = ()

    def find(self, text: str) -> Target:
        """Resolve an address to a note and its lines; `readings` has the forms.

        :raises UsageError: there is no such note, or several have this name (the hint lists some),
            or it has no such line or heading.
        """
        link = re.fullmatch(WIKILINK, text)
        if link and not link[1].strip():
            anchor = link[2][:_MAX_HEADING].strip()
            raise NoTarget(f"#{anchor} is in a note that is not named", [f"NOTE#{anchor}"])
        if link and (path := self.names.path_of(link[1])):
            return self._part(Target(path, heading=link[2].strip("# ")), Target(path))
        if context := safe_line(self.corpus.context(text)):
            text = text.removesuffix(f" ({context})")
        for typed in dict.fromkeys((text, text.strip())):
            for look in (self._indexed, self._left_out):
                for reading in readings(typed):
                    if target := look(reading.path):
                        return self._part(reading, replace(target, skip=reading.skip))
        shown = text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}\u2026"
        raise NoTarget(f"there is no note {shown!r} in {self.corpus}", self._alike(text))

    def _part(self, reading: Target, target: Target) -> Target:
        """The note as it is read here, with the lines and the place of the part that is named."""
        path, lines = target.path, reading.lines
        target = replace(target, lines=lines)
        if target.reason or not (lines or reading.heading or reading.locator):
            return target
        read = read_text(self.corpus, path, max_note_bytes=self.max_note_bytes)
        if isinstance(read, Skipped):
            return target  # a later stage reports it
        if lines:
            lines = _lines_in(lines, path, read.text)
            span = span_of_lines(lines, read.text)
        else:
            named = reading.locator or reading.heading
            find = _place_at if reading.locator else _section_below
            span = find(named, path, read.document)
            first = 1 + read.text.count("\n", 0, span[0])
            lines = first, first + read.text[slice(*span)].rstrip().count("\n")
        return replace(target, lines=lines, locator=read.document.locate(span))

    def _indexed(self, name: str) -> Target | None:
        inside = _inside(self.corpus, name)
        for path in inside:
            if path in self.known:
                return Target(path)
        alike = (self.names.by_name.get(way.casefold(), ()) for way in (*inside, name))
        paths = sorted(next(filter(None, alike), ()))
        paths = [path for path in paths if path.rpartition("/")[2] == name] or paths
        if len(paths) > 1:
            first = ", ".join(paths[:_SHOWN])
            more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            raise NoTarget(f"{len(paths)} notes are called {name!r}: {first}{more}", paths)
        return Target(paths[0]) if paths else None

    @cached_property
    def names(self) -> NoteNames:
        """What the notes in the index are called."""
        return NoteNames.of(self.known.values())

    def _left_out(self, name: str) -> Target | None:
        paths = _inside(self.corpus, name)
        if not paths:
            return Target(name, reason=OUTSIDE)
        if "/" not in name:
            paths += _files_called(self.corpus, name)
        for path in paths:
            if reason := self._reason(path):
                return Target(path, reason=reason)
        return Target(name, reason=OUTSIDE) if os.path.lexists(name) else None

    def _reason(self, path: str) -> str:
        """Why the file at a path is not indexed; "" if there seems to be none."""
        if path == ".":
            return "the folder of notes itself"
        try:
            reason = why_left_out(
                self.corpus, path, max_note_bytes=self.max_note_bytes, formats=self.formats
            )
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return ""
        except OSError as exc:
            return f"it cannot be read: {exc.strerror}"
        skipped = {skip.path: skip.reason for skip in self.info.skipped}
        return reason or skipped.get(path, PENDING)

    def _alike(self, text: str) -> list[str]:
        """The notes with the most similar names, best first."""
        *_, wanted = "", *(reading.path for reading in readings(text[:_MAX_NAME]))
        names = list(islice(self.names.by_name, _MAX_ENTRIES))
        close = get_close_matches(wanted.casefold(), names, n=2 * _SHOWN)
        return list(dict.fromkeys(self.names.by_name[name][0] for name in close))


def _lines_in(lines: tuple[int, int], path: str, text: str) -> tuple[int, int]:
    """The given lines as far as the note has them.

    :raises UsageError: it does not have the first one.
    """
    first, last = lines
    total = text.count("\n") + (not text.endswith("\n") and bool(text))
    if first < 1:
        raise NoTarget(f"lines count from 1, so {path} has no line {first}", [f"{path}:1"])
    if first > total:
        raise NoTarget(
            f"{path} has {counted(total, 'line')}, so there is no line {first}",
            [f"{path}:{total}" if total else path],
        )
    return first, min(last, total)


def _place_at(locator: str, path: str, document: Document) -> Span:
    """The span of a page, cell or paragraph.

    :raises UsageError: there is none such; the hint has the last one.
    """
    if span := document.span_at(locator):
        return span
    length = len(document.text)
    last = document.locate((max(0, length - 1), length))
    raise NoTarget(
        f"{path} has no {locator[:_MAX_HEADING]!r}", [f"{path}, {last}" if last else path]
    )


def span_of_lines(lines: tuple[int, int], text: str) -> Span:
    """The characters of lines that a text has, up to the end of the last one."""
    starts = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
    first, last = (min(end, len(starts) - 1) for end in (lines[0] - 1, lines[1]))
    return starts[first], starts[last]


def _section_below(anchor: str, path: str, document: Document) -> Span:
    """The span of a heading's section, or of the block `^id`.

    :raises UsageError: there is no such heading or block; the hint has similar ones, else the first
        ones.
    """
    text, blocks = document.text, parse_note(path, document.text, "", Stamp(0, 0)).blocks
    for named in (anchor, anchor.replace(_HEADING_BELOW, "#")):
        if span := place_of(text, blocks, named):
            return span
    wanted = anchor.rpartition("#")[2].strip()[:_MAX_HEADING]
    what, has = "heading", [one.label for one in blocks if one.kind is Kind.HEADING and one.label]
    if wanted.startswith("^"):
        what, has = "block", [f"^{one}" for one in block_ids(text, blocks)]
    labels = {folded(label): label for label in has[:_MAX_HEADINGS]}
    close = get_close_matches(folded(wanted), labels, n=_SHOWN)
    alike = [labels[name] for name in close] or has
    raise NoTarget(
        f"{path} has no {what} {wanted!r}", [f"{path}#{label}" for label in alike] or [path]
    )


def _inside(corpus: Corpus, name: str) -> list[str]:
    """The paths in the corpus that a name may mean, relative to the corpus or the current folder.

    Purely lexical: no file is opened, no link followed.
    """
    found = [os.path.normpath(name)] if len(corpus.folders) > 1 else []
    for prefix, folder in corpus.prefixed:
        tops = (folder.absolute(), folder.resolve())
        wholes = [Path(os.path.normpath(Path(start, name))) for start in (*tops, Path.cwd())]
        found += [
            prefix + whole.relative_to(top).as_posix()
            for whole in wholes
            for top in tops
            if whole.is_relative_to(top)
        ]
    return list(dict.fromkeys(found))


def _files_called(corpus: Corpus, name: str) -> list[str]:
    """Files with this name anywhere in the corpus, including hidden and ignored folders."""
    seen, found = 0, list[str]()
    for prefix, top in corpus.prefixed:
        for folder, _, files in os.walk(top):
            seen += len(files)
            if name in files:
                found.append(prefix + Path(folder, name).relative_to(top).as_posix())
            if seen > _MAX_ENTRIES:
                break
    return sorted(found)
