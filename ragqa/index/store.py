"""An index in a folder: its database, and an engine made from it.

A reader opens a snapshot and never sees another; one writer at a time makes the next.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path

from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex, WriterBusy
from ragqa.index.database import ANEW, LOGS, Database, Made
from ragqa.index.disk import building, explaining_failure, locked
from ragqa.index.engine import Engine
from ragqa.index.local.engine import LocalEngine
from ragqa.index.rows import MALFORMED, read_vectors
from ragqa.index.snapshot import Snapshot
from ragqa.index.writer import IndexWriter
from ragqa.types import Building, IndexInfo

logger = logging.getLogger("ragqa")

CHECKED_UP_TO = 25_000  # passages: the structure of the database is checked when it is opened


class Store:
    """An index in a folder, which need not exist yet; there its passages are found, too.

    :raises IndexUnusable: in every method: it cannot be read, written or trusted.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open the newest snapshot, until the context is left.

        :raises NoIndex: nothing has been committed yet.
        """
        with ExitStack() as opened:
            yield self._newest(opened)

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[IndexWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing.

        :raises WriterBusy: another process is writing and `wait` is False.
        """
        with locked(self._root, wait=wait) as report:
            database = self._to_write(fresh=fresh)
            try:
                engine = self._to_change(database, {} if fresh else database.made)
                yield IndexWriter(database, engine, report, fresh=fresh)
            finally:
                with explaining_failure(self._root):
                    database.finish()

    def building(self) -> Building | None:
        """The progress of another process that writes this folder; None if none is known."""
        return building(self._root)

    def _database(self, opened: ExitStack) -> tuple[Database, IndexInfo]:
        """The database, open for reading, and what it holds."""
        database = opened.enter_context(closing(Database(self._root)))
        info = database.read()
        if info.passages <= CHECKED_UP_TO:
            database.check()
        return database, info

    def _newest(self, opened: ExitStack) -> Snapshot:
        """The newest snapshot; terms or lists that are damaged are made anew."""
        failed, is_made = 0, False
        while True:
            database, info = self._database(opened)
            engine = LocalEngine(database, database.made)
            try:
                engine.open()
                return Snapshot(info, database, engine)
            except NeedsRebuild as exc:
                opened.close()
                if is_made and failed == info.generation:
                    raise
                if failed == info.generation:
                    self._make_again(exc)
                    is_made = True
                failed = info.generation  # a writer may have replaced them meanwhile

    def _make_again(self, damage: NeedsRebuild) -> None:
        """Make terms and lists anew by a commit without changes; raises `damage` if it fails."""
        try:
            with self.writer(fresh=False, wait=False) as writer:
                writer.commit()
        except (WriterBusy, IndexUnusable):
            raise damage from None
        logger.warning("%s, so it is made anew from the rest of the index", damage.message)

    def _to_change(self, database: Database, made: Mapping[str, Made]) -> Engine:
        """The engine that was made, to be changed; a new one if nothing was made."""
        return LocalEngine(database, made)

    def _to_write(self, *, fresh: bool) -> Database:
        """The database to write to; for a fresh index, another one if that is damaged."""
        database = None
        try:
            with explaining_failure(self._root):  # a full disk is no damage
                database = Database(self._root, writing=True)
                with suppress(NoIndex):
                    database.read()
                if fresh:
                    database.check()
                return database
        except IndexUnusable as exc:
            with closing(database) if database else nullcontext():
                if fresh and isinstance(exc, NeedsRebuild):
                    return _anew(self._root, database)
                raise


def _anew(root: Path, old: Database | None) -> Database:
    """A database that is to replace a damaged one, with its embeddings if that can be opened."""
    with explaining_failure(root):
        try:
            new = Database(root, ANEW, writing=True)
            new.check()  # a build that was killed may have left it
        except NeedsRebuild:
            for end in ("", *LOGS):
                (root / f"{ANEW}{end}").unlink(missing_ok=True)
            new = Database(root, ANEW, writing=True)
        new.info = old.info if old else None
        with new.naming():
            new.db.execute("BEGIN")
            with suppress(sqlite3.DatabaseError):
                for row in old.all_embeddings() if old else ():
                    with suppress(*MALFORMED):
                        read_vectors([row])
                        new.save([tuple(row)[1:]])
            new.db.execute("COMMIT")
    return new
