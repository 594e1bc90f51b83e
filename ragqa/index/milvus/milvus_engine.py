"""The engine in Milvus: a collection with a row for each passage, each note and the index itself.

A build from nothing fills another collection, seen at once when it is committed; a later one
changes rows, and what is read meanwhile may be of both. A condition never holds text of a question.
"""

import base64
import json
import re
import secrets
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from ragqa.errors import IndexUnusable, NoIndex, RagqaError
from ragqa.index.database import Database, Derived
from ragqa.index.disk import REBUILD
from ragqa.index.engine import Engine
from ragqa.index.milvus.client import DENSE, MAX_HITS, MAX_TEXT_BYTES, TERMS, Client, Row
from ragqa.index.ranking import ScoredId, bm25, inverse_frequency, top_k
from ragqa.index.rows import (
    MALFORMED,
    UNIT_TOLERANCE,
    location_of,
    note_row,
    packed,
    read_info,
    unpacked,
)
from ragqa.text.dates import passage_terms
from ragqa.types import DenseInfo, IndexInfo, NoteRecord, Passage, Vector

FORMAT = 13  # raised whenever the meaning of rows or their passages changes
COLLECTION = "collection"
DESCRIPTION = 0  # the key of the row about the index; those of notes are their numbers
SENT_AT_ONCE = 5_000

_PASSAGES, _NOTES = "note > 0", "note == 0"
_GONE = "run the command again, or: ragqa index --rebuild"
_DAY = "0001-01-01"
_T = TypeVar("_T", NoteRecord, Passage)


