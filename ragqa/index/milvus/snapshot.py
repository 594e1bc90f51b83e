"""An index in Milvus for reading, and what its rows hold.

A condition holds only field names and integers: text from notes and questions enters it as a hash.
"""

import base64
import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import TypeVar

import msgspec
import numpy as np

from ragqa.errors import IndexUnusable
from ragqa.index import EVERYTHING, Snapshot
from ragqa.index.disk import REBUILD
from ragqa.index.filters import passing
from ragqa.index.milvus.client import DENSE, MAX_HITS, MAX_TEXT_BYTES, TERMS, Client, Row
from ragqa.index.ranking import ScoredId, bm25, inverse_frequency, top_k
from ragqa.index.rows import (
    MALFORMED,
    UNIT_TOLERANCE,
    info_json,
    location_of,
    packed,
    read_info,
    unpacked,
)
from ragqa.text.dates import passage_terms
from ragqa.types import Days, Filters, IndexInfo, NoteRecord, NoteState, Passage, Vector

FORMAT = 10  # raised whenever the meaning of rows or their passages changes
DESCRIPTION, WRITER, SAVED = 0, 1, 2  # the rows about an index; the last: what embedded the saved

_DAY = "0001-01-01"
_T = TypeVar("_T", NoteRecord, Passage)


def description(info: IndexInfo, build: int, mean_length: float) -> Row:
    """The row that makes this the index: its build, and the mean length of a passage in terms."""
    content: Row = {"format": FORMAT, "build": build, "mean_length": mean_length}
    content["info"] = info_json(info)
    data = json.dumps(content, allow_nan=False).encode()
    return plain_row(DESCRIPTION, _pack(data, "the description of the index"))


def hash_key(path: str) -> int:
    """The number of a note, from 0 to 2**63 - 1."""
    name = path.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) >> 1


def encode_term(term: str) -> str:
    """Encode a term uniquely, in letters, digits and underscores that no tokenizer splits."""
    return re.sub(r"[^a-z0-9]", lambda match: f"_{ord(match[0]):x}_", term)


def plain_row(key: int, data: str, vector: object = (1.0, 0.0)) -> Row:
    """A row of a collection without terms."""
    return {"pk": key, "data": data, DENSE: vector}


def note_row(record: NoteRecord) -> Row:
    """The row of a note."""
    return plain_row(hash_key(record.path), _pack(packed(record), f"the note {record.path}"))


def passage_row(passage: Passage, vector: Vector) -> Row:
    """The row of a passage; `vector` has shape (dimension,)."""
    terms = [encode_term(term) for term in passage_terms(passage)]
    return {
        "pk": passage.id,
        "note": hash_key(passage.path),
        "embedding_key": passage.embedding_key,
        "length": len(terms),
        "terms": (joined := " ".join(terms)),
        "data": _pack(packed(passage), f"the passage at {location_of(passage)}", joined),
        DENSE: vector,
    }


def read(data: str, kind: type[_T]) -> _T:
    """Parse the data of the row of a note or passage strictly: the server may not be trusted."""
    with _reading(f"a row of a {kind.__name__} in Milvus"):
        item: _T = unpacked(_unpack(data), kind)
        for name in (item.path, *getattr(item, "tags", ())):
            name.encode("utf-8", "surrogateescape")  # other surrogates are no bytes of a name
        date.fromisoformat(getattr(item, "date", "") or getattr(item, "note_date", "") or _DAY)
    return item


def read_vectors(
    client: Client, collection: str, dimension: int, keys: Iterable[int], field: str = "pk"
) -> dict[int, Vector]:
    """The sound embeddings of the rows in which a field is one of the keys, by key."""
    vectors = {}
    for row in client.of(collection, keys, (field, DENSE), field):
        with suppress(TypeError, ValueError):
            vector = np.array(row[DENSE], np.float32).reshape(dimension)
            if abs(np.linalg.norm(vector) - 1) <= UNIT_TOLERANCE:
                vectors[row[field]] = vector
    return vectors


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except (*MALFORMED, zlib.error) as exc:
        raise IndexUnusable(f"{what} is damaged: {exc!s:.80}", hint=REBUILD) from exc


def _pack(data: bytes, where: str, *others: str) -> str:
    """Encode in ASCII; `others` are the other texts of the row, which are limited as well."""
    text = base64.b85encode(zlib.compress(data)).decode()
    if max(map(len, (text, *others))) > MAX_TEXT_BYTES:
        hint = "exclude notes in .ragqaignore, or keep the index here: ragqa config set store local"
        raise IndexUnusable(f"{where} has more text than a Milvus row can hold", hint=hint)
    return text


def _unpack(data: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b85decode(data), 64 * 2**20)


