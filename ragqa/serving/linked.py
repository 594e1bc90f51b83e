"""Which notes link to which, found again only for notes that changed."""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.explaining.targets import names_of
from ragqa.notes import parse_note, read_text
from ragqa.serving.note_html import Names
from ragqa.types import NoteRecord, Skipped

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Links:
    """The notes of an index, how they are named, and what they link to."""

    corpus: Path
    max_note_bytes: int
    records: dict[str, NoteRecord]
    names: Names

    @classmethod
    def of(cls, index: Index) -> "Links":
        """The links among the notes of an index."""
        listed = index.notes(refresh=False)
        records = {note.path: note for note in listed.notes}
        return cls(index.places.corpus, index.settings.max_note_bytes, records, _names(records))

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
        return [
            self.records[other]
            for other in self.records
            if other != path and any(one.path == path for one in self.of_note(other))
        ]


def _names(records: dict[str, NoteRecord]) -> Names:
    """Each way to name a note; of several with one name, the shortest path counts."""
    ways: dict[str, list[str]] = defaultdict(list)
    for note in records.values():
        for name in {note.path.casefold(), *names_of(note)}:
            ways[name].append(note.path)
    best = {name: min(paths, key=lambda path: (len(path), path)) for name, paths in ways.items()}
    return Names(best | {path.casefold(): path for path in records})


@lru_cache(maxsize=_KEPT)
def _targets(corpus: Path, path: str, sha256: str, max_note_bytes: int) -> tuple[str, ...]:
    """The targets of a note's links; cached by its digest."""
    read = read_text(corpus, path, max_note_bytes=max_note_bytes)
    if isinstance(read, Skipped):
        return ()
    return tuple(link.target for link in parse_note(path, read.text, sha256, read.stamp).links)
