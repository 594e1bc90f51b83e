"""The local store: a database, and the terms and lists that are made from it, in one folder.

A damaged database is replaced, by a build from nothing, with one that has its sound embeddings
saved, as an interrupted build leaves them; so only the rest is embedded again.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
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
from ragqa.stores import Store, Writer
from ragqa.stores.disk import REPAIR, building, explaining_failure, locked, report_embedded
from ragqa.stores.local import derived
from ragqa.stores.local.database import DATABASE, INTO_EMBEDDINGS, LOGS, SEAL, Database, planted
from ragqa.stores.local.derived import Damaged
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.stores.rows import (
    MALFORMED,
    NUMBER,
    fingerprint,
    read_note,
    read_passage,
    read_vector,
    vector_row,
)
from ragqa.types import Building, IndexInfo, NoteState

logger = logging.getLogger("ragqa")

_EMBEDDINGS = "SELECT row, key, vector, checksum FROM embeddings"


class LocalStore(Store):
    """An index in a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def state(self) -> tuple[IndexInfo, dict[str, NoteState]]:
        """What the index is, and the state of every note's file, by path."""
        with closing(LocalSnapshot(self._root)) as snapshot:
            return snapshot.info, snapshot.states()

    def snapshot(self) -> LocalSnapshot:
        """Open the newest snapshot; terms or lists that are damaged are made anew."""
        tried: list[str] = []
        while True:
            snapshot = self._open()
            try:
                snapshot.open_derived()
            except Damaged as exc:
                what = str(exc)
                if what in tried:  # no writer has replaced them since the database was opened
                    logger.warning("%s, so it is made anew from the rest of the index", what)
                    mended: list[str] = []
                    if tried.count(what) == 1:
                        with suppress(WriterBusy, IndexUnusable):
                            mended = self.mend(wait=False)
                    if not mended:
                        snapshot.make_derived()
                        return snapshot
                tried.append(what)
                snapshot.close()
            except BaseException:
                snapshot.close()
                raise
            else:
                return snapshot

    def _open(self) -> LocalSnapshot:
        """Open the database, and unless it is sealed, read all of it."""
        snapshot = LocalSnapshot(self._root)
        try:
            if not snapshot.database.is_sealed() and self.building() is None:
                _check(snapshot.database)
                if not snapshot.database.has_log():  # the seal would vouch for less than was read
                    with (
                        suppress(WriterBusy, IndexUnusable, OSError),
                        locked(self._root, wait=False),
                    ):
                        snapshot.database.seal()
        except BaseException:
            snapshot.close()
            raise
        return snapshot

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[Writer]:
        """Begin the next snapshot on top of the newest, or with `fresh` from nothing."""
        from ragqa.stores.local.writer import LocalWriter

        with self._writing(wait=wait, fresh=fresh) as database:
            base, build = None, 0
            with suppress(NoIndex):
                base, build = database.read()
            generation = base.generation if base else 0
            if base is None or fresh:
                base, build = None, build + 1
            writer = LocalWriter(database, base, build=build, generation=generation)
            try:
                yield writer
            finally:
                writer.close()

    @contextmanager
    def _writing(self, *, wait: bool, fresh: bool = False) -> Iterator[Database]:
        """Hold the lock, and the database open for writing.

        :param fresh: whether a damaged one is replaced by one without notes.
        """
        root = self._root
        with locked(root, wait=wait):
            report_embedded(root, 0)
            database = self._sound_database(fresh=fresh)
            try:
                (root / SEAL).unlink(missing_ok=True)
                yield database
                derived.sweep(database)
            finally:
                database.finish()

    def _sound_database(self, *, fresh: bool) -> Database:
        database = None
        with explaining_failure(self._root):  # a disk that is full, or a limit, is no damage
            try:
                with explaining_failure(self._root):
                    database = Database.create(self._root)
                if fresh or not database.is_sealed():
                    _check(database)
                with suppress(NoIndex):
                    database.read()
            except IndexUnusable as exc:
                if fresh and not isinstance(exc, IndexNotReadable | IndexNotWritable):
                    return _start_over(self._root, database)
                if database:
                    database.close()
                raise
            return database

    def building(self) -> Building | None:
        """The progress of another process writing the index; None if none is known."""
        return building(self._root)

    def problems(self) -> list[str]:
        """Read everything and return each problem as a sentence; [] if sound."""
        try:
            with closing(LocalSnapshot(self._root)) as snapshot:
                faults = list(_faults_of(snapshot.database))
                return faults or [*derived.faults_of(snapshot.database, snapshot.info).values()]
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]

    def mend(self, *, wait: bool) -> list[str]:
        """Make terms and lists anew where they are damaged; says what was made, and why."""
        removed = [f"removed {path}, which was not ragqa's" for path in planted(self._root)]
        try:
            with self._writing(wait=wait) as database, explaining_failure(self._root):
                return removed + derived.mend(database)
        except (IndexNotReadable, IndexNotWritable):
            raise
        except IndexUnusable:  # the database itself is damaged
            return removed


def _check(database: Database) -> None:
    """Read all of a database that something else may have written to.

    :raises IndexUnusable: it is damaged.
    """
    for fault in _faults_of(database):
        raise IndexUnusable(fault, hint=REPAIR)


def _faults_of(database: Database) -> Iterator[str]:
    """Read all of a database, and say in a sentence each what is damaged in it."""
    file = f"the index file {database.path}"
    try:
        for (found,) in database.db.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                yield f"{file} is damaged: {str(found).splitlines()[0]}"
        yield from _bad_rows(database, "SELECT * FROM notes", read_note)
        yield from _bad_rows(database, "SELECT * FROM passages", read_passage)
        yield from _bad_rows(database, _EMBEDDINGS, read_vector)
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


def _start_over(root: Path, damaged: Database | None) -> Database:
    """Replace a database by one without notes that has its sound embeddings saved.

    :param damaged: the database, if it can be opened.
    """
    folder = root / derived.SALVAGE
    derived.discard(folder)
    private_folder(folder)
    new = Database.create(folder)
    if damaged:
        _keep_embeddings(damaged, new)
        damaged.close()
    new.finish()
    for name in LOGS:
        (root / name).unlink(missing_ok=True)
    (folder / DATABASE).replace(root / DATABASE)
    derived.discard(folder)
    return Database.create(root)


def _keep_embeddings(damaged: Database, new: Database) -> None:
    new.db.execute("BEGIN")
    new.set_meta("generation", str(damaged.generation))
    with suppress(sqlite3.Error, IndexUnusable, NoIndex):
        info, build = damaged.read()
        new.set_meta("saved by 1", fingerprint(info.embedder, info.dtype))
        for row in damaged.db.execute(f"{_EMBEDDINGS} WHERE build = ?", (build,)):
            with suppress(*MALFORMED):
                values = vector_row(1, row["key"], read_vector(row))
                new.db.execute(f"INSERT OR IGNORE {INTO_EMBEDDINGS}", values)
    new.db.execute("INSERT INTO saved SELECT row FROM embeddings")
    new.db.execute("COMMIT")