class MilvusEngine(Engine):
    """A collection, or one that is to be made; `info` is what it holds, once that is known."""

    info: IndexInfo

    def __init__(self, client: Client) -> None:
        self._client = client
        self._dense = DenseInfo("exact" if client.is_exact else "hnsw")
        self._collection = f"{client.own}{secrets.token_hex(4)}"
        self._is_made, self._is_whole, self._mean_length = False, False, 0.0
        self._rows: list[Row] = []
        self._counts: dict[str, int] = {}

    @classmethod
    def current(cls, client: Client, *, is_shared: bool) -> "MilvusEngine":
        """The collection that the name of the index stands for, if there is one; or `NoIndex`."""
        engine, engine._collection = cls(client), client.current()
        if not engine._collection:
            raise NoIndex(f"there is no index {client.place} yet", hint="ragqa index")
        where = f"the collection {engine._collection} at {client.uri}"
        if not client.ready(engine._collection):
            raise IndexUnusable(f"{where} is gone", hint=_GONE)
        about = [*client.of(engine._collection, [DESCRIPTION], ("data",))]
        with _reading(f"the description of the index {client.place}"):
            content = msgspec.convert(json.loads(_unpack(about[0]["data"])), dict[str, object])
            engine.info = read_info(content, client.place, FORMAT, is_shared=is_shared)
            engine._is_whole = msgspec.convert(content["is_whole"], bool)
            engine._mean_length = msgspec.convert(content["mean_length"], float)
            numbers = (engine.info.generation, engine.info.passages, engine._mean_length)
            if not all(0 <= number < 2**40 for number in numbers):
                raise ValueError("it holds a number out of range")
        engine._dense, engine._is_made = engine.info.dense, True
        return engine

    def is_of(self, database: Database) -> bool:
        """Whether it was made from this database, and from nothing else."""
        return self._is_whole and (database.info, database.made) == (self.info, self._made)

    @property
    def _made(self) -> dict[str, Derived]:
        return {COLLECTION: Derived(self._collection)}

    def notes(self, root: Path) -> Database:
        """The notes that it names, in a database in memory."""
        rows = self._client.each(self._collection, _NOTES, ("pk", "data"))
        notes = sorted((row["pk"], read(row["data"], NoteRecord)) for row in rows)
        by_path = {record.path: (number, record) for number, record in notes}
        database = Database(root, in_memory=True)  # a note that is being changed counts as the new
        database.insert("notes", [note_row(*note) for note in by_path.values()])
        return database

    def nearest(self, vector: Vector, k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        where, query = _among(allowed), np.asarray(vector, np.float32).tolist()

        def best(limit: int) -> list[ScoredId]:
            params = {} if self._dense.kind == "exact" else {"ef": max(limit, 400)}
            hits = self._client.search(self._collection, DENSE, query, where, limit, **params)
            return [(row["pk"], score) for score, row in hits]

        return top_k(best, k, min(self.info.passages, MAX_HITS))

    def best(self, terms: Sequence[str], k: int, allowed: Sequence[int] | None) -> list[ScoredId]:
        counted, total = Counter(filter(None, terms)), self.info.passages
        where, having = _among(allowed), self.counts(list(counted))
        weights = {
            encode_term(term): count * inverse_frequency(total, having[term])
            for term, count in counted.items()
        }
        words, mean = " ".join(map(encode_term, counted.elements())), self._mean_length

        def best(limit: int) -> list[ScoredId]:
            # Spare ones: in a file its statistics cover only parts of the index.
            hits = self._client.search(self._collection, TERMS, words, where, limit * 3 // 2 + 50)
            counts = ((row["pk"], Counter(row["terms"].split())) for _, row in hits)
            scored = ((id_, bm25(own, weights, mean)) for id_, own in counts)
            return sorted(scored, key=lambda hit: -hit[1])[:limit]

        return top_k(best, k, min(total, MAX_HITS)) if words else []

    def counts(self, terms: Sequence[str]) -> dict[str, int]:
        words = {term: encode_term(term) for term in terms}
        self._counts |= self._count(set(words.values()) - self._counts.keys() - {""})
        return {term: self._counts.get(word, 0) for term, word in words.items()}

    def _count(self, words: Iterable[str]) -> dict[str, int]:
        """How many passages have each of these encoded terms."""
        if self._client.is_lite:
            # It matches a word by splitting every row, but has an inverted index for BM25.
            hits = self._client.search(self._collection, TERMS, " ".join(words), "", MAX_HITS)
            if len(hits) < MAX_HITS:
                rows = Counter(word for _, row in hits for word in set(row["terms"].split()))
                return {word: rows[word] for word in words}
        count, where = self._client.count, "text_match(terms, '{}')".format
        return {word: count(self._collection, where(word)) for word in words}

    def terms_with_prefix(self, prefix: str) -> list[str]:  # noqa: ARG002 - it cannot list them
        return []

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        rows = self._client.of(self._collection, ids, ("pk", "data"))
        by_id = {row["pk"]: row["data"] for row in rows}
        if missing := [id_ for id_ in ids if id_ not in by_id]:
            what = f"the index {self._client.place} has no passage {missing[0]} any more"
            raise IndexUnusable(what, hint=_GONE)
        return [read(by_id[id_], Passage) for id_ in ids]

    def passages_of(self, notes: Sequence[int]) -> list[Passage]:
        rows = self._client.of(self._collection, notes, ("data",), "note")
        return [read(row["data"], Passage) for row in rows]

    def vectors(self, keys: Sequence[int]) -> dict[int, Vector]:
        vectors = {}
        fields = ("embedding_key", DENSE)
        for row in self._client.of(self._collection, keys, fields, "embedding_key"):
            with suppress(TypeError, ValueError):
                vector = np.array(row[DENSE], np.float32).reshape(self.info.embedder.dimension)
                if abs(np.linalg.norm(vector) - 1) <= UNIT_TOLERANCE:
                    vectors[row["embedding_key"]] = vector
        return vectors

    def add(
        self,
        note: int,
        record: NoteRecord,
        passages: Sequence[Passage],
        vectors: Sequence[Vector | None],
    ) -> None:
        """Add the rows of a note and its passages, which are sent some thousands at a time."""
        data = _pack(packed(record), f"the note {record.path}")
        self._rows.append(_row(note, data, vectors[0] if passages else None))
        for passage, vector in zip(passages, vectors, strict=True):
            self._rows.append(_passage_row(note, passage, vector))
        if len(self._rows) >= SENT_AT_ONCE and vectors and vectors[0] is not None:
            self._send(len(vectors[0]))

    def commit(self, info: IndexInfo, gone: Sequence[int]) -> tuple[IndexInfo, dict[str, Derived]]:
        """Send the rows, then the description that counts them."""
        client, collection = self._client, self._collection
        info = replace(info, dense=self._dense)
        _description(info, 0.0)  # too large: fail before anything changes
        self._send(info.embedder.dimension)
        client.delete(collection, gone, "note")  # a passage that is still there has another by now
        client.delete(collection, gone)
        if client.is_lite:  # it scans the rows of its log one by one
            client.call("flush", collection)
        first = islice(client.each(collection, _PASSAGES, ("length",)), MAX_HITS)
        lengths = [row["length"] for row in first]  # of any passages, since ids are hashes
        self._put(
            [_description(info, sum(lengths) / max(1, len(lengths)))], info.embedder.dimension
        )
        client.switch(collection)
        return info, self._made

    def tidy(self) -> None:
        """Remove what builds before this one have left."""
        with suppress(RagqaError):
            self._client.drop_replaced()

    def _send(self, dimension: int) -> None:
        """Send the rows that wait; the index counts as unfinished until its next description."""
        if not self._is_made:
            self._client.create(self._collection, dimension)
            self._is_made = True
        elif self._is_whole:
            self._put([_description(self.info, self._mean_length, is_whole=False)], dimension)
        self._is_whole = False
        self._put(self._rows, dimension)
        self._rows = []

    def _put(self, rows: Iterable[Row], dimension: int) -> None:
        usual = [1.0, *([0.0] * (dimension - 1))]  # Milvus requires a vector in each row
        whole = ({**row, DENSE: usual if row[DENSE] is None else row[DENSE]} for row in rows)
        self._client.put(self._collection, whole)


def encode_term(term: str) -> str:
    """Encode a term uniquely, in letters, digits and underscores that no tokenizer splits."""
    return re.sub(r"[^a-z0-9]", lambda match: f"_{ord(match[0]):x}_", term)


def read(data: str, kind: type[_T]) -> _T:
    """Parse the data of the row of a note or passage strictly: the server may not be trusted."""
    with _reading(f"a row of a {kind.__name__} in Milvus"):
        item: _T = unpacked(_unpack(data), kind)
        for name in (item.path, *getattr(item, "tags", ())):
            name.encode("utf-8", "surrogateescape")  # other surrogates are no bytes of a name
        date.fromisoformat(getattr(item, "date", "") or getattr(item, "note_date", "") or _DAY)
    return item


def _row(key: int, data: str, vector: Vector | None, note: int = 0) -> Row:
    """A row without terms: of a note, which belongs to none, or of the index."""
    empty: Row = {"embedding_key": 0, "length": 0, "terms": ""}
    return {"pk": key, "note": note, "data": data, DENSE: vector, **empty}


def _passage_row(note: int, passage: Passage, vector: Vector | None) -> Row:
    """The row of a passage of a note; `vector` has shape (dimension,)."""
    terms = [encode_term(term) for term in passage_terms(passage)]
    data = _pack(packed(passage), f"the passage at {location_of(passage)}", " ".join(terms))
    found: Row = {"embedding_key": passage.embedding_key, "length": len(terms)}
    return _row(passage.id, data, vector, note) | found | {"terms": " ".join(terms)}


def _description(info: IndexInfo, mean_length: float, *, is_whole: bool = True) -> Row:
    """The row about the index: what it holds, and the mean length of a passage in terms."""
    content = {"format": FORMAT, "is_whole": is_whole, "mean_length": mean_length}
    data = json.dumps({**content, "info": msgspec.to_builtins(info)}, allow_nan=False).encode()
    return _row(DESCRIPTION, _pack(data, "the description of the index"), None, note=-1)


def _among(allowed: Sequence[int] | None) -> str:
    """The condition that a row is of a passage, of one of these notes."""
    return _PASSAGES if allowed is None else f"note in {list(allowed) or [-2]}"


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
