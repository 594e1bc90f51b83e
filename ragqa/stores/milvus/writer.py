"""Write the next generation of an index in Milvus: rows stay invisible until their record."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from ragqa.stores.milvus.schema import (
    NOTE_NUMBERS,
    create_passages,
    create_without_embeddings,
    index_embeddings,
)
from ragqa.stores.milvus.snapshot import MilvusSnapshot
from ragqa.stores.saved import ResumableWriter
from ragqa.stores.vectors import check_dimension
from ragqa.types import IndexInfo, Note, NoteRecord, Passage, Stamp, Vector, Vectors


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
        super().__init__(root, base.info if base else None)
        self._client = client
        self._lease = lease
        self._base = base
        self._number = number
        self._base_attempt = base.generation.base if base else lease.attempt
        self._passages = client.passages(self._base_attempt)
        self._note_rows = client.notes(self._base_attempt)
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
        self._check(passages, vectors)
        with self._changing(self._client.name):
            self._drop(note.path)
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
        base, attempt = self._base.generation if self._base else None, self._lease.attempt
        touched = self._retire(self._note_rows, (*self._removed, *self._restamped), "data")
        retired = self._retire(self._passages, self._removed, "length")
        notes = [*self._notes.values(), *self._restamped_among(touched)]
        self._put(self._note_rows, [note_row(note, attempt) for note in notes])
        passages = added - len(retired) + (base.info.passages if base else 0)
        terms = sum(each.terms for each in self._added.values())
        if base is None:
            dense = index_embeddings(self._client, self._passages, passages)
            self._client.load(self._passages)
        return Generation(
            info=replace(
                info,
                generation=self._number,
                notes=len(notes) - len(touched) + (base.info.notes if base else 0),
                passages=passages,
                dense=base.info.dense if base else dense,
            ),
            attempt=attempt,
            base=self._base_attempt,
            void=self._void(),
            terms=terms - sum(row["length"] for row in retired) + (base.terms if base else 0),
            written=time.time(),
        )

    def _restamped_among(self, rows: Iterable[Row]) -> Iterator[NoteRecord]:
        """The restamped notes among those of these rows."""
        for note in (read_note(row["data"]) for row in rows):
            if note.path in self._restamped:
                stamp, settled = self._restamped[note.path]
                yield replace(note, stamp=stamp, settled=settled)

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
            create_without_embeddings(self._client, self._note_rows, NOTE_NUMBERS)
            self._created = True

    def _retire(self, collection: str, paths: Collection[str], field: str) -> list[Row]:
        """Mark the rows of these notes as dead; returns them, with this field."""
        if self._base is None or not paths:
            return []
        keys, died = map(note_key, paths), self._lease.attempt
        rows = list(self._base.rows_where("note", keys, ("pk", field), collection))
        self._put(collection, [{"pk": row["pk"], "died": died} for row in rows], partial=True)
        return rows

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
