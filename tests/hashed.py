"""An embedder without a model: hashed words and their character trigrams, deterministic and fast.

Texts that share words, or parts of words, get similar vectors; meaning plays no part. Once this is
imported, before the rest of ragqa, `hashed:64` names it like a model.
"""

import hashlib
import itertools
import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ragqa import embedders
from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vector, Vectors

KNOWS_HASHED = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); import hashed\n"
"""The first line of a program that knows it."""
COMMAND = (sys.executable, "-P", "-c", f"{KNOWS_HASHED}from ragqa.__main__ import main; main()")
"""The command `ragqa` in a process of its own, which knows it."""

VERSION = 1
WINDOW = 256
MAX_WORD_CHARS = 64

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashedEmbedder(embedders.Embedder):
    """An `Embedder` for tests, with variants under one name and a count of its work.

    :param salt: simulates other weights: it changes every vector and the digest, not the name.
    :ivar embedded: how many passages were embedded so far.
    """

    dtype = "float32"

    def __init__(self, dimension: int = 256, *, salt: str = "") -> None:
        self._salt = salt
        self.info = EmbedderInfo(
            name=f"hashed:{dimension}",
            weights_sha256=hashlib.sha256(f"{VERSION} {dimension} {salt}".encode()).hexdigest(),
            dimension=dimension,
            window=WINDOW,
            pooling="mean",
        )
        self.embedded = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's words and punctuation marks."""
        return [len(_TOKEN.findall(text)) for text in texts]

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """Count the words, each as well known as any."""
        words = sum(token[0].isalnum() for text in texts for token in _TOKEN.findall(text))
        return Pieces(words, words * MAX_WORD_CHARS, words)

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages in order; returns shape (len(texts), dimension), float32.

        :raises ValueError: a text exceeds the window.
        """
        vectors = np.empty((len(texts), self.info.dimension), np.float32)
        for position, (text, tokens) in enumerate(
            zip(texts, self.count_tokens(texts), strict=True)
        ):
            if tokens > WINDOW:
                raise ValueError(f"passage {position} has {tokens} tokens, the window is {WINDOW}")
            vectors[position] = self._read(text).pooled
            if progress is not None:
                progress("embedding", position + 1, len(texts))
        self.embedded += len(texts)
        return vectors

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question with its token vectors, truncated to the window."""
        return self._read(text)

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed candidate sentences with their token vectors, truncated to the window."""
        return [self._read(text) for text in texts]

    def _read(self, text: str) -> TokenVectors:
        matches = list(itertools.islice(_TOKEN.finditer(text), WINDOW))
        tokens = [match[0].casefold() for match in matches]
        vectors = np.empty((len(tokens), self.info.dimension), np.float32)
        for row, token in enumerate(tokens):
            vectors[row] = _word_vector(token, self.info.dimension, self._salt)
        # Each word counts once, and punctuation only if there are no words.
        rows = {token: row for row, token in enumerate(tokens) if token.isalnum()}
        pooled = vectors[list(rows.values())] if rows else vectors
        return TokenVectors(
            vectors=vectors,
            spans=tuple(match.span() for match in matches),
            pooled=_unit(pooled.sum(axis=0)),
        )


@lru_cache(maxsize=8192)
def _word_vector(word: str, dimension: int, salt: str) -> Vector:
    """A word's unit vector: its own hashed axis, and its trigrams' with half the weight."""
    framed = f"<{word[:MAX_WORD_CHARS]}>"
    trigrams = (framed[i : i + 3] for i in range(len(framed) - 2))
    vector = np.zeros(dimension, np.float32)
    for feature, weight in ((framed, 1.0), *((trigram, 0.5) for trigram in trigrams)):
        digest = hashlib.blake2b(
            f"{salt} {feature}".encode(errors="surrogatepass"), digest_size=8
        ).digest()
        number = int.from_bytes(digest)
        vector[number // 2 % dimension] += weight if number % 2 else -weight
    return _unit(vector)


def _unit(vector: Vector) -> Vector:
    """Scale to unit length; a zero vector becomes the first axis."""
    norm = float(np.linalg.norm(vector))
    if norm > 0:
        return np.asarray(vector / norm, np.float32)
    first = np.zeros(len(vector), np.float32)
    first[0] = 1
    return first


_of_a_model = embedders.embedder_for


def _embedder_for(model: str, *, building: bool, dtype: str = "") -> embedders.Embedder:
    kind, _, dimension = model.partition(":")
    if kind == "hashed":
        return HashedEmbedder(int(dimension))
    return _of_a_model(model, building=building, dtype=dtype)


embedders.embedder_for = _embedder_for
