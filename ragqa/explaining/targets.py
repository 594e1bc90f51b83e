"""Resolve a target to a note, by path, name or title, or find out why it is not indexed."""

import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.errors import UsageError
from ragqa.explaining.target_syntax import Spot, lines_of, readings
from ragqa.notes import read_text, why_left_out
from ragqa.types import IndexInfo, NoteRecord, Skipped

OUTSIDE = "outside the folder of notes"
PENDING = "not in the index yet; run ragqa index"

_MAX_ENTRIES = 20_000
"""At most this many notes are compared with an unknown name, and files searched for it."""

_MAX_NAME = 200
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Target:
    """The note asked about; `reason` is why it is not indexed, "" if it is.

    `path` is relative to the notes folder if it is inside, else as given.
    """

    path: str
    lines: tuple[int, int] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes on disk and in the index, among which targets are looked up."""

    corpus: Path
    max_note_bytes: int
    known: Mapping[str, NoteRecord]
    info: IndexInfo

    def find(self, text: str) -> Target:
        """Resolve a target to a note and its lines; `readings` has the forms.

        :raises UsageError: there is no such note, or several have this name (the hint lists some),
            or it has no such line or heading.
        """
        for look in (self._indexed, self._left_out):
            for spot in readings(text):
                target = look(spot.name)
                if target:
                    return replace(target, lines=self._lines(spot, target))
        shown = text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}\u2026"
        raise UsageError(
            f"there is no note {shown!r} in {self.corpus}", hint=_suggest(self._alike(text))
        )

    def _lines(self, spot: Spot, target: Target) -> tuple[int, int] | None:
        if target.reason or spot == Spot(spot.name):
            return spot.lines
        read = read_text(self.corpus, target.path, max_note_bytes=self.max_note_bytes)
        # A later stage reports a note that is gone or unreadable.
        return spot.lines if isinstance(read, Skipped) else lines_of(spot, target.path, read.text)

    def _indexed(self, name: str) -> Target | None:
        inside = _inside(self.corpus, name)
        for path in inside:
            if path in self.known:
                return Target(path)
        folded, folded_paths = name.casefold(), {path.casefold() for path in inside}
        matchers: tuple[Callable[[NoteRecord], bool], ...] = (
            lambda note: note.path.rpartition("/")[2] == name,
            lambda note: not folded_paths.isdisjoint(_paths(note)),
            lambda note: note.path.rpartition("/")[2].casefold() == folded,
            lambda note: folded in _names(note),
        )
        for matches in matchers:
            paths = sorted(note.path for note in self.known.values() if matches(note))
            if len(paths) > 1:
                first = ", ".join(paths[:_SHOWN])
                more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
                raise UsageError(
                    f"{len(paths)} notes are called {name!r}: {first}{more}", hint=_suggest(paths)
                )
            if paths:
                return Target(paths[0])
        return None

    def _left_out(self, name: str) -> Target | None:
        paths = _inside(self.corpus, name)
        if not paths:
            return Target(name, reason=OUTSIDE)
        if "/" not in name:
            paths += _below(self.corpus, name)
        for path in paths:
            reason = self._reason(path)
            if reason:
                return Target(path, reason=reason)
        return Target(name, reason=OUTSIDE) if os.path.lexists(name) else None

    def _reason(self, path: str) -> str:
        """Why the file at a path is not indexed; "" if there seems to be none."""
        if path == ".":
            return "the folder of notes itself"
        try:
            reason = why_left_out(self.corpus, path, max_note_bytes=self.max_note_bytes)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return ""
        except OSError as exc:
            return f"it cannot be read: {exc.strerror}"
        skipped = {skip.path: skip.reason for skip in self.info.skipped}
        return reason or skipped.get(path, PENDING)

    def _alike(self, text: str) -> list[str]:
        """The notes with the most similar names, best first."""
        from difflib import get_close_matches

        *_, wanted = "", *(spot.name for spot in readings(text[:_MAX_NAME]))
        names: dict[str, str] = {}
        for note in list(self.known.values())[:_MAX_ENTRIES]:
            for name in (note.path.casefold(), note.path.rpartition("/")[2].casefold()):
                names.setdefault(name, note.path)
            for name in _names(note):
                names.setdefault(name, note.path)
        close = get_close_matches(wanted.casefold(), names, n=2 * _SHOWN)
        return list(dict.fromkeys(names[name] for name in close))


def _paths(note: NoteRecord) -> tuple[str, str]:
    """Its path in lower case, with and without the suffix."""
    path = note.path.casefold()
    return path, path.rpartition(".")[0]


def _names(note: NoteRecord) -> set[str]:
    """Its file stem, title and aliases, in lower case."""
    stem = note.path.rpartition("/")[2].rpartition(".")[0]
    return {name.casefold() for name in (stem, note.title, *note.aliases)}


def _inside(corpus: Path, name: str) -> list[str]:
    """The paths in the corpus that a name may mean, relative to the corpus or the current folder.

    Purely lexical: no file is opened, no link followed.
    """
    tops = (corpus.absolute(), corpus.resolve())
    wholes = [Path(os.path.normpath(Path(start, name))) for start in (*tops, Path.cwd())]
    below = (
        whole.relative_to(top).as_posix()
        for whole in wholes
        for top in tops
        if whole.is_relative_to(top)
    )
    return list(dict.fromkeys(below))


def _below(corpus: Path, name: str) -> list[str]:
    """Files with this name anywhere in the corpus, including hidden and ignored folders."""
    seen, found = 0, list[str]()
    for folder, _, files in os.walk(corpus):
        seen += len(files)
        if name in files:
            found.append(Path(folder, name).relative_to(corpus).as_posix())
        if seen > _MAX_ENTRIES:
            break
    return sorted(found)


def _suggest(paths: Iterable[str]) -> str:
    named = [f"--target {shlex.quote(path)}" for path in list(paths)[:_SHOWN]]
    return ", or ".join(named) or "ragqa list"
