"""The notes of one generation of the index: their names, what they link to, and their tags."""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path

from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.notes import parse_note, read_text
from ragqa.notes.links import NoteNames
from ragqa.serving.note_html import IMAGES, Names
from ragqa.types import Corpus, NoteRecord, Skipped

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Links:
    """The notes of an index, how they are named, and what they link to.

    `tags` has the number of notes with each tag, and `folders` that of notes in each folder.
    """

    corpus: Corpus
    max_note_bytes: int
    generation: str
    records: dict[str, NoteRecord]
    names: Names
    tags: dict[str, int]
    folders: dict[str, int]
    _linking: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Index) -> "Links":
        """The links among the notes of an index; found once for each generation of it."""
        info = index.snapshot().info
        return _links(index, f"{info.generation} of {info.created}")

    def record(self, path: str) -> NoteRecord:
        """The note at a path.

        :raises UsageError: there is none in the index.
        """
        found = self.records.get(path)
        if found is None:
            raise UsageError(f"there is no note {path} in the index", hint="ragqa list")
        return found

    def of_note(self, path: str) -> list[NoteRecord]:
        """The notes that a note links to, in the order of its links."""
        targets = _targets(self.corpus, path, self.records[path].sha256, self.max_note_bytes)
        found = (self.names.path_of(target, path) for target in targets)
        return [self.records[one] for one in dict.fromkeys(found) if one and one != path]

    def to_note(self, path: str) -> list[NoteRecord]:
        """The notes that link to a note, by path."""
        if not self._linking:
            linking = defaultdict(list)
            for other in self.records:
                for one in self.of_note(other):
                    linking[one.path].append(other)
            # All at once: another thread may be looking.
            self._linking.update({"": [], **linking})
        return [self.records[other] for other in self._linking.get(path, ())]

    @property
    def dates(self) -> list[str]:
        """The years and months in which notes are dated, the latest first."""
        dates = {note.date for note in self.records.values() if note.date}
        return sorted({date[:end] for date in dates for end in (4, 7)}, reverse=True)


@lru_cache(maxsize=2)
def _links(index: Index, generation: str) -> Links:
    listed = index.notes(refresh=False)
    records = {note.path: note for note in listed.notes}
    folders = Counter(
        "/".join(parts[:depth])
        for path in records
        if (parts := path.split("/"))
        for depth in range(1, len(parts))
    )
    return Links(
        corpus=index.places.corpus,
        max_note_bytes=index.settings.max_note_bytes,
        generation=generation,
        records=records,
        names=Names(
            NoteNames.of(records.values()).by_name, cache(partial(_images, index.places.corpus))
        ),
        tags=listed.tags,
        folders=dict(sorted(folders.items())),
    )


def _images(corpus: Corpus) -> dict[str, str]:
    """The images of a folder by path and by name; of several with one name, the shortest path."""
    paths = []
    for prefix, top in corpus.prefixed:
        for folder, below, files in os.walk(top):
            below[:] = [name for name in below if not name.startswith(".")]
            inside = Path(folder).relative_to(top)
            images = (name for name in files if Path(name).suffix.lower() in IMAGES)
            paths += [prefix + (inside / name).as_posix() for name in images]
    by_name = {Path(path).name.casefold(): path for path in sorted(paths, key=len, reverse=True)}
    return by_name | {path.casefold(): path for path in paths}


@lru_cache(maxsize=_KEPT)
def _targets(corpus: Corpus, path: str, sha256: str, max_note_bytes: int) -> tuple[str, ...]:
    """The targets of a note's links; cached by its digest."""
    read = read_text(corpus, path, max_note_bytes=max_note_bytes)
    if isinstance(read, Skipped):
        return ()
    return tuple(link.target for link in parse_note(path, read.text, sha256, read.stamp).links)
