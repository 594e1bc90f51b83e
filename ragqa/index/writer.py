"""The next state of an index, while it is being built."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

from ragqa.index.database import Database
from ragqa.index.disk import explaining_failure, naming_file
from ragqa.index.engine import Engine
from ragqa.index.rows import (
    check_vectors,
    checksum,
    model_of,
    note_row,
    passage_row,
    vector_row,
)
from ragqa.types import IndexInfo, NoteRecord, Passage, Stamp, Vector, Vectors


class IndexWriter:
    """Changes to a database, which one transaction makes visible, and to the engine made from it.

    Embeddings are committed as they come, and stay for the next writer; notes and passages wait in
    temporary tables. A note is added, removed or restamped once, if at all.

    :param report: is told how many embeddings there are that no passage has yet.
    :param fresh: whether to begin from nothing.
    :ivar info: of what is there; None if there is nothing yet.
    :ivar model: by `rows.model_of`, whose embeddings these are; at first that of what is there.
    :raises IndexUnusable: in every method: the disk is full or the folder is not writable.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        report: Callable[[int], None],
        *,
        fresh: bool,
    ) -> None:
        self.info = database.info
        self.model = model_of(self.info) if self.info else 0
        self._database, self._db = database, database.db
        self._engine, self._report = engine, report
        self._fresh = fresh
        self._known: dict[int, Vector] = {}  # what was found last, and saved since, by key
        self._saved = 0
        # Builds that were interrupted have left those after it.
        self._last_used = database.number("max(embedding) FROM passages")
        self._note = database.number("max(id) FROM notes")
        with self._changing():
            for table in ("notes", "passages"):
                self._db.execute(f"CREATE TEMP TABLE new_{table} AS SELECT * FROM {table} LIMIT 0")  # noqa: S608 - our own names

    def vectors(self, keys: Iterable[int]) -> dict[int, Vector]:
        """The sound embeddings of `model`, shape (dimension,), by key, of those that there are."""
        with self._changing():
            self._report(self._resumed + self._saved)
            self._known = self._database.embeddings(self.model, keys)
        return dict(self._known)

    def bare(self, k: int) -> list[Passage]:
        """Passages of the index that have no embedding yet, k at most."""
        with self._changing():
            return self._database.bare(None, k)

    def save(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Keep the embeddings of passages, shape (passages, dimension), even without a commit.

        :raises IndexUnusable: one is not finite or not of unit length; the passage is named.
        """
        check_vectors(passages, vectors)
        keys = [passage.embedding_key for passage in passages]
        rows = [vector_row(self.model, *pair) for pair in zip(keys, vectors, strict=True)]
        with self._changing():
            resumed = self._resumed
            self._db.execute("BEGIN")
            self._database.save(rows)
            self.link(passages)
            self._db.execute("COMMIT")
        self._known |= zip(keys, vectors, strict=True)
        self._saved += len(rows)
        self._report(resumed + self._saved)

    def add(self, record: NoteRecord, passages: Sequence[Passage]) -> None:
        """Add a note with the embeddings that were found or saved, replacing any at its path."""
        self._note += 1
        keys = [passage.embedding_key for passage in passages]
        with self._changing():
            rows = self._rows(keys)
            self._database.insert("new_notes", [note_row(self._note, record)])
            pairs = zip(keys, passages, strict=True)
            made = [passage_row(self._note, rows.get(key, 0), each) for key, each in pairs]
            self._database.insert("new_passages", made)
            self._engine.add(self._note, record, passages, [self._known.get(key) for key in keys])

    def link(self, passages: Sequence[Passage]) -> None:
        """Give those passages of the index that had no embedding the ones that there are now."""
        keys = {passage.id: passage.embedding_key for passage in passages}
        bare = "SELECT id, note, data FROM passages WHERE embedding = 0 AND id IN"
        with self._changing():
            rows = list(self._database.fetch(bare, list(keys)))
            made = self._rows([keys[row["id"]] for row in rows])
            linked = [
                (at, checksum(id_, note, at, data), id_)
                for id_, note, data in rows
                if (at := made.get(keys[id_]))
            ]
            update = "UPDATE passages SET embedding = ?, checksum = ? WHERE id = ?"
            self._db.executemany(update, linked)

    def commit(
        self,
        info: IndexInfo | None = None,
        *,
        is_part: bool = False,
        removed: Iterable[str] = (),
        restamped: Iterable[tuple[str, Stamp, bool]] = (),
    ) -> IndexInfo:
        """Make all changes durable and visible at once; if that fails, what is there stays.

        :param info: None if it is as it was.
        :param is_part: embeddings that no passage has yet stay, for notes that wait to be read.
        :param removed: the paths of notes to remove; unknown ones are ignored.
        :param restamped: unchanged notes with their new stamp, and whether it is settled.
        :returns: the info, with generation and counts set.
        """
        with self._changing():  # readers see nothing of it before the end
            database = self._database
            info = info or database.read()
            self._db.execute("BEGIN")
            gone = self._apply(removed, is_part=is_part)
            stamps = "UPDATE notes SET size = ?, mtime_ns = ?, settled = ? WHERE path = ?"
            rows = ((s.size, s.mtime_ns, settled, os.fsencode(p)) for p, s, settled in restamped)
            self._db.executemany(stamps, rows)
            info = replace(
                info,
                generation=(self.info.generation if self.info else 0) + 1,
                notes=database.number("count(*) FROM notes"),
                passages=database.number("count(*) FROM passages"),
                not_embedded=database.number("count(*) FROM passages WHERE embedding = 0"),
            )
            info, made = self._engine.commit(info, gone)
            database.write(info, made)
            self._db.execute("COMMIT")
        self._engine.tidy()
        return info

    @cached_property
    def _resumed(self) -> int:
        """How many embeddings an interrupted build has left."""
        new = "count(*) FROM embeddings WHERE row > ? AND model = ?"
        return self._database.number(new, self._last_used, self.model)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        named = naming_file(self._database.path, sqlite3.Error, ValueError)
        with explaining_failure(self._database.root), named:
            yield

    def _apply(self, removed: Iterable[str], *, is_part: bool) -> list[int]:
        """Remove and add notes; gives the numbers of those that went."""
        unused = list[tuple[int]]()
        if self._fresh:
            for table in ("notes", "passages"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        replaced = self._db.execute("SELECT path FROM new_notes").fetchall()
        paths = [*map(os.fsencode, removed), *(row["path"] for row in replaced)]
        gone = [
            row["id"] for row in self._database.fetch("SELECT id FROM notes WHERE path IN", paths)
        ]
        for number in gone:
            query = "SELECT embedding FROM passages WHERE note = ?"
            unused += self._db.execute(query, (number,)).fetchall()
            self._db.execute("DELETE FROM passages WHERE note = ?", (number,))
            self._db.execute("DELETE FROM notes WHERE id = ?", (number,))
        for table in ("notes", "passages"):
            self._db.execute(f"INSERT INTO {table} SELECT * FROM new_{table}")  # noqa: S608 - our own names
        # Embeddings that no passage has go: of removed passages, and of unfinished builds.
        bare = "NOT EXISTS (SELECT 1 FROM passages WHERE embedding = row)"
        delete = f"DELETE FROM embeddings WHERE {bare}"  # noqa: S608 - our own names
        if self._fresh and not is_part:
            self._db.execute(delete)
        else:
            if not is_part:
                newest = (self._last_used, self.model)
                self._db.execute(f"{delete} AND row > ? AND model = ?", newest)
            self._db.executemany(f"{delete} AND row = ?", unused)
        return gone

    def _rows(self, keys: Sequence[int]) -> dict[int, int]:
        """The rows of the embeddings of `model`, by key, of those that there are."""
        query = f"SELECT key, row FROM embeddings WHERE model = {self.model:d} AND key IN"  # noqa: S608 - a number
        return {row["key"]: row["row"] for row in self._database.fetch(query, keys)}
