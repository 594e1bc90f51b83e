"""One state of the local index, opened for reading."""

import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain

import numpy as np

from ragqa.errors import NeedsRebuild
from ragqa.index import EVERYTHING, Snapshot
from ragqa.index.database import Database
from ragqa.index.disk import REBUILD
from ragqa.index.filters import matcher, passing
from ragqa.index.local import derived
from ragqa.index.local.vectors import Lists
from ragqa.index.ranking import ScoredId, top_k
from ragqa.index.rows import model_of, read_note
from ragqa.types import (
    DAY_NS,
    Days,
    Filters,
    NoteRecord,
    NoteState,
    Numbers,
    Passage,
    Stamp,
    Vector,
    Vectors,
)

_NUMBERS = "SELECT id FROM notes WHERE path IN"


class LocalSnapshot(Snapshot):
    """A state of a database, with the terms and lists that were made from it.

    :raises NoIndex: nothing has been committed yet.
    :raises IndexUnusable: here and in every method: it is damaged or in another format.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.info, self.manifest = database.read()
        if self.info.passages <= derived.EXACT_UP_TO:  # in a larger one that takes too long
            database.check()
        self._lists: Lists | None = None
        self._filtered: tuple[Filters, list[int]] | None = None

    def open_derived(self) -> None:
        """Open the terms and the lists.

        :raises NeedsRebuild: they are missing or damaged.
        """
        self._terms = derived.open_terms(self.database, self.manifest.terms)
        self._lists = derived.open_lists(self.database, self.manifest.lists)

    def notes(
        self, filters: Filters = EVERYTHING, *, at: Sequence[str] | None = None
    ) -> dict[str, NoteRecord]:
        """The records of the notes that pass the filters, or of those at these paths, by path."""
        if at is None:
            found = passing(self._notes.values(), filters)
        else:
            query, names = "SELECT * FROM notes WHERE path IN", map(os.fsencode, at)
            with self.database.naming():
                found = [read_note(row) for row in self.database.fetch(query, list(names))]
        return {note.path: note for note in found}

    @cached_property
    def _notes(self) -> dict[int, NoteRecord]:
        """All notes, by number."""
        with self.database.naming():
            rows = self.database.db.execute("SELECT * FROM notes ORDER BY id")
            return {row["id"]: read_note(row) for row in rows}

    @cached_property
    def states(self) -> dict[str, NoteState]:
        """The state of every note's file, by path; a damaged one has the note read again."""
        query = "SELECT path, size, mtime_ns, sha256, settled, date FROM notes"
        with self.database.naming():
            return {
                os.fsdecode(path): NoteState(Stamp(size, mtime_ns), sha256, bool(settled), date)
                for path, size, mtime_ns, sha256, settled, date in self.database.db.execute(query)
            }

    @cached_property
    def days(self) -> Days:
        """The days of all notes, and of the last changes of their files."""
        changed_on = f"mtime_ns / {DAY_NS} - (mtime_ns % {DAY_NS} < 0)"  # `/` rounds towards zero
        counts = "SELECT {}, count(*) FROM notes GROUP BY 1"
        with self.database.naming():
            written, changed = (
                dict(map(tuple, self.database.db.execute(counts.format(day))))
                for day in ("date", changed_on)
            )
        return Days(written, changed)

    def passages(self, ids: Sequence[int] = (), *, at: Sequence[str] = ()) -> list[Passage]:
        """The passages with these ids in the order given, or of the notes at these paths."""
        if at:
            names = [os.fsencode(path) for path in at]
            with self.database.naming():
                notes = [row["id"] for row in self.database.fetch(_NUMBERS, names)]
            found = (passage for _, passage in self.database.passages("note", notes))
            return sorted(found, key=lambda passage: (passage.path, passage.start))
        by_id = {passage.id: passage for _, passage in self.database.passages("id", ids)}
        for missing in set(ids) - by_id.keys():
            raise NeedsRebuild(
                f"the index file {self.database.path} has no passage {missing}", hint=REBUILD
            )
        return [by_id[passage_id] for passage_id in ids]

    def vectors(self, keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), by embedding key, of those that the index has."""
        return self.database.embeddings(model_of(self.info), keys)

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[ScoredId]:
        """The k nearest passages by cosine, best first; `vector` has shape (dimension,)."""
        notes = self._matching_notes(filters)
        owners = None if notes is None else self._owners[:, np.isin(self._owners[1], notes)]
        allowed = None if owners is None else owners[0]
        total = self.info.passages if allowed is None else len(allowed)

        def nearest(limit: int) -> list[ScoredId]:
            reach = limit
            while True:
                scored, is_all = self._nearest_rows(vector, reach, allowed)
                if owners is None:
                    query = "SELECT embedding, id FROM passages WHERE embedding IN"
                    with self.database.naming():
                        pairs = [tuple(row) for row in self.database.fetch(query, list(scored))]
                else:
                    mask = np.isin(owners[0], list(scored))
                    pairs = list(zip(*owners[[0, 2]][:, mask].tolist(), strict=True))
                hits = [(id_, scored[row]) for row, id_ in pairs]
                if len(hits) >= limit or is_all:
                    return sorted(hits, key=lambda hit: -hit[1])[:limit]
                reach *= 4

        return top_k(nearest, k, total)

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[ScoredId]:
        """The k best passages by BM25 over any of the terms."""
        return self._terms.search(terms, k, self._matching_notes(filters))

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        return self._terms.idf(terms)

    def terms_with_prefix(self, prefix: str) -> list[str]:
        """Terms with this prefix, most frequent first."""
        return self._terms.terms_with_prefix(prefix)

    def check(self) -> None:
        """Compare every row with its checksum."""
        self.database.check_rows()

    @cached_property
    def _flat(self) -> tuple[Numbers, Vectors]:
        """The rows and embeddings that are in no list: all, or those that are newer."""
        rows, matrix = self.database.matrix(self._lists.upto if self._lists else 0)
        return np.array(rows, np.int64), matrix

    def _nearest_rows(
        self, vector: Vector, limit: int, allowed: Numbers | None
    ) -> tuple[dict[int, float], bool]:
        """The nearest embeddings by row, with their cosines, and whether there are no others."""
        rows, matrix = self._flat
        if allowed is not None:
            mask = np.isin(rows, allowed)
            rows, matrix = rows[mask], matrix[mask]
        is_all = len(rows) <= limit
        with self.database.naming():
            cosines = matrix @ vector if len(rows) else np.empty(0, np.float32)
        if not is_all:
            best = np.argpartition(-cosines, limit - 1)[:limit]
            rows, cosines = rows[best], cosines[best]
        scored = dict(zip(rows.tolist(), cosines.tolist(), strict=True))
        if self._lists is not None:
            listed = self._lists.search(vector, limit, allowed)
            is_all = is_all and len(listed) < limit
            present, exact = self.database.vectors(listed)
            with self.database.naming():
                scored |= zip(present, (exact @ vector).tolist() if present else [], strict=True)
        return scored, is_all

    @cached_property
    def _owners(self) -> Numbers:
        """Of each passage the row of its embedding, its note's number and its id, by row.

        int64, shape (3, passages).
        """
        query = "SELECT embedding, note, id FROM passages ORDER BY embedding"
        with self.database.naming():
            rows = chain.from_iterable(self.database.db.execute(query))
            return np.fromiter(rows, np.int64).reshape(-1, 3).T

    def _matching_notes(self, filters: Filters) -> list[int] | None:
        """The numbers of the notes that pass, or None for all; kept for both retrieval legs."""
        if not filters:
            return None
        if self._filtered is None or self._filtered[0] != filters:
            passes = matcher(filters)
            notes = [number for number, note in self._notes.items() if passes(note)]
            self._filtered = (filters, notes)
        return self._filtered[1]
