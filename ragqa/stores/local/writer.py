"""Write the next state of the local index, in one transaction.

Embeddings are committed as they come, so that an interrupted build goes on with them. Notes and
passages wait in a draft, a second SQLite file, until all of them can become visible at once.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import quote

from ragqa.errors import IndexUnusable
from ragqa.safe import private_file
from ragqa.stores import Writer
from ragqa.stores.disk import explaining_failure, report_embedded
from ragqa.stores.local import derived
from ragqa.stores.local.database import INTO_EMBEDDINGS, NOTES, PASSAGES, Database
from ragqa.stores.rows import (
    check_vectors,
    fingerprint,
    note_row,
    passage_row,
    read_vector,
    vector_row,
)
from ragqa.types import EmbedderInfo, IndexInfo, Note, Passage, Stamp, Vector, Vectors


class LocalWriter(Writer):
    """Changes to what a database holds, or with `fresh` in its place.

    :param database: is open for writing, and locked against other writers.
    :param base: what it holds; None to write in its place.
    :param build: the number of the build that embeddings belong to.
    :param generation: the number of the last commit, as far as that is known.
    """

    def __init__(
        self, database: Database, base: IndexInfo | None, *, build: int, generation: int
    ) -> None:
        self._database = database
        self._db = database.db
        self._root = database.root
        self._base = base
        self._generation = generation
        self._build = build
        self._gone: set[int] = set()
        self._restamped: list[tuple[object, ...]] = []
        self._closed = False
        self._saved = 0
        with explaining_failure(self._root), database.writing():
            self._attach_draft()
            self._last = database.number("max(id) FROM main.notes")
            self._db.execute("BEGIN")

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Reuse what an interrupted writer saved with this embedder; returns their number."""
        made_by = fingerprint(embedder, dtype)
        name = f"saved by {self._build}"
        saved = "FROM embeddings WHERE build = ? AND row IN (SELECT row FROM saved)"
        with self._changing():
            known = ""
            with suppress(ValueError):  # damaged: then nothing of it is known
                known = self._database.meta(name)
            if known != made_by:
                self._db.execute(f"DELETE {saved}", (self._build,))
                self._database.set_meta(name, made_by)
            self._saved = self._database.number(f"count(*) {saved}", self._build)
            return self._saved

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Commit embeddings, shape (keys, dimension)."""
        with self._changing():
            for key, vector in zip(embedding_keys, vectors, strict=True):
                self._keep(key, vector)
            self._db.execute("COMMIT")
            self._db.execute("BEGIN")
        report_embedded(self._root, self._saved)

    def vectors(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings that are saved or in the index, by embedding key."""
        query = f"""
            SELECT row, key, vector, checksum FROM embeddings
            WHERE build = {self._build:d} AND key IN
        """  # noqa: S608 - a number of ours
        with self._changing():
            found = self._database.fetch(query, list(embedding_keys))
            return {row["key"]: read_vector(row) for row in found}

    def remove(self, paths: Iterable[str]) -> None:
        """Delete notes and their passages."""
        with self._changing():
            for path in paths:
                self._drop(path)

    def add(
        self, note: Note, *, settled: bool, passages: Sequence[Passage], vectors: Vectors
    ) -> None:
        """Add a note, replacing any note at its path; `vectors` is (passages, dimension)."""
        check_vectors(passages, vectors)
        with self._changing():
            self._drop(note.path)
            number = self._last = self._last + 1
            self._insert("draft.notes", [note_row(number, note, settled=settled)])
            rows = [
                passage_row(number, self._keep(passage.embedding_key, vector), passage)
                for passage, vector in zip(passages, vectors, strict=True)
            ]
            self._insert("draft.passages", rows)

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note whose text is unchanged."""
        self._restamped.append((*stamp, settled, os.fsencode(path)))

    def commit(self, info: IndexInfo) -> IndexInfo:
        """Make all changes durable and visible at once."""
        with self._changing():  # readers see nothing of it before the end
            self._db.execute("COMMIT")  # of embeddings, and of the draft: the disk may be full
            self._db.execute("BEGIN")
            unused = self._delete_gone()
            added = [row["id"] for row in self._db.execute("SELECT id FROM draft.notes")]
            self._db.execute("INSERT INTO main.notes SELECT * FROM draft.notes")
            self._db.execute("INSERT INTO main.passages SELECT * FROM draft.passages")
            self._delete_embeddings(unused)
            stamps = "UPDATE main.notes SET size = ?, mtime_ns = ?, settled = ? WHERE path = ?"
            self._db.executemany(stamps, self._restamped)
            info = replace(
                info,
                generation=max(self._database.generation, self._generation) + 1,
                notes=self._database.number("count(*) FROM main.notes"),
                passages=self._database.number("count(*) FROM main.passages"),
            )
            derived.update_terms(
                self._database, info.passages, gone=sorted(self._gone), added=added
            )
            dense = derived.update_lists(self._database, info, self._build)
            info = replace(info, dense=dense)
            self._database.write(info, self._build)
            self._database.set_meta("generation", str(info.generation))
            self._db.execute("COMMIT")
        self._closed = True
        return info

    def close(self) -> None:
        """Forget what was not committed."""
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        with suppress(sqlite3.Error):
            self._db.execute("DETACH draft")
        derived.discard(self._root / derived.DRAFT)

    def _attach_draft(self) -> None:
        path = self._root / derived.DRAFT
        derived.discard(path)
        private_file(path)
        self._db.execute("ATTACH ? AS draft", (f"file:{quote(os.fsencode(path.absolute()))}",))
        # It is thrown away unless all goes well.
        self._db.execute("PRAGMA draft.journal_mode = OFF")
        self._db.execute("PRAGMA draft.synchronous = OFF")
        for table in (NOTES, PASSAGES):
            self._db.execute(table.format(part="draft."))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """End the writer on an error, since a note may be half written."""
        if self._closed:
            raise IndexUnusable(f"the writer of the index in {self._root} has ended")
        self._closed = True
        with explaining_failure(self._root), self._database.writing():
            try:
                yield
            except sqlite3.IntegrityError as exc:
                if "passages.id" not in str(exc):
                    raise
                raise IndexUnusable(
                    "a passage has the id of another passage", hint="ragqa doctor"
                ) from exc
        self._closed = False

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            places = ",".join("?" * len(rows[0]))
            self._db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - our own names

    def _keep(self, key: int, vector: Vector) -> int:
        """The row of an embedding, which is added unless it is there."""
        query = "SELECT row FROM embeddings WHERE build = ? AND key = ?"
        found = self._db.execute(query, (self._build, key)).fetchone()
        if found:
            return int(found["row"])
        values = vector_row(self._build, key, vector)
        row = int(self._db.execute(f"INSERT {INTO_EMBEDDINGS}", values).lastrowid or 0)
        self._db.execute("INSERT INTO saved VALUES (?)", (row,))
        self._saved += 1
        return row

    def _drop(self, path: str) -> None:
        name = (os.fsencode(path),)
        found = self._db.execute("SELECT id FROM draft.notes WHERE path = ?", name).fetchone()
        if found:
            self._db.execute("DELETE FROM draft.passages WHERE note = ?", (found["id"],))
            self._db.execute("DELETE FROM draft.notes WHERE id = ?", (found["id"],))
        if self._base is not None:
            found = self._db.execute("SELECT id FROM main.notes WHERE path = ?", name).fetchone()
            self._gone |= {found["id"]} if found else set()

    def _delete_gone(self) -> list[int]:
        """Delete what is no longer there; the rows of the embeddings that this leaves unused."""
        if self._base is None:
            self._database.set_meta("terms", "")
            self._database.set_meta("lists", "")
            for table in ("notes", "passages"):
                self._db.execute(f"DELETE FROM main.{table}")  # noqa: S608 - our own names
            self._db.execute("DELETE FROM embeddings WHERE build < ?", (self._build,))
            return []
        unused = []
        for note in self._gone:
            query = "SELECT embedding FROM main.passages WHERE note = ?"
            unused += [row["embedding"] for row in self._db.execute(query, (note,))]
            self._db.execute("DELETE FROM main.passages WHERE note = ?", (note,))
            self._db.execute("DELETE FROM main.notes WHERE id = ?", (note,))
        return unused

    def _delete_embeddings(self, unused: list[int]) -> None:
        """Delete embeddings that no passage has; what another build saved stays."""
        saved = "SELECT row FROM saved WHERE row IN (SELECT row FROM embeddings WHERE build = ?)"
        unused += [row["row"] for row in self._db.execute(saved, (self._build,))]
        bare = "row = ? AND NOT EXISTS (SELECT 1 FROM main.passages WHERE embedding = ?)"
        self._db.executemany(
            f"DELETE FROM embeddings WHERE {bare}",  # noqa: S608 - our own names
            [(row, row) for row in unused],
        )
        self._db.executemany("DELETE FROM saved WHERE row = ?", [(row,) for row in unused])
        self._db.execute("DELETE FROM saved WHERE row NOT IN (SELECT row FROM embeddings)")
