"""One generation of an index in Milvus, read-only."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ragqa.errors import IndexUnusable
from ragqa.stores.disk import REBUILD
from ragqa.stores.filters import checked_day, note_matcher
from ragqa.stores.milvus.client import MAX_HITS, Client, Row
from ragqa.stores.milvus.records import KEPT_S, Generation
from ragqa.stores.milvus.rows import (
    any_of,
    any_of_each,
    dated_since,
    encode_term,
    has_tags,
    in_places,
    note_key,
    read_note,
    read_passage,
)
from ragqa.stores.milvus.schema import DENSE, TERMS, search_params
from ragqa.stores.protocol import Snapshot
from ragqa.stores.ranking import Candidate, bm25, inverse_frequency, top_k
from ragqa.stores.vectors import check_question
from ragqa.types import Filters, NoteRecord, Passage, Vector

_COUNTS_AT_ONCE = 8

_MARGIN = 1.5
_SPARE = 50
"""How many more hits than needed are fetched by Milvus's scores. Its statistics include dead rows,
and in a file cover only parts of it, so its order is only nearly ours."""

_NOTHING = "pk < 0"


class MilvusSnapshot(Snapshot):
    """An immutable generation; readable until an hour after it is replaced."""

    def __init__(self, client: Client, generation: Generation) -> None:
        self.info = generation.info
        self.generation = generation
        self._client = client
        self._passages = client.passages(generation.base)
        self._notes = client.notes(generation.base)
        self._counts: dict[str, int] = {}
        self._filtered: tuple[Filters, str] | None = None
        self._until = time.monotonic() + KEPT_S / 2
        for collection in (self._passages, self._notes):
            client.load_if_needed(collection)

    def notes(self) -> dict[str, NoteRecord]:
        """Every note by path."""
        rows = self._client.each(self._notes, self.generation.visible, ("data",))
        found = {note.path: note for note in (read_note(row["data"]) for row in rows)}
        self._check_age()
        return found

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[Candidate]:
        """The k nearest passages by cosine; `vector` has shape (dimension,)."""
        check_question(vector, self.info.embedder.dimension)
        where = self._visible(filters)
        query = np.asarray(vector, np.float32).tolist()

        def nearest(limit: int) -> list[Candidate]:
            found = self._client.search(
                self._passages,
                DENSE,
                query,
                filter=where,
                limit=limit,
                output_fields=["passage"],
                search_params={"params": search_params(self.info.dense, limit)},
            )
            return [(int(row["passage"]), score) for score, row in found]

        found = top_k(nearest, k, min(self.info.passages, MAX_HITS))
        self._check_age()
        return found

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[Candidate]:
        """The k best passages by BM25 over any of the terms.

        Milvus finds candidates; they are rescored here with this generation's own statistics.
        """
        counted = Counter(term for term in terms if term)
        if not counted:
            return []
        where = self._visible(filters)
        idf = self.idf(list(counted))
        weights = {encode_term(term): count * idf[term] for term, count in counted.items()}
        words = [encode_term(term) for term in counted.elements()]
        mean_length = self.generation.terms / max(1, self.info.passages)

        def nearest(limit: int) -> list[Candidate]:
            most = int(_MARGIN * limit) + _SPARE
            found = self._found(words, where, most, ["passage", "terms"])
            counts = ((int(row["passage"]), Counter(row["terms"].split())) for row in found)
            scored = ((id_, bm25(own, weights, mean_length)) for id_, own in counts)
            matching = [candidate for candidate in scored if candidate[1] > 0]
            return sorted(matching, key=lambda candidate: -candidate[1])[:limit]

        best = top_k(nearest, k, min(self.info.passages, MAX_HITS))
        self._check_age()
        return best

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """The passages with these ids, in the order given."""
        rows = self.rows_where("passage", ids, ("passage", "data"))
        found = {int(row["passage"]): row["data"] for row in rows}
        for id_ in ids:
            if id_ not in found:
                raise IndexUnusable(
                    f"the index {self._client.place} has no passage {id_}", hint=REBUILD
                )
        return [read_passage(found[id_]) for id_ in ids]

    def passages_at(self, paths: Sequence[str]) -> list[Passage]:
        """The passages of the notes at these paths."""
        rows = self.rows_where("note", map(note_key, paths), ("data",))
        found = (read_passage(row["data"]) for row in rows)
        return [passage for passage in found if passage.path in paths]

    def vectors(self, ids: Sequence[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), of passages, by passage id."""
        return self.vectors_where("passage", ids)

    def vectors_where(self, field: str, numbers: Iterable[int]) -> dict[int, Vector]:
        """The embeddings, shape (dimension,), of the rows in which a field is one of these numbers.

        They are given by that number; unknown ones are left out.
        """
        rows = self.rows_where(field, numbers, (field, DENSE))
        return {int(row[field]): self.vector_of(row) for row in rows}

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
        words = {term: encode_term(term) for term in terms if term}
        new = set(words.values()) - self._counts.keys()
        if new:
            self._counts |= self._count(sorted(new))
            self._check_age()
        total = self.info.passages
        counts = {term: self._counts[words[term]] if term else 0 for term in terms}
        return {term: inverse_frequency(total, count) for term, count in counts.items()}

    def rows_where(
        self, field: str, numbers: Iterable[int], fields: Sequence[str], collection: str = ""
    ) -> Iterator[Row]:
        """The rows of this generation in which a field is one of these numbers.

        :param collection: "" for that of passages.
        """
        for some in any_of_each(field, numbers):
            where = f"{some} and {self.generation.visible}"
            yield from self._client.each(collection or self._passages, where, fields)
        self._check_age()

    def _count(self, words: Sequence[str]) -> dict[str, int]:
        """How many passages have each of these encoded terms."""
        visible = self.generation.visible
        if self._client.is_lite:
            # It matches a word by splitting every row, but has an inverted index for BM25.
            found = self._found(words, visible, MAX_HITS, ["terms"])
            if len(found) < MAX_HITS:
                rows = Counter(word for row in found for word in set(row["terms"].split()))
                return {word: rows[word] for word in words}

        def count(word: str) -> int:
            return self._client.count(self._passages, f"text_match(terms, '{word}') and {visible}")

        with ThreadPoolExecutor(_COUNTS_AT_ONCE) as pool:
            return dict(zip(words, pool.map(count, words), strict=True))

    def _found(self, words: Iterable[str], where: str, limit: int, fields: list[str]) -> list[Row]:
        """The best passages for any of these encoded terms, by Milvus's own BM25."""
        query = " ".join(words)
        # While another process writes, a Milvus Lite server finds nothing once in hundreds of
        # queries; a second try succeeds.
        for _ in range(2 if self._client.is_lite else 1):
            hits = self._client.search(
                self._passages, TERMS, query, filter=where, limit=limit, output_fields=fields
            )
            if hits:
                break
        return [row for _, row in hits]

    def _visible(self, filters: Filters) -> str:
        """The condition that a passage belongs to this generation and passes the filters."""
        if self._filtered is None or self._filtered[0] != filters:
            self._filtered = (filters, " and ".join(self._conditions(filters)))
        return self._filtered[1]

    def _conditions(self, filters: Filters) -> Iterator[str]:
        yield self.generation.visible
        if filters.tags:
            yield has_tags(filters.tags)
        if filters.where or any(sign in glob for glob in filters.paths for sign in "*?["):
            matches = note_matcher(Filters(paths=filters.paths, where=filters.where))
            keys = [note_key(path) for path, note in self.notes().items() if matches(note)]
            yield any_of("note", keys) if keys else _NOTHING
        elif filters.paths:
            yield in_places(filters.paths)
        if filters.since:
            yield dated_since(checked_day(filters.since))

    def _check_age(self) -> None:
        """Check that no sweep could have removed rows of this generation that were just read.

        A sweep removes a generation's record before its rows, and only once its successor is an
        hour old. So there is nothing to check while this snapshot has been open for half of that.

        :raises IndexUnusable: the generation was replaced more than an hour ago.
        """
        if time.monotonic() < self._until:
            return
        if not self._client.count(self._client.records, f"pk == {self.generation.attempt}"):
            raise IndexUnusable(
                f"generation {self.info.generation} of the index {self._client.place} was replaced "
                "more than an hour ago and is gone",
                hint="run the command again",
            )
