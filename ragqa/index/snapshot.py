"""One committed state of an index, opened for reading."""

from collections.abc import Callable, Sequence
from functools import cached_property

from ragqa.index.database import Database
from ragqa.index.engine import Engine
from ragqa.index.filters import matcher, passing
from ragqa.index.ranking import ScoredId, inverse_frequency
from ragqa.types import Days, Filters, IndexInfo, NoteRecord, NoteState, Passage, Vector

EVERYTHING = Filters()


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
