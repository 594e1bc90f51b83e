"""Write the next generation of an index in Milvus: rows stay invisible until their record."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ragqa.errors import IndexUnusable
from ragqa.stores.disk import REBUILD
from ragqa.stores.milvus.client import ROWS_AT_ONCE, Client, Row, batches
from ragqa.stores.milvus.lease import Lease
from ragqa.stores.milvus.records import Generation, record_row
from ragqa.stores.milvus.rows import (
    any_of_each,
    encoded_terms,
    note_key,
    note_row,
    passage_key,
    passage_row,
    read_note,
)
from ragqa.stores.milvus.schema import create_notes, create_passages, index_embeddings
from ragqa.stores.milvus.snapshot import MilvusSnapshot
from ragqa.stores.saved import ResumableWriter
from ragqa.stores.vectors import check_dimension, check_vectors
from ragqa.types import DenseInfo, IndexInfo, Note, NoteRecord, Passage, Stamp, Vector, Vectors


class _Added(NamedTuple):
    """The ids of an added note's passages, and their total number of terms."""

    ids: list[int]
    terms: int


class MilvusWriter(ResumableWriter):
    """Changes on top of a base, or of nothing.

    :param root: a local folder for the saved embeddings of an unfinished build.
    :param number: the number of the generation to write.
    """

    def __init__(
        self, client: Client, lease: Lease, base: MilvusSnapshot | None, root: Path, number: int
    ) -> None:
        super().__init__(root, fresh=base is None)
        self._client = client
        self._lease = lease
        self._base = base
        self._number = number
        self._base_attempt = base.generation.base if base else lease.attempt
        self._passages = client.passages(self._base_attempt)
        self._note_rows = client.notes(self._base_attempt)
        self._dimension = base.info.embedder.dimension if base else None
        self._removed: set[str] = set()
        self._notes: dict[str, NoteRecord] = {}
        self._restamped: dict[str, tuple[Stamp, bool]] = {}
        self._added: dict[str, _Added] = {}
        self._pending: list[Row] = []
        self._created = base is not None

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages."""
        with self._changing(self._client.name):
            for path in paths:
                self._drop(path)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path; `vectors` is (passages, dimension)."""
        check_vectors(passages, vectors, self._dimension)
        with self._changing(self._client.name):
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
        with self._changing(self._client.name):
            self._check_ids(Counter(ids))
            self._dimension = info.embedder.dimension
            self._send()
            self._create()
            generation = self._written(info, len(ids))
            for collection in (self._passages, self._note_rows, self._client.records):
                self._client.flush(collection)
            self._check_counts(generation, ids)
            self._put(self._client.records, [record_row(generation)])
            self._lease.confirm()
        self._finish()
        return generation.info

    def _written(self, info: IndexInfo, added: int) -> Generation:
        """Write all rows but the record; returns the generation that they make.

        :param added: the number of added passages.
        """
        base = self._base.generation if self._base else None
        restamped, replaced = self._retire_notes()
        retired = self._retire_passages()
        notes = [*self._notes.values(), *restamped]
        self._put(self._note_rows, [note_row(note, self._lease.attempt) for note in notes])
        passages = added - len(retired) + (base.info.passages if base else 0)
        terms = sum(each.terms for each in self._added.values()) - sum(retired)
        return Generation(
            info=replace(
                info,
                generation=self._number,
                notes=len(notes) - replaced + (base.info.notes if base else 0),
                passages=passages,
                dense=base.info.dense if base else self._open(passages),
            ),
            attempt=self._lease.attempt,
            base=self._base_attempt,
            void=self._void(),
            terms=terms + (base.terms if base else 0),
            written=time.time(),
        )

    def _in_base(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        return self._base.vectors_where("embedding_key", embedding_keys) if self._base else {}

    def _void(self) -> tuple[tuple[int, int], ...]:
        """The failed attempts on the same collections, as inclusive ranges."""
        if self._base is None:
            return ()
        before = self._base.generation
        first, last = before.attempt + 1, self._lease.attempt - 1
        return (*before.void, (first, last)) if first <= last else before.void

    def _drop(self, path: str) -> None:
        self._removed.add(path)
        self._notes.pop(path, None)
        self._restamped.pop(path, None)
        added = self._added.pop(path, None)
        if added and added.ids:
            self._send()
            keys = (passage_key(id_, self._lease.attempt) for id_ in added.ids)
            for where in any_of_each("pk", keys):
                self._client.delete(self._passages, where)

    def _send(self) -> None:
        """Insert the pending passages."""
        if self._pending:
            self._create()
            self._put(self._passages, self._pending)
            self._pending = []

    def _put(self, collection: str, rows: Sequence[Row], *, partial: bool = False) -> None:
        """Insert rows in batches, checking the lease before each."""
        for batch in batches(rows):
            self._lease.check()
            self._client.upsert(collection, batch, partial=partial)

    def _create(self) -> None:
        """Create the collections for a build from nothing."""
        if not self._created and self._dimension is not None:
            create_passages(self._client, self._passages, self._dimension)
            create_notes(self._client, self._note_rows)
            self._created = True

    def _open(self, passages: int) -> DenseInfo:
        """Index and load the new collection; returns the kind of index."""
        dense = index_embeddings(self._client, self._passages, passages)
        self._client.load(self._passages)
        return dense

    def _retire_notes(self) -> tuple[list[NoteRecord], int]:
        """Mark changed and deleted notes as dead; returns the restamped ones, and how many died."""
        touched = [note_key(path) for path in (*self._removed, *self._restamped)]
        if self._base is None or not touched:
            return [], 0
        rows = list(self._base.rows_where("note", touched, ("pk", "data"), self._note_rows))
        self._retire(self._note_rows, rows)
        notes = (read_note(row["data"]) for row in rows)
        stamped = []
        for note in notes:
            if note.path in self._restamped:
                stamp, settled = self._restamped[note.path]
                stamped.append(replace(note, stamp=stamp, settled=settled))
        return stamped, len(rows)

    def _retire_passages(self) -> list[int]:
        """Mark passages of changed and deleted notes as dead; returns their lengths in terms."""
        if self._base is None or not self._removed:
            return []
        keys = map(note_key, self._removed)
        rows = list(self._base.rows_where("note", keys, ("pk", "length")))
        self._retire(self._passages, rows)
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
        expected = {self._passages: info.passages, self._note_rows: info.notes}
        for collection, number in expected.items():
            there = self._client.count(collection, generation.visible)
            if there != number:
                self._lease.confirm()
                raise IndexUnusable(
                    f"{collection} at {self._client.uri} has {there} rows for the next generation, "
                    f"not {number}, so it was abandoned",
                    hint=REBUILD,
                )
        if self._base is not None:
            present: Counter[int] = Counter()
            for some in any_of_each("passage", ids):
                where = f"{some} and {generation.visible}"
                rows = self._client.each(self._passages, where, ("passage",))
                present.update(row["passage"] for row in rows)
            self._check_ids(present)
