"""An index in a folder: its database, and an engine made from it.

A reader opens a snapshot and never sees another; one writer at a time makes the next.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path

from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex, WriterBusy
from ragqa.index.database import ANEW, LOGS, Database, Derived
from ragqa.index.disk import building, explaining_failure, locked
from ragqa.index.engine import Engine
from ragqa.index.filters import matcher, passing
from ragqa.index.local.local_engine import LocalEngine
from ragqa.index.ranking import ScoredId, inverse_frequency
from ragqa.index.rows import MALFORMED, read_vectors
from ragqa.index.writer import IndexWriter
from ragqa.types import Building, Days, Filters, IndexInfo, NoteRecord, NoteState, Passage, Vector

logger = logging.getLogger("ragqa")

EVERYTHING = Filters()
CHECKED_UP_TO = 25_000  # passages: the structure of the database is checked when it is opened


class Snapshot:
    """One committed state of an index: its notes, and the engine that finds their passages.

    :param database: that of its notes, or what opens it.
    :ivar info: what the index holds and how it was built.
    :ivar is_own: whether it was built from this folder, and can be changed there.
    :raises IndexUnusable: in every method: it cannot be read or trusted.
    """

    def __init__(
        self,
        info: IndexInfo,
        database: Database | Callable[[], Database],
        engine: Engine,
        *,
        is_own: bool = True,
    ) -> None:
        self.info, self.engine, self.is_own = info, engine, is_own
        self._opened = database
        self._filtered: tuple[Filters, list[int]] | None = None

    def notes(
        self, filters: Filters = EVERYTHING, *, at: Sequence[str] | None = None
    ) -> dict[str, NoteRecord]:
        """The records of the notes that pass the filters, or of those at these paths, by path."""
        records = self._notes if at is None else self._database.notes(at)
        return {note.path: note for note in passing(records.values(), filters)}

    @cached_property
    def states(self) -> dict[str, NoteState]:
        """The state of every note's file when it was read, by path."""
        return self._database.states()

    @cached_property
    def days(self) -> Days:
        """The days of all notes, and of the last changes of their files."""
        return Days.of(self.states.values())

    def nearest(self, vector: Vector, k: int, filters: Filters) -> list[ScoredId]:
        """The k nearest passages by cosine, of the notes that pass the filters; see `Engine`."""
        return self.engine.nearest(vector, k, self._allowed(filters))

    def best(self, terms: Sequence[str], k: int, filters: Filters) -> list[ScoredId]:
        """The k best passages by BM25, of the notes that pass the filters; see `Engine`."""
        return self.engine.best(terms, k, self._allowed(filters))

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        counts = self.engine.counts(terms)
        return {term: inverse_frequency(self.info.passages, counts[term]) for term in terms}

    def passages(self, ids: Sequence[int] = (), *, at: Sequence[str] = ()) -> list[Passage]:
        """The passages with these ids in the order given, or all of the notes at these paths.

        Those of notes are in the order of their paths and places; unknown paths are ignored.
        """
        if at:
            found = self.engine.passages_of(list(self._database.notes(at)))
            return sorted(found, key=lambda passage: (passage.path, passage.start))
        return self.engine.passages(ids)

    def bare(self, ids: Sequence[int]) -> list[Passage]:
        """Those of these passages that have no embedding yet."""
        return self._database.bare(ids, len(ids)) if self.info.not_embedded else []

    def check(self) -> None:
        """Compare every row of the database with its checksum; or `NeedsRebuild`."""
        self._database.check_rows()

    @cached_property
    def _database(self) -> Database:
        return self._opened if isinstance(self._opened, Database) else self._opened()

    @cached_property
    def _notes(self) -> dict[int, NoteRecord]:
        """All notes, by number."""
        return self._database.notes()

    def _allowed(self, filters: Filters) -> list[int] | None:
        """The numbers of the notes that pass, or None for all; kept for both retrieval legs."""
        if not filters:
            return None
        if self._filtered is None or self._filtered[0] != filters:
            passes = matcher(filters)
            notes = [number for number, note in self._notes.items() if passes(note)]
            self._filtered = (filters, notes)
        return self._filtered[1]


class Store:
    """An index in a folder, which need not exist yet; there its passages are found, too.

    :raises IndexUnusable: in every method: it cannot be read, written or trusted.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open the newest snapshot until the context is left; raises `NoIndex` if there is none."""
        with ExitStack() as opened:
            yield self._newest(opened)

    @contextmanager
    def writer(self, *, fresh: bool, wait: bool) -> Iterator[IndexWriter]:
        """Begin the next snapshot on top of the newest, or from nothing; raises as `locked`."""
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

    def _to_change(self, database: Database, made: Mapping[str, Derived]) -> Engine:
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
