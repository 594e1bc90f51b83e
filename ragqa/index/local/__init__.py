"""The local store: a database, and the terms and lists that are made from it, in one folder.

Terms and lists that are damaged are made anew. A damaged database is read as far as it goes for its
embeddings, and replaced once it is built anew.
"""

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex, WriterBusy
from ragqa.index import IndexWriter, Store
from ragqa.index.database import ANEW, LOGS, Database, Manifest
from ragqa.index.disk import building, explaining_failure, locked, naming_file, report_embedded
from ragqa.index.local import derived
from ragqa.index.local.snapshot import LocalSnapshot
from ragqa.index.rows import (
    MALFORMED,
    check_vectors,
    model_of,
    note_row,
    passage_row,
    read_vectors,
    vector_row,
)
from ragqa.types import (
    Building,
    DenseInfo,
    IndexInfo,
    NoteRecord,
    Passage,
    Stamp,
    Vector,
    Vectors,
)

logger = logging.getLogger("ragqa")

_KEEP = """
    INSERT OR IGNORE INTO embeddings (model, key, vector, checksum) VALUES (?, ?, ?, ?)
"""

# One that was damaged keeps its row, which passages refer to.
_SAVE = """
    INSERT INTO embeddings (model, key, vector, checksum) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET vector = excluded.vector, checksum = excluded.checksum
"""


class LocalStore(Store):
    """An index in a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def snapshot(self) -> Iterator[LocalSnapshot]:
        """Open the newest snapshot; terms or lists that are damaged are made anew."""
        with ExitStack() as opened:
            yield self._newest(opened)

    def _newest(self, opened: ExitStack) -> LocalSnapshot:
        """The newest snapshot; `opened` closes its database."""
        failed, is_made = 0, False
        while True:
            snapshot = LocalSnapshot(opened.enter_context(closing(Database(self._root))))
            try:
                snapshot.open_derived()
            except NeedsRebuild as exc:
                opened.close()
                if failed != snapshot.info.generation:
                    failed = snapshot.info.generation
                    continue  # a writer may have replaced them meanwhile
                if is_made:
                    raise
                self._make_derived(exc)
                is_made = True
            else:
                return snapshot

    def _make_derived(self, damage: NeedsRebuild) -> None:
        """Make terms and lists that are damaged anew, by a commit without changes.

        :raises NeedsRebuild: that cannot be written.
        """
        try:
            with self.writer(fresh=False, wait=False) as writer:
                writer.commit()
        except (WriterBusy, IndexUnusable):
            raise damage from None
        logger.warning("%s, so it is made anew from the rest of the index", damage.message)

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[IndexWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing."""
        with locked(self._root, wait=wait):
            report_embedded(self._root, 0)
            database, base = self._to_write(fresh=fresh)
            try:
                yield LocalWriter(database, base, fresh=fresh)
                derived.sweep(database)
            finally:
                with explaining_failure(self._root):
                    database.finish()

    def _to_write(self, *, fresh: bool) -> tuple[Database, tuple[IndexInfo, Manifest] | None]:
        """The database to write to, and what is there; another one if that is damaged."""
        database, base = None, None
        try:
            with explaining_failure(self._root):  # a full disk is no damage
                database = Database.create(self._root)
                with suppress(NoIndex):
                    base = database.read()
                if fresh:
                    database.check()
                return database, base
        except IndexUnusable as exc:
            with closing(database) if database else nullcontext():
                if fresh and isinstance(exc, NeedsRebuild):
                    return _anew(self._root, database), base
                raise

    def building(self) -> Building | None:
        """The progress of another process writing the index; None if none is known."""
        return building(self._root)


def _anew(root: Path, old: Database | None) -> Database:
    """A database that is to replace a damaged one, with its sound embeddings.

    :param old: the damaged database, if it can be opened.
    """
    with explaining_failure(root):
        try:
            new = Database.create(root, ANEW)  # or what a build that was killed has left of it
            new.check()
        except NeedsRebuild:
            for end in ("", *LOGS):
                (root / f"{ANEW}{end}").unlink(missing_ok=True)
            new = Database.create(root, ANEW)
        with new.naming():
            new.db.execute("BEGIN")
            with suppress(sqlite3.DatabaseError):
                for row in old.all_embeddings() if old else ():
                    with suppress(*MALFORMED):
                        read_vectors([row])
                        new.db.execute(_KEEP, tuple(row)[1:])
            new.db.execute("COMMIT")
    return new


