"""The local store: a database, and the terms and lists that are made from it, in one folder.

Terms and lists that are damaged are made anew. A damaged database is read as far as it goes for its
embeddings, and replaced once it is built anew.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path

from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex, WriterBusy
from ragqa.stores import IndexWriter, Store
from ragqa.stores.disk import building, explaining_failure, locked, report_embedded
from ragqa.stores.local import derived
from ragqa.stores.local.database import ANEW, LOGS, Database, Manifest
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.stores.rows import MALFORMED, read_vectors
from ragqa.types import Building, IndexInfo

logger = logging.getLogger("ragqa")

_KEEP = """
    INSERT OR IGNORE INTO embeddings (model, key, vector, checksum) VALUES (?, ?, ?, ?)
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
        attempt = 0
        while True:
            snapshot = LocalSnapshot(opened.enter_context(closing(Database(self._root))))
            try:
                snapshot.open_derived()
            except NeedsRebuild as exc:
                opened.close()
                attempt += 1
                if attempt == 2:  # at first a writer may have replaced them meanwhile
                    self._make_derived(exc)
                elif attempt > 2:
                    raise
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
        from ragqa.stores.local.writer import LocalWriter

        with locked(self._root, wait=wait):
            report_embedded(self._root, 0)
            database, base = self._to_write(fresh=fresh)
            try:
                with closing(LocalWriter(database, base, fresh=fresh)) as writer:
                    yield writer
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
                with suppress(NoIndex, *((NeedsRebuild,) if fresh else ())):
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
                for row in old.db.execute("SELECT * FROM embeddings") if old else ():
                    with suppress(*MALFORMED):
                        read_vectors([row])
                        new.db.execute(_KEEP, tuple(row)[1:])
            new.db.execute("COMMIT")
    return new
