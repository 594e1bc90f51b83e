"""The local store: a database, and the terms and lists that are made from it, in one folder.

A damaged database is replaced, by a build from nothing, with one that has its sound embeddings; so
only the rest is embedded again.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from ragqa.errors import (
    IndexNotReadable,
    IndexNotWritable,
    IndexUnusable,
    NoIndex,
    OtherFormat,
    WriterBusy,
)
from ragqa.safe import private_folder
from ragqa.stores import IndexWriter, Problem, Store
from ragqa.stores.disk import REBUILD, building, explaining_failure, locked, report_embedded
from ragqa.stores.filters import labels_of
from ragqa.stores.local import derived
from ragqa.stores.local.database import DATABASE, LOGS, Database, Manifest, planted
from ragqa.stores.local.derived import Damaged
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.stores.rows import (
    MALFORMED,
    NUMBER,
    damaged,
    read_note,
    read_passage,
    read_vectors,
)
from ragqa.types import Building, IndexInfo

logger = logging.getLogger("ragqa")

_EMBEDDINGS = "SELECT * FROM embeddings"


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
        tried: list[str] = []
        while True:
            snapshot = LocalSnapshot(opened.enter_context(closing(Database(self._root))))
            self._check_unless_sealed(snapshot.database, snapshot.manifest)
            try:
                snapshot.open_derived()
            except Damaged as exc:
                what = str(exc)
                if what in tried:  # no writer has replaced them since the database was opened
                    logger.warning("%s, so it is made anew from the rest of the index", what)
                    if tried.count(what) > 1 or not self._mended():
                        snapshot.make_derived()
                        return snapshot
                tried.append(what)
                opened.close()
            else:
                return snapshot

    def _check_unless_sealed(self, database: Database, manifest: Manifest) -> None:
        """Read all of a database that something else may have written to, and seal it."""
        if not database.is_sealed(manifest) and self.building() is None:
            _check(database)
            with suppress(WriterBusy, IndexUnusable), locked(self._root, wait=False):
                database.seal(manifest)

    def _mended(self) -> bool:
        """Whether terms and lists could be made anew, by a commit without changes."""
        with suppress(WriterBusy, IndexUnusable), self.writer(fresh=False, wait=False) as writer:
            writer.commit()
            return True
        return False

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[IndexWriter]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing."""
        from ragqa.stores.local.writer import LocalWriter

        with locked(self._root, wait=wait):
            report_embedded(self._root, 0)
            database, base = self._sound_database(fresh=fresh)
            try:
                with closing(LocalWriter(database, base, fresh=fresh)) as writer:
                    yield writer
                derived.sweep(database)
            finally:
                database.finish()

    def _sound_database(self, *, fresh: bool) -> tuple[Database, tuple[IndexInfo, Manifest] | None]:
        """The database, open for writing, and what it holds."""
        database, base = None, None
        with explaining_failure(self._root):  # a disk that is full, or a limit, is no damage
            try:
                with explaining_failure(self._root):
                    database = Database.create(self._root)
                with suppress(NoIndex):
                    base = database.read()
                if fresh or base is None or not database.is_sealed(base[1]):
                    _check(database)
            except IndexUnusable as exc:
                if fresh and not isinstance(exc, IndexNotReadable | IndexNotWritable):
                    return _start_over(self._root, database), base
                if database:
                    database.close()
                raise
            return database, base

    def building(self) -> Building | None:
        """The progress of another process writing the index; None if none is known."""
        return building(self._root)

    def problems(self) -> list[Problem]:
        """Read everything, and say what is damaged."""
        try:
            with closing(Database(self._root)) as database:
                info, manifest = database.read()
                if faults := list(_faults_of(database)):
                    return [Problem(fault, info=info) for fault in faults]
                parts = derived.faults_of(database, info, manifest)
                return [Problem(why, f"rebuilt {part}, since {why}") for part, why in parts.items()]
        except (NoIndex, IndexUnusable) as exc:
            with suppress(OSError):
                for path in planted(self._root):
                    return [Problem(exc.message, f"removed {path}, which was not ragqa's")]
            return [Problem(exc.message)]


def _check(database: Database) -> None:
    """Read all of a database that something else may have written to.

    :raises IndexUnusable: it is damaged.
    """
    for fault in _faults_of(database):
        raise IndexUnusable(fault, hint=REBUILD)


def _faults_of(database: Database) -> Iterator[str]:
    """Read all of a database, and say in a sentence each what is damaged in it."""
    file = f"the index file {database.path}"
    try:
        for (report,) in database.db.execute("PRAGMA integrity_check(1)"):
            if report != "ok":
                yield f"{file} is damaged: {str(report).splitlines()[0]}"
        yield from _bad_rows(database, "SELECT * FROM notes", partial(_read_labelled, database))
        yield from _bad_rows(database, "SELECT * FROM passages", read_passage)
        yield from _bad_rows(database, _EMBEDDINGS, lambda row: read_vectors([row]))
        info, _ = database.read()
        counts = [database.number(f"count(*) FROM {table}") for table in ("notes", "passages")]
        if counts != [info.notes, info.passages]:
            what = f"has {counts[0]} notes and {counts[1]} passages"
            yield f"{file} {what} instead of {info.notes} and {info.passages}"
        size = NUMBER.itemsize * info.embedder.dimension
        bare = f"embedding NOT IN (SELECT row FROM embeddings WHERE length(vector) = {size:d})"  # noqa: S608 - a number
        if without := database.number(f"count(*) FROM passages WHERE {bare}"):
            yield f"{file} lacks the embeddings of {without} passages"
    except sqlite3.Error as exc:
        yield f"{file} is damaged: {exc}"
    except NoIndex:
        return
    except (IndexNotReadable, OtherFormat):
        raise
    except IndexUnusable as exc:
        yield exc.message


def _bad_rows(
    database: Database, query: str, read: Callable[[sqlite3.Row], object]
) -> Iterator[str]:
    for row in database.db.execute(query):
        try:
            read(row)
        except MALFORMED as exc:
            yield f"in the index file {database.path}, {exc}"


def _read_labelled(database: Database, row: sqlite3.Row) -> None:
    """Read a note, and compare its labels with it."""
    query = "SELECT name, value FROM labels WHERE note = ?"
    labels = {tuple(label) for label in database.db.execute(query, (row["id"],))}
    if labels != labels_of(read_note(row)):
        raise damaged("what filters read of a note")


def _start_over(root: Path, old: Database | None) -> Database:
    """Replace a damaged database by one that has only its sound embeddings.

    :param old: the database, if it can be opened.
    """
    folder = root / derived.SALVAGE
    derived.discard(folder)
    private_folder(folder)
    new = Database.create(folder)
    new.db.execute("BEGIN")
    with suppress(sqlite3.Error):
        for row in old.db.execute(_EMBEDDINGS) if old else ():
            with suppress(*MALFORMED):
                read_vectors([row])
                new.db.execute("INSERT OR IGNORE INTO embeddings VALUES (?,?,?,?,?)", tuple(row))
    new.db.execute("COMMIT")
    new.finish()
    if old:
        old.close()
    for name in LOGS:
        (root / name).unlink(missing_ok=True)
    (folder / DATABASE).replace(root / DATABASE)
    derived.discard(folder)
    return Database.create(root)
