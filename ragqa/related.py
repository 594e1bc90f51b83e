"""The notes near a note: by links in either direction, common links and similar text."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ragqa.api import Index
from ragqa.index.filters import passing
from ragqa.lookup import NoteLookup
from ragqa.notes.links import NoteNames
from ragqa.types import Filters, IndexInfo, JsonShape, NoteRecord, Progress, counted

_PASSAGES = 200
_MOST_COMMON = 5


@dataclass(frozen=True, slots=True)
class NearNote:
    """A note near another, how near it is, and why, in words."""

    JSON = JsonShape("path=note.path title=note.title score why")

    note: NoteRecord
    score: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelatedNotes:
    """The notes near a note, the nearest first."""

    JSON = JsonShape("note=note.path related warnings index=info")

    note: NoteRecord
    related: tuple[NearNote, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoteLinks:
    """The notes of an index with their names and links."""

    records: Mapping[str, NoteRecord]
    names: NoteNames

    def of_note(self, path: str) -> list[NoteRecord]:
        """The notes that a note links to, in the order of its links."""
        linked = (self.names.path_of(target, path) for target in self.records[path].links)
        return [self.records[other] for other in dict.fromkeys(linked) if other and other != path]

    def to_note(self, path: str) -> list[NoteRecord]:
        """The notes that link to a note, by path."""
        return self._linking.get(path, [])

    @cached_property
    def _linking(self) -> dict[str, list[NoteRecord]]:
        linking = defaultdict[str, list[NoteRecord]](list)
        for path, record in self.records.items():
            for linked in self.of_note(path):
                linking[linked.path].append(record)
        return linking


def related_to(
    index: Index,
    name: str,
    *,
    filters: Filters | None = None,
    limit: int | None = None,
    refresh: bool = True,
    progress: Progress | None = None,
) -> RelatedNotes:
    """The notes nearest to a note; raises as `NoteLookup.find_indexed`.

    :param name: a reference to the note.
    :param limit: how many notes; by default as the setting `top_k` says.
    """
    listed = index.notes(refresh=refresh, progress=progress)
    notes = NoteLookup.of(index, listed.notes, listed.info)
    path, most = notes.find_indexed(name).path, limit or index.settings.top_k
    links = NoteLinks(notes.known, notes.names)
    nearest = near(index, links, path, filters or Filters(), most)
    return RelatedNotes(notes.known[path], tuple(nearest), listed.info, listed.warnings)


def near(index: Index, links: NoteLinks, path: str, filters: Filters, most: int) -> list[NearNote]:
    """The notes nearest to the note at a path, best first.

    A link in either direction counts as much as the same text would, a common link a tenth.
    """
    to, of = links.to_note(path), links.of_note(path)
    linked = {note.path for note in (*to, *of)}
    common = Counter(
        other.path
        for linked_path in linked
        for other in {*links.to_note(linked_path), *links.of_note(linked_path)}
        if other.path != path
    )
    cosines = _cosines(index, path, filters, most)

    def related(note: NoteRecord) -> NearNote:
        reasons = {
            "links here": float(note in to),
            "linked from here": float(note in of),
            counted(common[note.path], "common link"): min(common[note.path], _MOST_COMMON) / 10,
            "similar text": cosines.get(note.path, 0.0),
        }
        why = tuple(reason for reason, score in reasons.items() if score > 0)
        return NearNote(note, round(sum(reasons[reason] for reason in why), 4), why)

    notes = passing((links.records[other] for other in linked.union(common, cosines)), filters)
    return sorted(map(related, notes), key=lambda result: (-result.score, result.note.path))[:most]


def _cosines(index: Index, path: str, filters: Filters, most: int) -> dict[str, float]:
    """The notes whose nearest passages are most like a note as a whole, with their cosines."""
    snapshot = index.snapshot()
    keys = [passage.embedding_key for passage in snapshot.passages(at=[path])]
    if not keys:
        return {}
    vectors = snapshot.engine.vectors(keys)
    mean = np.mean([vectors[key] for key in keys if key in vectors], axis=0)
    unit = mean / max(np.linalg.norm(mean), 1e-9)
    hits = dict(snapshot.nearest(unit, _PASSAGES + len(keys), filters))
    nearest_last = reversed(snapshot.passages(list(hits)))
    cosines = {passage.path: hits[passage.id] for passage in nearest_last if passage.path != path}
    return dict(sorted(cosines.items(), key=lambda item: -item[1])[:most])
