"""Cache embeddings between evaluations, by the model's fingerprint."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from ragqa.config.files import cache_folder
from ragqa.errors import UsageError
from ragqa.indexing import Embedders
from ragqa.safe import private_file, private_folder
from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

_BATCH = 512
_SCHEMA = "CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, made BLOB) WITHOUT ROWID"


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
        self.info: EmbedderInfo = embedders.asking.info
        self.dtype = "float32"

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
                connection.execute(_SCHEMA)
            yield cls(embedders, connection, path)

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

        :raises UsageError: the cache cannot be used.
        """

        def embed(missing: Mapping[bytes, str]) -> Iterator[dict[bytes, bytes]]:
            # Sort by length, as a batch is as slow as its longest text.
            todo = sorted(missing.items(), key=lambda item: (-len(item[1]), item[0]))
            for at in range(0, len(todo), _BATCH):
                batch = dict(todo[at : at + _BATCH])
                found = self._embedders.building.embed_passages(list(batch.values()))
                vectors = np.asarray(found, np.float32)
                yield {key: vector.tobytes() for key, vector in zip(batch, vectors, strict=True)}
                if progress:
                    progress("embedding", at + len(batch), len(todo))

        found = self._cached("passage", texts, embed)
        with _naming(self._path):
            return np.frombuffer(b"".join(found), np.float32).reshape(-1, self.info.dimension)

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed texts with their token vectors.

        :raises UsageError: the cache cannot be used.
        """

        def embed(missing: Mapping[bytes, str]) -> Iterator[dict[bytes, bytes]]:
            # One by one: in a batch the last digits depend on the other texts, and so the figures
            # would depend on what the cache held before.
            for key, text in missing.items():
                [one] = self._embedders.asking.embed_sentences([text])
                half = one.vectors.astype(np.float16).tobytes()
                yield {key: msgspec.msgpack.encode((half, one.spans, one.pooled.tobytes()))}

        found = self._cached("sentence", texts, embed)
        with _naming(self._path):
            return list(map(self._token_vectors, found))

    def _token_vectors(self, made: bytes) -> TokenVectors:
        kind = tuple[bytes, tuple[tuple[int, int], ...], bytes]
        half, spans, pooled = msgspec.msgpack.decode(made, type=kind)
        vectors = np.frombuffer(half, np.float16).astype(np.float32)
        rows = vectors.reshape(-1, self.info.dimension)
        return TokenVectors(rows, spans, np.frombuffer(pooled, np.float32))

    def _cached(
        self,
        kind: str,
        texts: Sequence[str],
        embed: Callable[[Mapping[bytes, str]], Iterable[Mapping[bytes, bytes]]],
    ) -> list[bytes]:
        """What is stored of each text; what is missing is embedded and added."""
        keys = [_digest(f"{kind} {text}") for text in texts]
        query = "SELECT made FROM embeddings WHERE key = ?"
        with _naming(self._path):
            found = {key: self._connection.execute(query, (key,)).fetchone() for key in keys}
        made = {key: row[0] for key, row in found.items() if row}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in made}
        for new in embed(missing):
            with _naming(self._path), self._connection:
                self._connection.executemany(
                    "INSERT OR REPLACE INTO embeddings VALUES (?, ?)", new.items()
                )
            made |= new
        return [made[key] for key in keys]


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
