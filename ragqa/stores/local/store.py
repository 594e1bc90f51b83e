"""The local store: a database, and the terms and lists that are made from it, in one folder."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from ragqa.errors import (
    IndexNotReadable,
    IndexNotWritable,
    IndexUnusable,
    NoIndex,
    OtherFormat,
    WriterBusy,
)
from ragqa.stores import Check, Repair, Store, Writer
from ragqa.stores.disk import REPAIR, building, explaining_failure, locked, report_embedded
from ragqa.stores.local import derived
from ragqa.stores.local.database import DATABASE, OLD_POINTER, SEAL, Database, is_old
from ragqa.stores.local.derived import Damaged
from ragqa.stores.local.snapshot import LocalSnapshot
from ragqa.types import Building, IndexInfo, NoteState, Progress

logger = logging.getLogger("ragqa")


class LocalStore(Store):
    """An index in a folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def state(self) -> tuple[IndexInfo, dict[str, NoteState]]:
        """What the index is, and the state of every note's file, by path."""
        with closing(self._open()) as snapshot:
            return snapshot.info, snapshot.states()

    def snapshot(self) -> LocalSnapshot:
        """Open the newest snapshot; terms or lists that are damaged are made anew."""
        tried: list[str] = []
        while True:
            snapshot = self._open()
            try:
                snapshot.open_derived()
            except Damaged as exc:
                # A writer may have replaced them since the database was opened.
                what = str(exc)
                if what in tried:
                    logger.warning("%s, so it is made anew from the rest of the index", what)
                    if tried.count(what) > 1 or not self._make_derived():
                        snapshot.make_derived()
                        return snapshot
                tried.append(what)
                snapshot.close()
            except BaseException:
                snapshot.close()
                raise
            else:
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

    def building(self) -> Building | None:
        """The progress of another process writing the index; None if none is known."""
        return building(self._root)

    def tidy(self) -> None:
        """Remove what an interrupted writer left, if possible and if no writer is active."""
        root = self._root
        is_there = {name: os.path.lexists(root / name) for name in (DATABASE, SEAL, derived.DRAFT)}
        if is_there[derived.DRAFT] or (is_there[DATABASE] and not is_there[SEAL]):
            with suppress(WriterBusy, IndexUnusable), self._writing(wait=False):
                pass

    def problems(self, *, deep: bool = True, progress: Progress | None = None) -> list[str]:  # noqa: ARG002 - digests vouch for all
        """Read everything and return each problem as a sentence; [] if sound."""
        from ragqa.stores.local.mending import faults_of, file_faults

        try:
            _take_over(self._root, wait=False)
            with closing(LocalSnapshot(self._root)) as snapshot:
                faults = list(faults_of(snapshot.database))
                if not faults:
                    faults = list(file_faults(snapshot.database, snapshot.info).values())
        except (NoIndex, IndexUnusable) as exc:
            return [exc.message]
        if progress is not None:
            progress("verifying", 1, 1)
        return faults

    def repair(self, check: Check, *, wait: bool, progress: Progress) -> Repair:
        """Make anew what is damaged."""
        from ragqa.stores.local.mending import repair

        if not os.path.lexists(self._root / DATABASE):
            self._open()  # which says that there is none
        return repair(self._root, check, wait=wait, progress=progress)

    def _open(self) -> LocalSnapshot:
        """Open the database, and unless it is sealed, read all of it."""
        _take_over(self._root, wait=False)
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
    def _writing(self, *, wait: bool, fresh: bool = False) -> Iterator[Database]:
        """Hold the lock, and the database open for writing.

        :param fresh: whether a damaged one is replaced by an empty one.
        """
        root = self._root
        with suppress(*[OtherFormat] if fresh else ()):
            _take_over(root, wait=wait)
        with locked(root, wait=wait):
            report_embedded(root, 0)
            database = self._sound_database(fresh=fresh)
            try:
                (root / SEAL).unlink(missing_ok=True)
                yield database
                derived.sweep(database)
                if os.path.lexists(root / OLD_POINTER):
                    from ragqa.stores.local.bridge import remove_old

                    remove_old(root)
            finally:
                database.finish()

    def _sound_database(self, *, fresh: bool) -> Database:
        from ragqa.stores.local.mending import start_over

        root = self._root
        try:
            # A disk that is full, or a limit, is no damage: what there is stays.
            with explaining_failure(root), ExitStack() as opened:
                is_new = not (root / DATABASE).exists()
                database = opened.enter_context(closing(Database.create(root)))
                if not is_new and not database.is_sealed():
                    _check(database)
                with suppress(NoIndex):
                    database.read()
                opened.pop_all()
                return database
        except (IndexNotReadable, IndexNotWritable):
            raise
        except IndexUnusable:
            if not fresh:
                raise
        start_over(root)
        return Database.create(root)

    def _make_derived(self) -> bool:
        """Make terms and lists anew if they are damaged; whether that was possible."""
        try:
            with self._writing(wait=False) as database:
                derived.mend(database)
        except (WriterBusy, IndexUnusable):
            return False
        return True


def _check(database: Database) -> None:
    """Read all of a database that something else may have written to.

    :raises IndexUnusable: it is damaged.
    """
    from ragqa.stores.local.mending import faults_of

    for fault in faults_of(database):
        raise IndexUnusable(fault, hint=REPAIR)


def _take_over(root: Path, *, wait: bool) -> None:
    """Make an index of the format before one of this; raises as `bridge.take_over` does."""
    if is_old(root):
        from ragqa.stores.local.bridge import take_over

        take_over(root, wait=wait)
