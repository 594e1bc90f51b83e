"""Write the next generation of an index in Milvus: rows stay invisible until their record."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ragqa.errors import IndexUnusable
from ragqa.stores.failures import REBUILD, explaining_failure
from ragqa.stores.milvus_client import ROWS_AT_ONCE, Client, Row, batches
from ragqa.stores.milvus_lease import Lease
from ragqa.stores.milvus_records import Generation, Names, record_row
from ragqa.stores.milvus_rows import (
    any_of,
    encoded_terms,
    note_key,
    note_row,
    passage_key,
    passage_row,
    read_note,
)
from ragqa.stores.milvus_schema import create_notes, create_passages, index_embeddings
from ragqa.stores.milvus_snapshot import IDS_AT_ONCE, MilvusSnapshot
from ragqa.stores.saved import SAVED, SAVED_ANEW, SavedEmbeddings, remove_saved
from ragqa.stores.vectors import check_dimension, check_vectors
from ragqa.types import (
    DenseInfo,
    EmbedderInfo,
    IndexInfo,
    Note,
    NoteRecord,
    Passage,
    Stamp,
    Vector,
    Vectors,
)


class MilvusWriter:
    """Changes on top of a base, or of nothing.

    :param root: a local folder for the saved embeddings of an unfinished build.
    :param newest: the newest generation's number; 0 if there is none.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        lease: Lease,
        base: MilvusSnapshot | None,
        root: Path,
        newest: int,
    ) -> None:
        self._client = client
        self._names = names
        self._lease = lease
        self._base = base
        self._root = root
        self._newest = newest
        self._dimension = base.info.embedder.dimension if base else None
        self._saved: SavedEmbeddings | None = None
        self._closed = False
        self._removed: set[str] = set()
        self._notes: dict[str, NoteRecord] = {}
        self._restamped: dict[str, tuple[Stamp, bool]] = {}
        self._added: dict[str, _Added] = {}
        self._pending: list[Row] = []
        self._created = base is not None

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Reuse what an interrupted writer saved with this embedder; returns their number."""
        name = SAVED if self._base is not None else SAVED_ANEW
        self._saved = SavedEmbeddings(self._root / name, embedder, dtype)
        return len(self._saved)

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save embeddings, shape (keys, dimension), on this machine until the next commit."""
        if self._saved is None:
            raise ValueError("save was called before resume")
        with explaining_failure(self._root, lambda: 2 * vectors.nbytes):
            self._saved.add(embedding_keys, vectors)

    def vectors(self, embedding_keys: Iterable[int]) -> Mapping[int, Vector]:
        """The embeddings that are saved or in the base snapshot, by embedding key."""
        keys = set(embedding_keys)
        saved = self._saved.vectors(keys) if self._saved else {}
        if self._base is None:
            return saved
        return saved | self._base.vectors_by_key(keys - saved.keys())

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages."""
        with self._changing():
            for path in paths:
                self._drop(path)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path; `vectors` is (passages, dimension)."""
        check_vectors(passages, vectors, self._dimension)
        with self._changing():
            self._drop(note.path)
            if passages:
                self._dimension = vectors.shape[1]
            terms = [encoded_terms(passage) for passage in passages]
            self._pending += (
                passage_row(passage, vector, own_terms, note.tags, self._lease.attempt)
                for passage, vector, own_terms in zip(passages, vectors, terms, strict=True)
            )
            self._added[note.path] = _Added([p.id for p in passages], sum(map(len, terms)))
            self._notes[note.path] = NoteRecord.of(note, settled=settled)
            if len(self._pending) >= ROWS_AT_ONCE:
                self._send()

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        if path in self._notes:
            self._notes[path] = replace(self._notes[path], stamp=stamp, settled=settled)
        elif path not in self._removed:
            self._restamped[path] = (stamp, settled)

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Count the rows, then publish the generation."""
        check_dimension(info, self._dimension)
        ids = [id_ for added in self._added.values() for id_ in added.ids]
        with self._changing():
            self._check_ids(Counter(ids))
            self._dimension = info.embedder.dimension
            self._send()
            self._create()
            notes, replaced = self._retire_notes()
            retired = self._retire_passages()
            base = self._base
            rows = [note_row(note, self._lease.attempt) for note in (*self._notes.values(), *notes)]
            self._put(self._names.notes(self._base_attempt), rows)
            passages = len(ids) - len(retired) + (base.info.passages if base else 0)
            terms = sum(added.terms for added in self._added.values()) - sum(retired)
            dense = base.info.dense if base else self._open(passages)
            generation = Generation(
                info=replace(
                    info,
                    generation=self._newest + 1,
                    notes=len(rows) - replaced + (base.info.notes if base else 0),
                    passages=passages,
                    dense=dense,
                ),
                attempt=self._lease.attempt,
                base=self._base_attempt,
                void=self._void,
                terms=terms + (base.generation.terms if base else 0),
                written=time.time(),
            )
            names, attempt = self._names, self._base_attempt
            for collection in (names.passages(attempt), names.notes(attempt), names.records):
                self._client.flush(collection)
            self._check_counts(generation, ids)
            self._put(self._names.records, [record_row(generation)])
            self._lease.confirm()
        self._closed = True
        for name in (SAVED, SAVED_ANEW) if base is None else (SAVED,):
            remove_saved(self._root / name)
        return generation.info

    def close(self) -> None:
        """Close the file of saved embeddings."""
        if self._saved is not None:
            self._saved.close()

    @property
    def _base_attempt(self) -> int:
        return self._base.generation.base if self._base else self._lease.attempt

    @property
    def _void(self) -> tuple[tuple[int, int], ...]:
        """The failed attempts on the same collections, as inclusive ranges."""
        if self._base is None:
            return ()
        before = self._base.generation
        first, last = before.attempt + 1, self._lease.attempt - 1
        return (*before.void, (first, last)) if first <= last else before.void

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """End the writer on an error, since a note may be half written."""
        if self._closed:
            raise IndexUnusable(
                f"the next generation of the index {self._names.name} is finished or abandoned"
            )
        self._closed = True
        yield
        self._closed = False

    def _drop(self, path: str) -> None:
        self._removed.add(path)
        self._notes.pop(path, None)
        self._restamped.pop(path, None)
        added = self._added.pop(path, None)
        if added and added.ids:
            self._send()
            keys = [passage_key(id_, self._lease.attempt) for id_ in added.ids]
            for start in range(0, len(keys), IDS_AT_ONCE):
                where = any_of("pk", keys[start : start + IDS_AT_ONCE])
                self._client.delete(self._names.passages(self._base_attempt), where)

    def _send(self) -> None:
        """Insert the pending passages."""
        if self._pending:
            self._create()
            self._put(self._names.passages(self._base_attempt), self._pending)
            self._pending = []

    def _put(self, collection: str, rows: Sequence[Row], *, partial: bool = False) -> None:
        """Insert rows in batches, checking the lease before each."""
        for batch in batches(rows):
            self._lease.check()
            self._client.upsert(collection, batch, partial=partial)

    def _create(self) -> None:
        """Create the collections for a build from nothing."""
        if not self._created and self._dimension is not None:
            create_passages(self._client, self._names.passages(self._base_attempt), self._dimension)
            create_notes(self._client, self._names.notes(self._base_attempt))
            self._created = True

    def _open(self, passages: int) -> DenseInfo:
        """Index and load the new collection; returns the kind of index."""
        collection = self._names.passages(self._base_attempt)
        dense = index_embeddings(self._client, collection, passages)
        self._client.load(collection)
        return dense

    def _retire_notes(self) -> tuple[list[NoteRecord], int]:
        """Mark changed and deleted notes as dead; returns the restamped ones, and how many died."""
        touched = [note_key(path) for path in (*self._removed, *self._restamped)]
        if self._base is None or not touched:
            return [], 0
        collection = self._names.notes(self._base_attempt)
        rows = list(self._base.rows_where("note", touched, ("pk", "data"), collection))
        self._retire(collection, rows)
        notes = [read_note(row["data"]) for row in rows]
        stamped = [
            replace(note, stamp=stamp, settled=settled)
            for note in notes
            if note.path in self._restamped
            for stamp, settled in [self._restamped[note.path]]
        ]
        return stamped, len(rows)

    def _retire_passages(self) -> list[int]:
        """Mark passages of changed and deleted notes as dead; returns their lengths in terms."""
        if self._base is None or not self._removed:
            return []
        keys = map(note_key, self._removed)
        rows = list(self._base.rows_where("note", keys, ("pk", "length")))
        self._retire(self._names.passages(self._base_attempt), rows)
        return [int(row["length"]) for row in rows]

    def _retire(self, collection: str, rows: Iterable[Row]) -> None:
        attempt = self._lease.attempt
        dead: list[Row] = [{"pk": row["pk"], "died": attempt} for row in rows]
        self._put(collection, dead, partial=True)

    def _check_ids(self, ids: Mapping[int, int]) -> None:
        """Check that ids are unique, given how many passages have each."""
        for path, added in self._added.items():
            if any(ids[id_] > 1 for id_ in added.ids):
                raise IndexUnusable(f"a passage of the note {path} has the id of another passage")

    def _check_counts(self, generation: Generation, ids: Sequence[int]) -> None:
        """Check that exactly the expected rows exist before they become visible."""
        info = generation.info
        for collection, expected in (
            (self._names.passages(generation.base), info.passages),
            (self._names.notes(generation.base), info.notes),
        ):
            there = self._client.count(collection, generation.visible)
            if there != expected:
                self._lease.confirm()
                raise IndexUnusable(
                    f"{collection} at {self._client.uri} has {there} rows for the next generation, "
                    f"not {expected}, so it was abandoned",
                    hint=REBUILD,
                )
        if self._base is not None:
            self._check_ids(Counter(self._existing_ids(generation, ids)))

    def _existing_ids(self, generation: Generation, ids: Sequence[int]) -> Iterator[int]:
        """These ids, once for each passage of a generation that has it."""
        for start in range(0, len(ids), IDS_AT_ONCE):
            where = any_of("passage", ids[start : start + IDS_AT_ONCE])
            rows = self._client.each(
                self._names.passages(generation.base),
                f"{where} and {generation.visible}",
                ("passage",),
            )
            yield from (int(row["passage"]) for row in rows)


class _Added(NamedTuple):
    """The ids of an added note's passages, and their total number of terms."""

    ids: list[int]
    terms: int
