"""Embeddings that are made fast and lie in their space as real ones do.

The real model takes ten hours for a million passages. Here a passage's embedding is the mean of its
words', weighted by rarity, with noise that its text decides; so passages that share words and
topics are near each other, and the noise stands for all that a bag of words does not say.
"""

import random
import re
import zlib
from collections.abc import Sequence

import numpy as np
from lexicon import Lexicon, load_lexicon

from ragqa.embedders import CANARY, DEFAULT_MODEL, Embedder, embedder_for
from ragqa.text.words import STOP_WORDS
from ragqa.types import Pieces, Progress, TokenVectors, Vectors

_WORD = re.compile("[a-z]+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_BATCH = 1000

# The following were chosen so that made embeddings lie as real ones do (docs/performance.md).
_RARITY = 1e-3
"""A word that is as common as this counts half of what one that is never seen does."""

_NOISE, _NOISE_SPREAD = 0.3, 0.7
"""How long the noise is beside the rest, by its median and the deviation of its logarithm."""

_UNSAID_FROM = 60
"""A text of fewer words has less noise: there is less that its words leave unsaid."""

_FLATTENING = 0.1
"""The power of its variance that each principal component is divided by, since single words lie
more in a few dimensions than passages do."""


class SyntheticEmbedder(Embedder):
    """An `Embedder` that passes for the real one, so that the real one can ask what it indexed.

    It has the real one's fingerprint, counts its tokens, and gives its vector for the canary.
    """

    def __init__(self, lexicon: Lexicon, real: Embedder) -> None:
        self._real = real
        self.info, self.dtype = real.info, real.dtype
        self._rows = {word: row for row, word in enumerate(lexicon.words)}
        centred = lexicon.vectors - lexicon.vectors.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(centred, rowvar=False))
        variances = np.maximum(variances, 1e-9)  # rounding makes those of empty directions negative
        scale = variances**-_FLATTENING
        rarity = _RARITY / (_RARITY + lexicon.frequencies)
        self._table = np.asarray((centred * rarity[:, None]) @ axes * scale @ axes.T, np.float32)
        deviations = np.sqrt(variances) * scale
        self._shape = np.asarray(deviations / np.linalg.norm(deviations) * axes, np.float32).T

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and marks, which made notes' tokens are but for names; a tenth of the real cost."""
        return [len(_TOKEN.findall(text)) + 2 for text in texts]

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """The real one's word pieces."""
        return self._real.pieces(texts)

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages, in the order given."""
        vectors = np.empty((len(texts), self.info.dimension), np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            vectors[start : start + len(batch)] = self._embed(batch)
            if progress is not None:
                progress("embedding", start + len(batch), len(texts))
        for row in [row for row, text in enumerate(texts) if text == CANARY]:
            vectors[row] = self._real.embed_passages([CANARY])[0]
        return vectors

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question."""
        return self.embed_sentences([text])[0]

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed sentences as if each were one token."""
        return [
            TokenVectors(vector[None], ((0, len(text)),), vector)
            for text, vector in zip(texts, self.embed_passages(texts), strict=True)
        ]

    def _embed(self, texts: Sequence[str]) -> Vectors:
        sums = np.zeros((len(texts), self._table.shape[1]), np.float32)
        noise = np.empty_like(sums)
        for place, text in enumerate(texts):
            rows = [self._row(word) for word in _WORD.findall(text.lower())]
            if rows:
                sums[place] = self._table[rows].sum(axis=0)
            seed = zlib.crc32(text.encode(errors="surrogatepass"))
            rng = np.random.default_rng(seed)
            weight = min(1.0, len(rows) / _UNSAID_FROM) * rng.lognormal(0, _NOISE_SPREAD)
            noise[place] = weight * rng.standard_normal(noise.shape[1])
        return _unit(_unit(sums) + _NOISE * (noise @ self._shape))

    def _row(self, word: str) -> int:
        """The word's row; a word that nobody knows has that of some other one."""
        row = self._rows.get(word)
        return zlib.crc32(word.encode()) % len(self._rows) if row is None else row


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return np.asarray(vectors / lengths, np.float32)


def synthetic_embedder(model: str = DEFAULT_MODEL, *, building: bool = True) -> SyntheticEmbedder:
    """Make the one that passes for a model; both of its forms are the same."""
    del building
    return SyntheticEmbedder(load_lexicon(), embedder_for(model, building=False))


def make_question(rng: random.Random, passage: str) -> str:
    """Ask about a passage, with some of its words."""
    words = [
        word for word in dict.fromkeys(_WORD.findall(passage.lower())) if word not in STOP_WORDS
    ]
    first, second, *others = [*rng.sample(words, min(10, len(words))), "notes", "notes"]
    return f"What is the {first} of {second} {' '.join(others)}?"
