"""Cache embeddings between evaluations, by the model's fingerprint."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Self

import numpy as np

from ragqa.config.files import cache_folder
from ragqa.errors import UsageError
from ragqa.indexing import Embedders
from ragqa.private import private_file, private_folder
from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

_BATCH = 512
_SCHEMA = """
CREATE TABLE IF NOT EXISTS passages (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS read (key BLOB PRIMARY KEY, pooled BLOB, tokens BLOB, spans BLOB)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS made (dtype TEXT);
"""

_Row = tuple[bytes, ...]
"""The key of a text, and what was made of it."""


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

    @classmethod
    @contextmanager
    def open(cls, embedders: Embedders, folder: Path | None = None) -> Iterator[Self]:
        """Open the cache of this embedder, in the user's cache folder unless another is named.

        :raises UsageError: the cache cannot be read or written; the message names its file.
        """
        folder = cache_folder() / "evaluation" if folder is None else folder
        path = folder / f"{_digest(repr(astuple(embedders.asking.info)), 8).hex()}.sqlite"
        with _naming(path):
            # Embeddings reveal much of their text, so only the user may read them.
            private_folder(folder)
            private_file(path)
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

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the embedder's tokens in each text."""
        return self._embedders.asking.count_tokens(texts)

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """Measure the embedder's word pieces."""
        return self._embedders.asking.pieces(texts)

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question, without the cache."""
        return self._embedders.asking.embed_query(text)

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages, in float32 of shape (texts, dimension).

        New vectors are stored batch by batch, so that an interruption loses little.

        :raises UsageError: the cache cannot be used, or holds another number format.
        """

        def embed(missing: Mapping[bytes, str]) -> Iterator[list[_Row]]:
            embedder = self._embedders.building
            with _naming(self._path), self._connection:
                row = self._connection.execute("SELECT dtype FROM made").fetchone()
                if row is None:
                    self._connection.execute("INSERT INTO made VALUES (?)", (embedder.dtype,))
            if row is not None and row[0] != embedder.dtype:
                raise UsageError(
                    f"the embeddings in {self._path} are {row[0]}, but this machine makes "
                    f"{embedder.dtype}",
                    hint=f"remove that file, or set RAGQA_CACHE to another folder: rm {self._path}",
                )
            # Sort by length, as a batch is as slow as its longest text.
            todo = sorted(missing.items(), key=lambda item: (-len(item[1]), item[0]))
            for at in range(0, len(todo), _BATCH):
                batch = todo[at : at + _BATCH]
                vectors = np.asarray(embedder.embed_passages([t for _, t in batch]), np.float32)
                yield [(key, v.tobytes()) for (key, _), v in zip(batch, vectors, strict=True)]
                if progress:
                    progress("embedding", at + len(batch), len(todo))

        rows = self._cached("passages", texts, embed)
        with _naming(self._path):
            vectors = [np.frombuffer(vector, dtype=np.float32) for (vector,) in rows]
            return np.stack(vectors) if vectors else np.empty((0, self.info.dimension), np.float32)

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed texts with their token vectors.

        :raises UsageError: the cache cannot be used.
        """

        def embed(missing: Mapping[bytes, str]) -> Iterator[list[_Row]]:
            # One by one: in a batch the last digits depend on the other texts, and so the figures
            # would depend on what the cache held before.
            encoded = [
                self._embedders.asking.embed_sentences([text])[0] for text in missing.values()
            ]
            yield [
                (
                    key,
                    one.pooled.tobytes(),
                    one.vectors.astype(np.float16).tobytes(),
                    np.array(one.spans, dtype=np.int32).tobytes(),
                )
                for key, one in zip(missing, encoded, strict=True)
            ]

        rows = self._cached("read", texts, embed)
        with _naming(self._path):
            return [self._sentence(*row) for row in rows]

    def _sentence(self, pooled: bytes, tokens: bytes, spans: bytes) -> TokenVectors:
        vectors = np.frombuffer(tokens, dtype=np.float16).astype(np.float32)
        pairs = np.frombuffer(spans, dtype=np.int32).reshape(-1, 2).tolist()
        return TokenVectors(
            vectors.reshape(-1, self.info.dimension),
            tuple((start, end) for start, end in pairs),
            np.frombuffer(pooled, dtype=np.float32),
        )

    def _cached(
        self,
        table: str,
        texts: Sequence[str],
        embed: Callable[[Mapping[bytes, str]], Iterable[list[_Row]]],
    ) -> list[_Row]:
        """What the table has of each text; what is missing is embedded and added."""
        wanted = {_digest(text): text for text in texts}
        query = f"SELECT * FROM {table} WHERE key = ?"  # noqa: S608 - no user's text
        with _naming(self._path):
            found = [self._connection.execute(query, (key,)).fetchone() for key in wanted]
        known = {key: row for key, *row in filter(None, found)}
        missing = {key: text for key, text in wanted.items() if key not in known}
        for rows in embed(missing) if missing else ():
            marks = ",".join("?" * len(rows[0]))
            statement = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608 - as above
            with _naming(self._path), self._connection:
                self._connection.executemany(statement, rows)
            known |= {key: row for key, *row in rows}
        return [tuple(known[_digest(text)]) for text in texts]


def _digest(text: str, size: int = 16) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as exc:
        raise UsageError(
            f"the embeddings in {path} cannot be used: {exc}",
            hint=f"remove that file, or set RAGQA_CACHE to another folder: rm {path}",
        ) from exc