class MilvusSnapshot(Snapshot):
    """The rows of a build; unlike other snapshots, it shows what a refresh changes meanwhile."""

    def __init__(self, client: Client, data: str, *, is_shared: bool = False) -> None:
        with _reading(f"the description of the index {client.place}"):
            content = msgspec.convert(json.loads(_unpack(data)), dict[str, object])
            self.info = read_info(content, client.place, FORMAT, is_shared=is_shared)
            self.build = msgspec.convert(content["build"], int)
            self._mean_length = msgspec.convert(content["mean_length"], float)
            numbers = (self.info.generation, self.info.passages, self._mean_length)
            if self.build not in (0, 1) or not all(0 <= number < 2**40 for number in numbers):
                raise ValueError("it holds a number out of range")
        self._client = client
        self._passages, self._notes = pair = client.pair(self.build)
        self._by_path: dict[str, NoteRecord] = {}
        self._counts: dict[str, int] = {}
        self._filtered: tuple[Filters, str] = (Filters(), "")
        if not all(map(client.ready, pair)):
            what = f"the collections {' and '.join(pair)} at {client.uri} are gone"
            raise IndexUnusable(what, hint="run the command again, or: ragqa index --rebuild")

    def notes(
        self, filters: Filters = EVERYTHING, *, at: Sequence[str] | None = None
    ) -> dict[str, NoteRecord]:
        """The records of the notes that pass the filters, or of those at these paths, by path."""
        if not self._by_path:
            rows = self._client.each(self._notes, "", ("data",))
            notes = (read(row["data"], NoteRecord) for row in rows)
            self._by_path = {note.path: note for note in notes}
        wanted = self._by_path if at is None else self._by_path.keys() & set(at)
        records = (self._by_path[path] for path in wanted)
        return {note.path: note for note in passing(records, filters)}

    @property
    def states(self) -> dict[str, NoteState]:
        """The state of every note's file, by path."""
        return {path: note.state for path, note in self.notes().items()}

    @property
    def days(self) -> Days:
        """The days of all notes, and of the last changes of their files."""
        return Days.of(self.notes().values())

    def dense(self, vector: Vector, k: int, filters: Filters) -> list[ScoredId]:
        """The k nearest passages by cosine; `vector` has shape (dimension,)."""
        where, query = self._where(filters), np.asarray(vector, np.float32).tolist()

        def nearest(limit: int) -> list[ScoredId]:
            params = {} if self.info.dense.kind == "exact" else {"ef": max(limit, 400)}
            hits = self._client.search(self._passages, DENSE, query, where, limit, **params)
            return [(row["pk"], score) for score, row in hits]

        return top_k(nearest, k, min(self.info.passages, MAX_HITS))

    def terms(self, terms: Sequence[str], k: int, filters: Filters) -> list[ScoredId]:
        """The k best passages by BM25 over any of the terms, of those that Milvus finds."""
        counted = Counter(filter(None, terms))
        where, idf = self._where(filters), self.idf(list(counted))
        weights = {encode_term(term): count * idf[term] for term, count in counted.items()}
        words, mean = " ".join(map(encode_term, counted.elements())), self._mean_length

        def nearest(limit: int) -> list[ScoredId]:
            # Spare ones: in a file its statistics cover only parts of the index.
            hits = self._client.search(self._passages, TERMS, words, where, limit * 3 // 2 + 50)
            counts = ((row["pk"], Counter(row["terms"].split())) for _, row in hits)
            scored = ((id_, bm25(own, weights, mean)) for id_, own in counts)
            return sorted(scored, key=lambda hit: -hit[1])[:limit]

        return top_k(nearest, k, min(self.info.passages, MAX_HITS)) if words else []

    def passages(self, ids: Sequence[int] = (), *, at: Sequence[str] = ()) -> list[Passage]:
        """The passages with these ids in the order given, or of the notes at these paths."""
        if at:
            rows = self._client.of(self._passages, map(hash_key, at), ("data",), "note")
            found = (read(row["data"], Passage) for row in rows)
            return sorted(found, key=lambda passage: (passage.path, passage.start))
        rows = self._client.of(self._passages, ids, ("pk", "data"))
        by_id = {row["pk"]: row["data"] for row in rows}
        if missing := [id_ for id_ in ids if id_ not in by_id]:
            what = f"the index {self._client.place} has no passage {missing[0]} any more"
            raise IndexUnusable(what, hint="run the command again, or: ragqa index --rebuild")
        return [read(by_id[id_], Passage) for id_ in ids]

    def vectors(self, keys: Iterable[int]) -> dict[int, Vector]:
        """The sound embeddings, shape (dimension,), by embedding key."""
        dimension = self.info.embedder.dimension
        return read_vectors(self._client, self._passages, dimension, keys, "embedding_key")

    def terms_with_prefix(self, prefix: str) -> list[str]:  # noqa: ARG002 - it cannot list them
        """Nothing, since Milvus cannot list its terms."""
        return []

    def idf(self, terms: Sequence[str]) -> dict[str, float]:
        """BM25's inverse document frequency of each term."""
        words = {term: encode_term(term) for term in terms}
        self._counts |= self._count(set(words.values()) - self._counts.keys() - {""})
        total = self.info.passages
        return {term: inverse_frequency(total, self._counts.get(words[term], 0)) for term in terms}

    def _count(self, words: Iterable[str]) -> dict[str, int]:
        """How many passages have each of these encoded terms."""
        if self._client.is_lite:
            # It matches a word by splitting every row, but has an inverted index for BM25.
            hits = self._client.search(self._passages, TERMS, " ".join(words), "", MAX_HITS)
            if len(hits) < MAX_HITS:
                rows = Counter(word for _, row in hits for word in set(row["terms"].split()))
                return {word: rows[word] for word in words}
        count, where = self._client.count, "text_match(terms, '{}')".format
        return {word: count(self._passages, where(word)) for word in words}

    def _where(self, filters: Filters) -> str:
        """The condition that a passage's note passes the filters, exactly."""
        if self._filtered[0] != filters:
            passed, keys = self.notes(filters), (list[int](), list[int]())
            for path in self.notes():
                keys[path in passed].append(hash_key(path))
            few = len(keys[True]) <= len(keys[False])
            self._filtered = (filters, f"note {'in' if few else 'not in'} {keys[few] or [-1]}")
        return self._filtered[1]
