"""A store in memory: a test double that ships, and the reference for what a store must do.

It keeps nothing after the process ends and takes no shortcuts: one dot product per passage, plain
BM25. The contract suite compares the other stores with it.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from ragqa.errors import IndexUnusable, NoIndex, WriterBusy
from ragqa.stores.filters import note_matcher
from ragqa.stores.protocol import Rebuilder, Repair, Snapshot, Store, Writer
from ragqa.stores.ranking import Candidate, bm25, inverse_frequency, rank
from ragqa.stores.vectors import check_dimension, check_question, check_vectors
from ragqa.text.words import passage_terms
from ragqa.types import (
    EmbedderInfo,
    Filters,
    IndexInfo,
    Note,
    NoteRecord,
    Passage,
    Progress,
    Stamp,
    Vector,
    Vectors,
)


class _Row(NamedTuple):
    """A passage with its embedding, (dimension,), and the number of each of its terms."""

    passage: Passage
    vector: Vector
    terms: Counter[str]


class _StoredNote(NamedTuple):
    record: NoteRecord
    rows: tuple[_Row, ...]


class MemorySnapshot(Snapshot):
    """One committed state; immutable."""

    def __init__(self, info: IndexInfo, notes: Mapping[str, _StoredNote]) -> None:
        self.info = info
        self.stored = dict(notes)
        self.rows = [row for stored in notes.values() for row in stored.rows]

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        return {path: stored.record for path, stored in self.stored.items()}

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k nearest passages by cosine; `vector` has shape (dimension,)."""
        check_question(vector, self.info.embedder.dimension)
        question = vector.astype(np.float64)
        cosines = (
            (row.passage.id, float(row.vector.astype(np.float64) @ question))
            for row in self._matching(filters)
        )
        return rank(cosines)[: max(k, 0)]

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25."""
        idf = self.idf(terms)
        weights = {term: count * idf[term] for term, count in Counter(terms).items()}
        mean = sum(row.terms.total() for row in self.rows) / max(1, len(self.rows))
        scores = (
            (row.passage.id, bm25(row.terms, weights, mean)) for row in self._matching(filters)
        )
        return rank((id_, score) for id_, score in scores if score > 0)[: max(k, 0)]

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given."""
        known = {row.passage.id: row.passage for row in self.rows}
        for missing in set(ids) - known.keys():
            raise IndexUnusable(f"the index in memory has no passage {missing}")
        return [known[id_] for id_ in ids]

    def passages_at(self, paths: Sequence[str]) -> list[Passage]:
        """The passages of the notes at these paths."""
        stored = (self.stored[path] for path in paths if path in self.stored)
        return [row.passage for each in stored for row in each.rows]

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        with_term = {term: sum(term in row.terms for row in self.rows) for term in terms}
        return {term: inverse_frequency(len(self.rows), n) for term, n in with_term.items()}

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """Terms with this prefix, most frequent first."""
        every = (term for row in self.rows for term in row.terms)
        counted = Counter(term for term in every if term.startswith(prefix))
        return sorted(counted, key=lambda term: (-counted[term], term))

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), of passages, by passage id."""
        wanted = set(ids)
        return {row.passage.id: row.vector for row in self.rows if row.passage.id in wanted}

    def _matching(self, filters: Filters) -> Iterator[_Row]:
        matches = note_matcher(filters)
        for stored in self.stored.values():
            if matches(stored.record):
                yield from stored.rows


@dataclass(slots=True)
class _Saved:
    """Embeddings of an uncommitted snapshot, and the embedder that made them."""

    made_by: tuple[EmbedderInfo, str] | None = None
    vectors: dict[int, Vector] = field(default_factory=dict)


class MemoryWriter(Writer):
    """The next snapshot while it is being built."""

    def __init__(self, store: "MemoryStore", base: MemorySnapshot | None) -> None:
        self._store = store
        self._base = base
        self._saved = store.saved["anew" if base is None else "refresh"]
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
        base = (
            {row.passage.embedding_key: row.vector for row in self._base.rows} if self._base else {}
        )
        return {
            key: vector for key, vector in (self._saved.vectors | base).items() if key in wanted
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
        terms = (Counter(passage_terms(passage)) for passage in passages)
        rows = map(_Row, passages, np.array(vectors, dtype=np.float32), terms)
        self._notes[note.path] = _StoredNote(NoteRecord.of(note, settled=settled), tuple(rows))

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        if path in self._notes:
            record, rows = self._notes[path]
            record = replace(record, stamp=stamp, settled=settled)
            self._notes[path] = _StoredNote(record, rows)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the snapshot the newest."""
        check_dimension(info, self._dimension)
        ids = Counter(row.passage.id for stored in self._notes.values() for row in stored.rows)
        for path, stored in self._notes.items():
            if any(ids[row.passage.id] > 1 for row in stored.rows):
                raise IndexUnusable(f"a passage of the note {path} has the id of another passage")
        newest = self._store.newest
        number = newest.info.generation + 1 if newest else 1
        info = replace(info, generation=number, notes=len(self._notes), passages=len(ids))
        self._store.newest = MemorySnapshot(info, self._notes)
        self._saved.vectors = {}
        return info


class MemoryStore(Store):
    """A place in this process that keeps snapshots."""

    _places: ClassVar[dict[Path, "MemoryStore"]] = {}

    def __init__(self) -> None:
        self.newest: MemorySnapshot | None = None
        self.saved = {"refresh": _Saved(), "anew": _Saved()}
        self._lock = threading.Lock()

    @classmethod
    def at(cls, path: Path) -> "MemoryStore":
        """The store at this path in this process, created on first use."""
        return cls._places.setdefault(path.absolute(), cls())

    def snapshot(self) -> MemorySnapshot:
        """The newest snapshot."""
        if self.newest is None:
            raise NoIndex("there is no index in memory yet", hint="ragqa index")
        return self.newest

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[MemoryWriter]:
        """Begin the next snapshot."""
        if not self._lock.acquire(blocking=wait):
            raise WriterBusy("the index in memory is being written", hint="wait until it is done")
        try:
            yield MemoryWriter(self, None if fresh else self.newest)
        finally:
            self._lock.release()

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:  # noqa: ARG002 - the protocol's
        """The only possible problem is a missing index."""
        return [] if self.newest else ["there is no index in memory yet"]

    def repair(self, rebuilder: Rebuilder, *, wait: bool, progress: Progress) -> Repair:  # noqa: ARG002 - the protocol's
        """Only check that `rebuilder` matches: memory is never damaged."""
        rebuilder.check(self.snapshot().info)
        return Repair()
