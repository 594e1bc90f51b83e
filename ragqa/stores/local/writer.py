"""Write the next state of the local index, in one transaction.

Embeddings are committed as they come. Notes and passages wait in a file without a name, until all
of them can become visible at once.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property

import msgspec

from ragqa.errors import IndexUnusable
from ragqa.stores import IndexWriter
from ragqa.stores.disk import REBUILD, explaining_failure, naming_file, report_embedded
from ragqa.stores.filters import labels_of
from ragqa.stores.local import derived
from ragqa.stores.local.database import Database, Manifest
from ragqa.stores.rows import (
    check_vectors,
    model_of,
    note_row,
    packed,
    passage_row,
    unpacked,
    vector_row,
)
from ragqa.types import DenseInfo, IndexInfo, Note, NoteRecord, Passage, Stamp, Vector, Vectors

# One that was damaged keeps its row, which passages refer to.
_SAVE = """
    INSERT INTO embeddings (model, key, vector, checksum) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET vector = excluded.vector, checksum = excluded.checksum
"""
_MOST_IN_MEMORY = 2**20
_LENGTH = 8


class _Added(msgspec.Struct, array_like=True):
    """A note that waits; of each passage its key, id and content."""

    note: bytes
    passages: list[tuple[int, int, bytes]]


class LocalWriter(IndexWriter):
    """Changes to what a database holds.

    :param database: is open for writing, and locked against other writers.
    :param base: what it holds, and what was made of that; None if there is nothing yet.
    :param fresh: whether to begin from nothing.
    """

    def __init__(
        self, database: Database, base: tuple[IndexInfo, Manifest] | None, *, fresh: bool
    ) -> None:
        self._database = database
        self._db = database.db
        self._root = database.root
        self.info: IndexInfo | None
        self.info, made = base or (None, Manifest())
        self._made = Manifest() if fresh else made
        self._fresh = fresh
        self._saved = 0
        self._unused: list[int] = []
        self._closed = False
        self.model = model_of(self.info) if self.info else 0
        # Builds that were interrupted have left those after it.
        self._last_used = database.number("max(embedding) FROM passages")
        with explaining_failure(self._root):
            self._waiting = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `close`
                _MOST_IN_MEMORY, dir=os.fspath(self._root)
            )

    def vectors(self, keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings that the model has made, by embedding key."""
        with self._changing():
            report_embedded(self._root, self._resumed + self._saved)
            return self._database.embeddings(self.model, keys)

    def save(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Commit the embeddings of passages, shape (passages, dimension)."""
        check_vectors(passages, vectors)
        rows = [
            vector_row(self.model, passage.embedding_key, vector)
            for passage, vector in zip(passages, vectors, strict=True)
        ]
        with self._changing():
            resumed = self._resumed
            self._db.execute("BEGIN")
            self._db.executemany(_SAVE, rows)
            self._db.execute("COMMIT")
        self._saved += len(rows)
        report_embedded(self._root, resumed + self._saved)

    def add(self, note: Note, passages: Sequence[Passage]) -> None:
        """Add a note, replacing any note at its path."""
        made = [(passage.embedding_key, passage.id, packed(passage)) for passage in passages]
        data = msgspec.msgpack.encode((packed(note.record), made))
        with self._changing():
            self._waiting.write(len(data).to_bytes(_LENGTH, "big") + data)

    def commit(
        self,
        info: IndexInfo | None = None,
        *,
        removed: Iterable[str] = (),
        restamped: Iterable[tuple[str, Stamp, bool]] = (),
    ) -> IndexInfo:
        """Make all changes durable and visible at once."""
        with self._changing():  # readers see nothing of it before the end
            database, made = self._database, self._made
            info = info or database.read()[0]
            self._db.execute("BEGIN")
            gone, added = self._apply(removed)
            stamps = "UPDATE notes SET size = ?, mtime_ns = ?, settled = ? WHERE path = ?"
            rows = ((*stamp, settled, os.fsencode(path)) for path, stamp, settled in restamped)
            self._db.executemany(stamps, rows)
            info = replace(
                info,
                generation=(self.info.generation if self.info else 0) + 1,
                notes=database.number("count(*) FROM notes"),
                passages=database.number("count(*) FROM passages"),
            )
            self._prune()
            terms = derived.update_terms(
                database, made.terms, info.passages, gone=gone, added=added
            )
            lists = derived.update_lists(database, made.lists, info, self.model)
            info = replace(info, dense=lists.dense if lists else DenseInfo())
            database.write(info, Manifest(terms, lists))
            self._db.execute("COMMIT")
        self._closed = True
        return info

    def close(self) -> None:
        """Forget what was not committed."""
        self._waiting.close()
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @cached_property
    def _resumed(self) -> int:
        """How many embeddings an interrupted build has left."""
        new = "count(*) FROM embeddings WHERE row > ? AND model = ?"
        return self._database.number(new, self._last_used, self.model)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """End the writer on an error, since a note may be half written."""
        if self._closed:
            raise IndexUnusable(f"the writer of the index in {self._root} has ended")
        self._closed = True
        named = naming_file(self._database.path, sqlite3.Error, ValueError)
        with explaining_failure(self._root), named:
            try:
                yield
            except sqlite3.IntegrityError as exc:
                if "passages.id" not in str(exc):
                    raise
                raise IndexUnusable(
                    "a passage has the id of another passage", hint=REBUILD
                ) from exc
        self._closed = False

    def _apply(self, removed: Iterable[str]) -> tuple[list[int], list[int]]:
        """Remove and add notes; gives the numbers of those that went and of those that came."""
        last = self._database.number("max(id) FROM notes")
        if self._fresh:
            for table in ("notes", "labels", "passages"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        gone = [number for path in removed for number in self._drop(os.fsencode(path))]
        added = []
        for number, each in enumerate(self._added(), start=last + 1):
            record = unpacked(each.note, NoteRecord)
            gone += self._drop(os.fsencode(record.path))
            rows = self._rows([key for key, *_ in each.passages])
            made = [passage_row(number, rows[key], id_, data) for key, id_, data in each.passages]
            self._insert("notes", [note_row(number, record)])
            self._insert("labels", [(*label, number) for label in labels_of(record)])
            self._insert("passages", made)
            added.append(number)
        return sorted(gone), added

    def _rows(self, keys: Sequence[int]) -> dict[int, int]:
        """The rows of the model's embeddings, by key."""
        query = f"SELECT key, row FROM embeddings WHERE model = {self.model:d} AND key IN"  # noqa: S608 - a number
        return {row["key"]: row["row"] for row in self._database.fetch(query, keys)}

    def _added(self) -> Iterator[_Added]:
        self._waiting.seek(0)
        while length := self._waiting.read(_LENGTH):
            yield msgspec.msgpack.decode(
                self._waiting.read(int.from_bytes(length, "big")), type=_Added
            )

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            places = ",".join("?" * len(rows[0]))
            self._db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - our own names

    def _drop(self, path: bytes) -> list[int]:
        """Delete the note at a path; gives its number, if there is one."""
        query = "SELECT id FROM notes WHERE path = ?"
        numbers = [row["id"] for row in self._db.execute(query, (path,))]
        for number in numbers:
            query = "SELECT embedding FROM passages WHERE note = ?"
            self._unused += [row["embedding"] for row in self._db.execute(query, (number,))]
            for table, column in (("passages", "note"), ("labels", "note"), ("notes", "id")):
                self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608 - our own names
        return numbers

    def _prune(self) -> None:
        """Delete embeddings that no passage has: of removed passages, and of unfinished builds."""
        bare = "NOT EXISTS (SELECT 1 FROM passages WHERE embedding = row)"
        delete = f"DELETE FROM embeddings WHERE {bare}"  # noqa: S608 - our own names
        if self._fresh:
            self._db.execute(delete)
        else:
            newest = (self._last_used, self.model)
            self._db.execute(f"{delete} AND row > ? AND model = ?", newest)
            self._db.executemany(f"{delete} AND row = ?", [(row,) for row in self._unused])