class LocalWriter(IndexWriter):
    """Changes to what a database holds, which one transaction makes visible.

    Embeddings are committed as they come; notes and passages wait in temporary tables.

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
        self._added: list[int] = []
        self.model = model_of(self.info) if self.info else 0
        # Builds that were interrupted have left those after it.
        self._last_used = database.number("max(embedding) FROM passages")
        self._last_note = database.number("max(id) FROM notes")
        with self._changing():
            for table in ("notes", "passages"):
                self._db.execute(f"CREATE TEMP TABLE new_{table} AS SELECT * FROM {table} LIMIT 0")  # noqa: S608 - our own names

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

    def add(self, record: NoteRecord, passages: Sequence[Passage]) -> None:
        """Add a note, replacing any note at its path."""
        number = self._last_note + len(self._added) + 1
        query = f"SELECT key, row FROM embeddings WHERE model = {self.model:d} AND key IN"  # noqa: S608 - a number
        with self._changing():
            keys = [passage.embedding_key for passage in passages]
            rows = {row["key"]: row["row"] for row in self._database.fetch(query, keys)}
            self._insert("new_notes", [note_row(number, record)])
            made = (passage_row(number, rows[each.embedding_key], each) for each in passages)
            self._insert("new_passages", list(made))
        self._added.append(number)

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
            gone = self._apply(removed)
            stamps = "UPDATE notes SET size = ?, mtime_ns = ?, settled = ? WHERE path = ?"
            rows = ((*stamp, settled, os.fsencode(path)) for path, stamp, settled in restamped)
            self._db.executemany(stamps, rows)
            info = replace(
                info,
                generation=(self.info.generation if self.info else 0) + 1,
                notes=database.number("count(*) FROM notes"),
                passages=database.number("count(*) FROM passages"),
            )
            terms = derived.update_terms(
                database, made.terms, info.passages, gone=gone, added=self._added
            )
            lists = derived.update_lists(database, made.lists, info, self.model)
            info = replace(info, dense=lists.dense if lists else DenseInfo())
            database.write(info, Manifest(terms, lists))
            self._db.execute("COMMIT")
        return info

    @cached_property
    def _resumed(self) -> int:
        """How many embeddings an interrupted build has left."""
        new = "count(*) FROM embeddings WHERE row > ? AND model = ?"
        return self._database.number(new, self._last_used, self.model)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        named = naming_file(self._database.path, sqlite3.Error, ValueError)
        with explaining_failure(self._root), named:
            yield

    def _apply(self, removed: Iterable[str]) -> list[int]:
        """Remove and add notes; gives the numbers of those that went."""
        unused, gone = list[int](), list[int]()
        if self._fresh:
            for table in ("notes", "passages"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        replaced = self._db.execute("SELECT path FROM new_notes").fetchall()
        paths = [*map(os.fsencode, removed), *(row["path"] for row in replaced)]
        for row in list(self._database.fetch("SELECT id FROM notes WHERE path IN", paths)):
            query = "SELECT embedding FROM passages WHERE note = ?"
            unused += [each["embedding"] for each in self._db.execute(query, (row["id"],))]
            self._db.execute("DELETE FROM passages WHERE note = ?", (row["id"],))
            self._db.execute("DELETE FROM notes WHERE id = ?", (row["id"],))
            gone.append(row["id"])
        for table in ("notes", "passages"):
            self._db.execute(f"INSERT INTO {table} SELECT * FROM new_{table}")  # noqa: S608 - our own names
        self._prune(unused)
        return sorted(gone)

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        if rows:
            places = ",".join("?" * len(rows[0]))
            self._db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - our own names

    def _prune(self, unused: Iterable[int]) -> None:
        """Delete embeddings that no passage has: of removed passages, and of unfinished builds."""
        bare = "NOT EXISTS (SELECT 1 FROM passages WHERE embedding = row)"
        delete = f"DELETE FROM embeddings WHERE {bare}"  # noqa: S608 - our own names
        if self._fresh:
            self._db.execute(delete)
        else:
            newest = (self._last_used, self.model)
            self._db.execute(f"{delete} AND row > ? AND model = ?", newest)
            self._db.executemany(f"{delete} AND row = ?", [(row,) for row in unused])
