"""A store in memory: a test double that ships, and the reference for what a store must do.

It keeps nothing after the process ends and takes no shortcuts: one dot product per passage, plain
BM25. The contract suite compares the other stores with it.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ragqa.errors import EmbedderMismatch, IndexUnusable, NoIndex, WriterBusy
from ragqa.stores import Rebuilder
from ragqa.stores.bm25 import bm25, inverse_frequency
from ragqa.stores.faults import Remark, Repair
from ragqa.stores.filters import note_matcher
from ragqa.stores.ranking import Candidate, rank
from ragqa.stores.vectors import check_dimension, check_vectors
from ragqa.text.words import index_terms
from ragqa.types import (
    Building,
    EmbedderInfo,
    Filters,
    IndexInfo,
    Note,
    NoteRecord,
    NoteState,
    Passage,
    Progress,
    Stamp,
    Vector,
    Vectors,
)


@dataclass(frozen=True, slots=True)
class _StoredNote:
    """A note with its passages, vectors, (passages, dimension), and term counts."""

    record: NoteRecord
    passages: tuple[Passage, ...]
    vectors: Vectors
    terms: tuple[Counter[str], ...]


class MemorySnapshot:
    """One committed state; immutable."""

    def __init__(self, info: IndexInfo, notes: Mapping[str, _StoredNote]) -> None:
        self.info = info
        self.stored = dict(notes)
        self._passages = {p.id: p for stored in notes.values() for p in stored.passages}

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        return {path: stored.record for path, stored in self.stored.items()}

    def states(self) -> dict[str, NoteState]:
        """The state of every note's file when it was read, by path."""
        records = (stored.record for stored in self.stored.values())
        return {one.path: one.state for one in records}

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k nearest passages by cosine; `vector` has shape (dimension,)."""
        if vector.shape != (self.info.embedder.dimension,) or not np.isfinite(vector).all():
            raise EmbedderMismatch(
                f"the question's embedding has shape {vector.shape}, "
                f"but the index has {self.info.embedder.dimension} dimensions",
                hint="ragqa index --rebuild",
            )
        cosines = [
            (passage.id, float(row.astype(np.float64) @ vector.astype(np.float64)))
            for stored in self._matching(filters)
            for passage, row in zip(stored.passages, stored.vectors, strict=True)
        ]
        return rank(cosines)[: max(k, 0)]

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25."""
        idf = self.idf(terms)
        weights = {term: count * idf[term] for term, count in Counter(terms).items()}
        lengths = [counts.total() for stored in self.stored.values() for counts in stored.terms]
        mean = sum(lengths) / max(1, len(lengths))
        scores = [
            (passage.id, bm25(counts, weights, mean))
            for stored in self._matching(filters)
            for passage, counts in zip(stored.passages, stored.terms, strict=True)
        ]
        return rank((id_, score) for id_, score in scores if score > 0)[: max(k, 0)]

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given."""
        for missing in set(ids) - self._passages.keys():
            raise IndexUnusable(f"the index in memory has no passage {missing}")
        return [self._passages[id_] for id_ in ids]

    def of_note(self, path: str) -> list[Passage]:
        """All passages of a note in reading order."""
        return list(self.stored[path].passages) if path in self.stored else []

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        every = [counts for stored in self.stored.values() for counts in stored.terms]
        with_term = {term: sum(term in counts for counts in every) for term in terms}
        return {term: inverse_frequency(len(every), n) for term, n in with_term.items()}

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """Terms with this prefix, most frequent first."""
        every = (
            term for stored in self.stored.values() for counts in stored.terms for term in counts
        )
        counted = Counter(term for term in every if term.startswith(prefix))
        return sorted(counted, key=lambda term: (-counted[term], term))

    def by_note(self) -> Iterator[tuple[str, list[Passage]]]:
        """Every note's path with its passages."""
        for path, stored in self.stored.items():
            yield path, list(stored.passages)

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), of passages, by passage id."""
        every = (
            zip(stored.passages, stored.vectors, strict=True) for stored in self.stored.values()
        )
        wanted = set(ids)
        return {p.id: row for rows in every for p, row in rows if p.id in wanted}

    def undated(self, filters: Filters) -> int:
        """How many undated notes pass all filters except `since`."""
        return sum(not stored.record.date for stored in self._matching(replace(filters, since="")))

    def close(self) -> None:
        """Do nothing: there are no files to close."""

    def _matching(self, filters: Filters) -> Iterator[_StoredNote]:
        matches = note_matcher(filters)
        return (stored for stored in self.stored.values() if matches(stored.record))


@dataclass(slots=True)
class _Saved:
    """Embeddings of an uncommitted snapshot, and the embedder that made them."""

    made_by: tuple[EmbedderInfo, str] | None = None
    vectors: dict[int, Vector] = field(default_factory=dict)


class MemoryWriter:
    """The next snapshot while it is being built."""

    def __init__(
        self,
        base: MemorySnapshot | None,
        generation: int,
        publish: Callable[[MemorySnapshot], None],
        saved: "_Saved",
    ) -> None:
        self._base = base
        self._generation = generation
        self._publish = publish
        self._saved = saved
        self._notes = dict(base.stored) if base else {}
        self._dimension = base.info.embedder.dimension if base else None

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Reuse what an interrupted writer saved with this embedder; returns their number."""
        made_by = (replace(embedder, name=""), dtype)
        if self._saved.made_by != made_by:
            self._saved.made_by, self._saved.vectors = made_by, {}
        return len(self._saved.vectors)

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save embeddings, shape (keys, dimension), until the next commit."""
        self._saved.vectors |= zip(embedding_keys, np.array(vectors, np.float32), strict=True)

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings that are saved or in the base snapshot, by embedding key."""
        wanted = set(embedding_keys)
        saved = {key: self._saved.vectors[key] for key in wanted & self._saved.vectors.keys()}
        return saved | {
            passage.embedding_key: row
            for stored in (self._base.stored.values() if self._base else ())
            for passage, row in zip(stored.passages, stored.vectors, strict=True)
            if passage.embedding_key in wanted
        }

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages."""
        for path in paths:
            self._notes.pop(path, None)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path; `vectors` is (passages, dimension)."""
        check_vectors(passages, vectors, self._dimension)
        if passages:
            self._dimension = vectors.shape[1]
        self._notes[note.path] = _StoredNote(
            record=NoteRecord.of(note, settled=settled),
            passages=tuple(passages),
            vectors=np.array(vectors, dtype=np.float32),
            terms=tuple(Counter(index_terms(passage.searched_text)) for passage in passages),
        )

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        if path in self._notes:
            stored = self._notes[path]
            record = replace(stored.record, stamp=stamp, settled=settled)
            self._notes[path] = replace(stored, record=record)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the snapshot the newest."""
        check_dimension(info, self._dimension)
        ids = Counter(p.id for stored in self._notes.values() for p in stored.passages)
        for path, stored in self._notes.items():
            if any(ids[passage.id] > 1 for passage in stored.passages):
                raise IndexUnusable(f"a passage of the note {path} has the id of another passage")
        info = replace(info, generation=self._generation, notes=len(self._notes), passages=len(ids))
        self._publish(MemorySnapshot(info, self._notes))
        self._saved.vectors = {}
        return info


class MemoryStore:
    """A place in this process that keeps snapshots."""

    _places: ClassVar[dict[Path, "MemoryStore"]] = {}

    def __init__(self) -> None:
        self._newest: MemorySnapshot | None = None
        self._lock = threading.Lock()
        self._saved = {"refresh": _Saved(), "anew": _Saved()}

    @classmethod
    def at(cls, path: Path) -> "MemoryStore":
        """The store at this path in this process, created on first use."""
        return cls._places.setdefault(path.absolute(), cls())

    def snapshot(self) -> MemorySnapshot:
        """The newest snapshot."""
        if self._newest is None:
            raise NoIndex("there is no index in memory yet", hint="ragqa index")
        return self._newest

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[MemoryWriter]:
        """Begin the next snapshot."""
        if not self._lock.acquire(blocking=wait):
            raise WriterBusy("the index in memory is being written", hint="wait until it is done")
        try:
            generation = self._newest.info.generation + 1 if self._newest else 1
            base = None if fresh else self._newest
            saved = self._saved["anew" if base is None else "refresh"]
            yield MemoryWriter(base, generation, self._publish, saved)
        finally:
            self._lock.release()

    def older(self) -> None:
        """None: this very process made the index."""

    def building(self) -> Building | None:
        """None: other processes have no access."""
        return None

    def tidy(self) -> None:
        """Do nothing: a writer leaves nothing behind."""

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:  # noqa: ARG002 - the protocol's
        """The only possible problem is a missing index."""
        return [] if self._newest else ["there is no index in memory yet"]

    def remarks(self) -> list[Remark]:
        """No remarks."""
        return []

    def repair(self, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:  # noqa: ARG002 - the protocol's
        """Only check that `rebuilder` matches: memory is never damaged."""
        rebuilder.check(self.snapshot().info)
        return Repair()

    def _publish(self, snapshot: MemorySnapshot) -> None:
        self._newest = snapshot
