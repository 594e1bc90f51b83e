"""One generation of an index in Milvus, read-only."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ragqa.errors import EmbedderMismatch, IndexUnusable
from ragqa.stores.bm25 import bm25, inverse_frequency
from ragqa.stores.failures import REBUILD
from ragqa.stores.filters import first_day, note_matcher, path_matcher
from ragqa.stores.milvus_client import MAX_HITS, Client, Row
from ragqa.stores.milvus_records import KEPT_S, Generation, Names
from ragqa.stores.milvus_rows import (
    any_of,
    dated_since,
    encode_term,
    has_tags,
    in_places,
    is_plain,
    note_key,
    place_of,
    read_note,
    read_passage,
)
from ragqa.stores.milvus_schema import DENSE, TERMS, search_params
from ragqa.stores.ranking import Candidate, top_k
from ragqa.types import Filters, IndexInfo, NoteRecord, NoteState, Passage, Vector

IDS_AT_ONCE = 1_000
NOTES_AT_ONCE = 200

_COUNTS_AT_ONCE = 8

_MARGIN = 1.5
_SPARE = 50
"""How many more hits than needed are fetched by Milvus's scores. Its statistics include dead rows,
and in a file cover only parts of it, so its order is only nearly ours."""

_NOTHING = "pk < 0"


class MilvusSnapshot:
    """An immutable generation; readable until an hour after it is replaced."""

    def __init__(self, client: Client, names: Names, generation: Generation) -> None:
        self._client = client
        self.generation = generation
        self._names = names
        self._passages = names.passages(generation.base)
        self._notes = names.notes(generation.base)
        self._counts: dict[str, int] = {}
        self._filtered: tuple[Filters, str] | None = None
        self._until = time.monotonic() + KEPT_S / 2
        for collection in (self._passages, self._notes):
            client.load_if_needed(collection)

    @property
    def info(self) -> IndexInfo:
        """What the index holds and how it was built."""
        return self.generation.info

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        rows = self._client.each(self._notes, self.generation.visible, ("data",))
        found = {note.path: note for note in (read_note(row["data"]) for row in rows)}
        self._check_age()
        return found

    def states(self) -> dict[str, NoteState]:
        """The state of every note's file when it was read, by path."""
        return {path: note.state for path, note in self.notes().items()}

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k nearest passages by cosine; `vector` has shape (dimension,)."""
        if vector.shape != (self.info.embedder.dimension,) or not np.isfinite(vector).all():
            raise EmbedderMismatch(
                f"the question's embedding has shape {vector.shape}, "
                f"but the index has {self.info.embedder.dimension} dimensions",
                hint=REBUILD,
            )
        where = self._visible(filters)
        query = np.asarray(vector, np.float32).tolist()

        def nearest(limit: int) -> list[Candidate]:
            found = self._client.search(
                self._passages,
                query,
                DENSE,
                where=where,
                limit=limit,
                fields=("passage",),
                params=search_params(self.info.dense, limit),
            )
            return [(int(row["passage"]), score) for score, row in found]

        return self._checked(top_k(nearest, k, min(self.info.passages, MAX_HITS)))

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25 over any of the terms.

        Milvus finds candidates; they are rescored here with this generation's own statistics.
        """
        query_terms = Counter(encode_term(term) for term in terms if term)
        if not query_terms:
            return []
        where = self._visible(filters)
        idf = self.idf(terms)
        weights = {
            encode_term(term): query_terms[encode_term(term)] * idf[term] for term in idf if term
        }
        mean_length = self.generation.mean_length

        def nearest(limit: int) -> list[Candidate]:
            most, fields = int(_MARGIN * limit) + _SPARE, ("passage", "terms")
            found = self._found(query_terms.elements(), where, most, fields)
            counted = ((int(row["passage"]), Counter(row["terms"].split())) for row in found)
            scored = ((id_, bm25(counts, weights, mean_length)) for id_, counts in counted)
            matching = [candidate for candidate in scored if candidate[1] > 0]
            return sorted(matching, key=lambda candidate: -candidate[1])[:limit]

        return self._checked(top_k(nearest, k, min(self.info.passages, MAX_HITS)))

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given."""
        found = {int(row["passage"]): row["data"] for row in self._rows_of(ids, "data")}
        for id_ in ids:
            if id_ not in found:
                raise IndexUnusable(f"the index {self._place} has no passage {id_}", hint=REBUILD)
        return [read_passage(found[id_]) for id_ in ids]

    def of_note(self, path: str) -> list[Passage]:
        """All passages of a note in reading order."""
        rows = self.rows_where("note", [note_key(path)], ("note", "data"))
        found = (read_passage(row["data"]) for row in rows)
        return sorted(found, key=lambda passage: passage.start)

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), of passages, by passage id."""
        rows = self._rows_of(ids, DENSE)
        return {int(row["passage"]): self.vector_of(row) for row in rows}

    def vectors_by_key(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), with these keys; unknown keys are left out."""
        rows = self.rows_where("embedding_key", embedding_keys, ("embedding_key", DENSE))
        return {int(row["embedding_key"]): self.vector_of(row) for row in rows}

    def vector_of(self, row: Row) -> Vector:
        """The embedding in a row, shape (dimension,).

        :raises IndexUnusable: it is malformed or has another dimension.
        """
        try:
            vector = np.array(row[DENSE], np.float32)
        except (TypeError, ValueError):
            vector = np.empty(0, np.float32)
        if vector.shape != (self.info.embedder.dimension,):
            raise IndexUnusable(
                f"a row of {self._passages} at {self._client.uri} has a malformed embedding",
                hint=REBUILD,
            )
        return vector

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        query_terms = {term: encode_term(term) for term in terms if term}
        new = set(query_terms.values()) - self._counts.keys()
        if new:
            self._counts |= self._count(sorted(new))
            self._check_age()
        total = self.info.passages
        return {
            term: inverse_frequency(total, self._counts[query_terms[term]] if term else 0)
            for term in terms
        }

    def terms_with_prefix(self, prefix: str) -> list[str]:  # noqa: ARG002 - the protocol's
        """[]: Milvus cannot list its terms."""
        return []

    def by_note(self) -> Iterator[tuple[str, list[Passage]]]:
        """Every note's path with its passages."""
        paths = {note_key(path): path for path in self.notes()}
        keys = sorted(paths)
        for start in range(0, len(keys), NOTES_AT_ONCE):
            some = keys[start : start + NOTES_AT_ONCE]
            passages: dict[int, list[Passage]] = {key: [] for key in some}
            for row in self.rows_where("note", some, ("note", "data")):
                passages[int(row["note"])].append(read_passage(row["data"]))
            for key, found in passages.items():
                yield paths[key], sorted(found, key=lambda passage: passage.start)

    def rows_where(
        self, field: str, numbers: Iterable[int], fields: Sequence[str], collection: str = ""
    ) -> Iterator[Row]:
        """The rows of this generation in which a field is one of these numbers.

        :param collection: "" for that of passages.
        """
        wanted = sorted(set(numbers))
        for start in range(0, len(wanted), IDS_AT_ONCE):
            where = any_of(field, wanted[start : start + IDS_AT_ONCE])
            yield from self._client.each(
                collection or self._passages, f"{where} and {self.generation.visible}", fields
            )
        self._check_age()

    def close(self) -> None:
        """Do nothing: the connection belongs to the store."""

    @property
    def _place(self) -> str:
        return f"{self._names.name} at {self._client.uri}"

    def _count(self, words: Sequence[str]) -> dict[str, int]:
        """How many passages have each of these encoded terms."""
        if self._client.is_lite:
            # It matches a word by splitting every row, but has an inverted index for BM25.
            found = self._found(words, self.generation.visible, MAX_HITS, ("terms",))
            if len(found) < MAX_HITS:
                rows = Counter(word for row in found for word in set(row["terms"].split()))
                return {word: rows[word] for word in words}
        with ThreadPoolExecutor(_COUNTS_AT_ONCE) as pool:
            return dict(zip(words, pool.map(self._count_one, words), strict=True))

    def _count_one(self, word: str) -> int:
        where = f"text_match(terms, '{word}') and {self.generation.visible}"
        return self._client.count(self._passages, where)

    def _found(
        self, words: Iterable[str], where: str, limit: int, fields: Sequence[str]
    ) -> list[Row]:
        """The best passages for any of these encoded terms, by Milvus's own BM25."""
        query = " ".join(words)

        def found() -> list[Row]:
            hits = self._client.search(
                self._passages, query, TERMS, where=where, limit=limit, fields=fields, params={}
            )
            return [row for _, row in hits]

        # While another process writes, a Milvus Lite server finds nothing once in hundreds of
        # queries; a second try succeeds.
        return found() or (found() if self._client.is_lite else [])

    def undated(self, filters: Filters) -> int:
        """How many undated notes pass all filters except `since`."""
        matches = note_matcher(replace(filters, since=""))
        return sum(not note.date and matches(note) for note in self.notes().values())

    def _rows_of(self, ids: Sequence[int], field: str) -> Iterator[Row]:
        return self.rows_where("passage", ids, ("passage", field))

    def _visible(self, filters: Filters) -> str:
        """The condition that a passage belongs to this generation and passes the filters."""
        if self._filtered is None or self._filtered[0] != filters:
            self._filtered = (filters, " and ".join(self._conditions(filters)))
        return self._filtered[1]

    def _conditions(self, filters: Filters) -> Iterator[str]:
        yield self.generation.visible
        if filters.tags:
            yield has_tags(filters.tags)
        if filters.paths and all(map(is_plain, filters.paths)):
            yield in_places([place_of(path) for path in filters.paths])
        elif filters.paths:
            matches = path_matcher(filters.paths)
            yield _of_notes(note for note in self.notes().values() if matches(note.path))
        if filters.since:
            yield dated_since(first_day(filters.since))

    def _checked(self, found: list[Candidate]) -> list[Candidate]:
        self._check_age()
        return found

    def _check_age(self) -> None:
        """Check that no sweep could have removed rows of this generation that were just read.

        A sweep removes a generation's record before its rows, and only once its successor is an
        hour old. So there is nothing to check while this snapshot has been open for half of that.

        :raises IndexUnusable: the generation was replaced more than an hour ago.
        """
        if time.monotonic() < self._until:
            return
        if not self._client.count(self._names.records, f"pk == {self.generation.attempt}"):
            raise IndexUnusable(
                f"generation {self.info.generation} of the index {self._place} was replaced more "
                "than an hour ago and is gone",
                hint="run the command again",
            )


def _of_notes(notes: Iterable[NoteRecord]) -> str:
    keys = [note_key(note.path) for note in notes]
    return any_of("note", keys) if keys else _NOTHING
