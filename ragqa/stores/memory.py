"""A store in memory: the double that ships, and the plain statement of what a store must do.

It keeps nothing after the process ends and takes no short cut: cosines by one product per passage,
BM25 as its formula has it. The contract suite compares the other stores with it.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ragqa.analysis import index_terms
from ragqa.errors import EmbedderMismatch, IndexUnusable, NoIndex, WriterBusy
from ragqa.stores import Maker
from ragqa.stores.bm25 import bm25, inverse_frequency
from ragqa.stores.faults import Remark, Repair
from ragqa.stores.filters import note_matcher
from ragqa.stores.ranking import Candidate, settle
from ragqa.stores.vectors import check_dimension, check_vectors
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
class _Held:
    """A note with what was made of it."""

    record: NoteRecord
    passages: tuple[Passage, ...]
    vectors: Vectors
    terms: tuple[Counter[str], ...]


class MemorySnapshot:
    """One committed state; it never changes."""

    def __init__(self, info: IndexInfo, notes: Mapping[str, _Held]) -> None:
        self.info = info
        self.held = dict(notes)
        self._passages = {p.id: p for held in notes.values() for p in held.passages}

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        return {path: held.record for path, held in self.held.items()}

    def states(self) -> dict[str, NoteState]:
        """What every note's file was when it was read, by path."""
        records = (held.record for held in self.held.values())
        return {one.path: one.state for one in records}

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k passages nearest by cosine."""
        if vector.shape != (self.info.embedder.dimension,) or not np.isfinite(vector).all():
            raise EmbedderMismatch(
                f"the question's embedding has the shape {vector.shape}, "
                f"the index {self.info.embedder.dimension} dimensions",
                hint="ragqa index --rebuild",
            )
        cosines = [
            (passage.id, float(row.astype(np.float64) @ vector.astype(np.float64)))
            for held in self._let_through(filters)
            for passage, row in zip(held.passages, held.vectors, strict=True)
        ]
        return settle(cosines)[: max(k, 0)]

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25."""
        idf = self.idf(terms)
        asked = {term: count * idf[term] for term, count in Counter(terms).items()}
        lengths = [counts.total() for held in self.held.values() for counts in held.terms]
        mean = sum(lengths) / max(1, len(lengths))
        scores = [
            (passage.id, bm25(counts, asked, mean))
            for held in self._let_through(filters)
            for passage, counts in zip(held.passages, held.terms, strict=True)
        ]
        return settle((id_, score) for id_, score in scores if score > 0)[: max(k, 0)]

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given."""
        for missing in set(ids) - self._passages.keys():
            raise IndexUnusable(f"the index in memory has no passage {missing}")
        return [self._passages[id_] for id_ in ids]

    def of_note(self, path: str) -> list[Passage]:
        """All passages of a note as they stand in it."""
        return list(self.held[path].passages) if path in self.held else []

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        every = [counts for held in self.held.values() for counts in held.terms]
        with_term = {term: sum(term in counts for counts in every) for term in terms}
        return {term: inverse_frequency(len(every), n) for term, n in with_term.items()}

    def terms_from(self, start: str) -> list[str]:
        """Terms that begin so, the most frequent first."""
        every = (term for held in self.held.values() for counts in held.terms for term in counts)
        counted = Counter(term for term in every if term.startswith(start))
        return sorted(counted, key=lambda term: (-counted[term], term))

    def by_note(self) -> Iterator[tuple[str, list[Passage]]]:
        """Every note's path with its passages."""
        for path, held in self.held.items():
            yield path, list(held.passages)

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings of passages by their ids."""
        every = (zip(held.passages, held.vectors, strict=True) for held in self.held.values())
        wanted = set(ids)
        return {p.id: row for rows in every for p, row in rows if p.id in wanted}

    def undated(self, filters: Filters) -> int:
        """How many notes without a date the filters but `since` let through."""
        return sum(not held.record.date for held in self._let_through(replace(filters, since="")))

    def close(self) -> None:
        """Do nothing: there are no files to let go of."""

    def _let_through(self, filters: Filters) -> Iterator[_Held]:
        matches = note_matcher(filters)
        return (held for held in self.held.values() if matches(held.record))


@dataclass(slots=True)
class _Saved:
    """Embeddings of a snapshot that was not committed yet, and whose they are."""

    made_by: tuple[EmbedderInfo, str] | None = None
    vectors: dict[int, Vector] = field(default_factory=dict)


class MemoryWriter:
    """The next snapshot in the making."""

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
        self._notes = dict(base.held) if base else {}
        self._dimension = base.info.embedder.dimension if base else None

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Take up what an interrupted writer saved with this embedder; how many embeddings."""
        made_by = (replace(embedder, name=""), dtype)
        if self._saved.made_by != made_by:
            self._saved.made_by, self._saved.vectors = made_by, {}
        return len(self._saved.vectors)

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Keep embeddings until the next commit."""
        self._saved.vectors |= zip(embedding_keys, np.array(vectors, np.float32), strict=True)

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings that are saved or already in the base snapshot, by embedding key."""
        wanted = set(embedding_keys)
        saved = {key: self._saved.vectors[key] for key in wanted & self._saved.vectors.keys()}
        return saved | {
            passage.embedding_key: row
            for held in (self._base.held.values() if self._base else ())
            for passage, row in zip(held.passages, held.vectors, strict=True)
            if passage.embedding_key in wanted
        }

    def remove(self, paths: Iterable[str]) -> None:
        """Drop notes with their passages."""
        for path in paths:
            self._notes.pop(path, None)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, in place of the one at its path if there is one."""
        check_vectors(passages, vectors, self._dimension)
        if passages:
            self._dimension = vectors.shape[1]
        self._notes[note.path] = _Held(
            record=NoteRecord.of(note, settled=settled),
            passages=tuple(passages),
            vectors=np.array(vectors, dtype=np.float32),
            terms=tuple(Counter(index_terms(passage.searched_text)) for passage in passages),
        )

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is the same."""
        if path in self._notes:
            held = self._notes[path]
            record = replace(held.record, stamp=stamp, settled=settled)
            self._notes[path] = replace(held, record=record)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make the snapshot the newest."""
        check_dimension(info, self._dimension)
        ids = Counter(p.id for held in self._notes.values() for p in held.passages)
        for path, held in self._notes.items():
            if any(ids[passage.id] > 1 for passage in held.passages):
                raise IndexUnusable(f"a passage of the note {path} has the id of another passage")
        info = replace(info, generation=self._generation, notes=len(self._notes), passages=len(ids))
        self._publish(MemorySnapshot(info, self._notes))
        self._saved.vectors = {}
        return info


class MemoryStore:
    """A place in this process that holds snapshots."""

    _places: ClassVar[dict[Path, "MemoryStore"]] = {}

    def __init__(self) -> None:
        self._newest: MemorySnapshot | None = None
        self._lock = threading.Lock()
        self._saved = {"refresh": _Saved(), "anew": _Saved()}

    @classmethod
    def at(cls, path: Path) -> "MemoryStore":
        """Give the store of this process that has this name, made when first asked for."""
        return cls._places.setdefault(path.absolute(), cls())

    def snapshot(self) -> MemorySnapshot:
        """Give the newest snapshot."""
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
        """It was made by this very process."""

    def building(self) -> Building | None:
        """Nothing is known of other writers: other processes have no part in it."""
        return None

    def tidy(self) -> None:
        """Nothing is left by a writer here."""

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:  # noqa: ARG002 - the protocol's
        """Nothing can go wrong here but that there is nothing."""
        return [] if self._newest else ["there is no index in memory yet"]

    def remarks(self) -> list[Remark]:
        """There is nothing to say of memory."""
        return []

    def repair(self, maker: Maker, *, wait: bool, progress: Progress) -> Repair:  # noqa: ARG002 - the protocol's
        """Nothing can be damaged here."""
        maker.check(self.snapshot().info)
        return Repair()

    def _publish(self, snapshot: MemorySnapshot) -> None:
        self._newest = snapshot
