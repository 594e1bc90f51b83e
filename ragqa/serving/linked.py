"""The notes of one generation of the index: their names, what they link to, and their tags."""

import os
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.notes.links import NoteNames
from ragqa.related import NoteLinks
from ragqa.serving.note_html import IMAGES, Names
from ragqa.types import Corpus, NoteRecord


@dataclass(frozen=True, slots=True)
class Links(NoteLinks):
    """The links of a generation of an index.

    `tags` has the number of notes with each tag, and `folders` that of notes in each folder.
    """

    names: Names
    generation: str
    tags: dict[str, int]
    folders: dict[str, int]

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
