"""Cache embeddings between evaluations, by the model's fingerprint."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ragqa.embedders import Embedder
from ragqa.embedders.cache import cache_folder
from ragqa.errors import UsageError
from ragqa.indexing import Embedders
from ragqa.types import EmbedderInfo, Progress, TokenVectors, Vector, Vectors

_BATCH = 512
_SCHEMA = """
CREATE TABLE IF NOT EXISTS passages (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS read (key BLOB PRIMARY KEY, pooled BLOB, tokens BLOB, spans BLOB)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made (dtype TEXT);
"""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the cache: blobs by key."""

    connection: sqlite3.Connection
    name: str

    def find(self, keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, ...]]:
        found = {}
        for at in range(0, len(keys), _BATCH):
            batch = keys[at : at + _BATCH]
            marks = ",".join("?" * len(batch))
            query = f"SELECT * FROM {self.name} WHERE key IN ({marks})"  # noqa: S608 - no user's text
            for key, *values in self.connection.execute(query, batch):
                found[key] = tuple(values)
        return found

    def add(self, rows: Sequence[tuple[bytes, ...]]) -> None:
        marks = ",".join("?" * len(rows[0]))
        statement = f"INSERT OR REPLACE INTO {self.name} VALUES ({marks})"  # noqa: S608 - as above
        with self.connection:
            self.connection.executemany(statement, rows)


class CachedEmbedder:
    """An `Embedder` that caches passages and sentences, across runs.

    Passages are embedded by the building form, as for an index. Token vectors are stored in half
    precision and rounded before their first use too, so that a second run sees the same numbers.
    Questions are not cached, because their time is measured.
    """

    def __init__(self, embedders: Embedders, connection: sqlite3.Connection, path: Path) -> None:
        self._embedders = embedders
        self._connection = connection
        self._path = path
        self._passages = _Table(connection, "passages")
        self._read = _Table(connection, "read")

    @classmethod
    @contextmanager
    def open(cls, embedders: Embedders, folder: Path | None = None) -> Iterator[Self]:
        """Open the cache of this embedder, in the user's cache folder unless another is named.

        :raises UsageError: the cache cannot be read or written; the message names its file.
        """
        folder = cache_folder() / "evaluation" if folder is None else folder
        path = folder / f"{_digest(embedders.asking.info)}.sqlite"
        with _naming(path):
            # Embeddings reveal much of their text, so only the user may read them.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = sqlite3.connect(path)
        with closing(connection):
            with _naming(path):
                # A lost cache can be rebuilt, so writes need not wait for the disk.
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.executescript(_SCHEMA)
            yield cls(embedders, connection, path)

    @property
    def info(self) -> EmbedderInfo:
        """The embedder's fingerprint, which names the cache file."""
        return self._embedders.asking.info

    @property
    def dtype(self) -> str:
        """The number format of the passages' embeddings."""
        row = self._connection.execute("SELECT dtype FROM made").fetchone()
        return str(row[0]) if row else self._embedders.building.dtype

    @property
    def plain(self) -> Embedder:
        """The embedder without the cache, for timing."""
        return self._embedders.asking

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the embedder's tokens in each text."""
        return self._embedders.asking.count_tokens(texts)

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question, without the cache."""
        return self._embedders.asking.embed_query(text)

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages, in float32 of shape (texts, dimension).

        New vectors are stored batch by batch, so that an interruption loses little.

        :raises UsageError: the cache cannot be used, or holds another number format.
        """
        keys = [_key(text) for text in texts]
        with _naming(self._path):
            known = {key: values[0] for key, values in self._passages.find(keys).items()}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known |= self._embed_new(missing, progress)
        with _naming(self._path):
            rows = [np.frombuffer(known[key], dtype=np.float32) for key in keys]
            return np.stack(rows) if rows else np.empty((0, self.info.dimension), dtype=np.float32)

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed texts with their token vectors.

        :raises UsageError: the cache cannot be used.
        """
        keys = [_key(text) for text in texts]
        with _naming(self._path):
            known = self._read.find(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            # One by one: in a batch the last digits depend on the other texts, and so the figures
            # would depend on what the cache held before.
            encoded = [self.plain.embed_sentences([text])[0] for text in missing.values()]
            rows = [
                (
                    key,
                    one.pooled.tobytes(),
                    one.vectors.astype(np.float16).tobytes(),
                    np.array(one.spans, dtype=np.int32).tobytes(),
                )
                for key, one in zip(missing, encoded, strict=True)
            ]
            with _naming(self._path):
                self._read.add(rows)
            known |= {row[0]: row[1:] for row in rows}
        with _naming(self._path):
            return [_sentence(known[key], self.info.dimension) for key in keys]

    def _embed_new(
        self, missing: Mapping[bytes, str], progress: Progress | None
    ) -> dict[bytes, bytes]:
        embedder = self._embedders.building
        self._check_format(embedder.dtype)
        made: dict[bytes, bytes] = {}
        # Sort by length, as a batch is as slow as its longest text.
        todo = sorted(missing.items(), key=lambda item: (-len(item[1]), item[0]))
        for at in range(0, len(todo), _BATCH):
            batch = todo[at : at + _BATCH]
            vectors = embedder.embed_passages([text for _, text in batch])
            rows = [
                (key, np.ascontiguousarray(vector, dtype=np.float32).tobytes())
                for (key, _), vector in zip(batch, vectors, strict=True)
            ]
            with _naming(self._path):
                self._passages.add(rows)
            made |= dict(rows)
            if progress:
                progress("embedding", len(made), len(todo))
        return made

    def _check_format(self, dtype: str) -> None:
        """Raise UsageError if the cache holds embeddings in another number format."""
        with _naming(self._path), self._connection:
            row = self._connection.execute("SELECT dtype FROM made").fetchone()
            if row is None:
                self._connection.execute("INSERT INTO made VALUES (?)", (dtype,))
        if row is not None and row[0] != dtype:
            raise UsageError(
                f"the embeddings in {self._path} are {row[0]}, but this machine makes {dtype}",
                hint=f"remove that file, or set RAGQA_CACHE to another folder: rm {self._path}",
            )


def _sentence(values: Sequence[bytes], dimension: int) -> TokenVectors:
    pooled: Vector = np.frombuffer(values[0], dtype=np.float32)
    tokens = np.frombuffer(values[1], dtype=np.float16).astype(np.float32)
    spans = np.frombuffer(values[2], dtype=np.int32).reshape(-1, 2).tolist()
    return TokenVectors(
        tokens.reshape(-1, dimension), tuple((start, end) for start, end in spans), pooled
    )


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _digest(info: EmbedderInfo) -> str:
    return hashlib.blake2b(repr(astuple(info)).encode(), digest_size=8).hexdigest()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as exc:
        raise UsageError(
            f"the embeddings in {path} cannot be used: {exc}",
            hint=f"remove that file, or set RAGQA_CACHE to another folder: rm {path}",
        ) from exc
