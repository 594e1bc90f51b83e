"""Chunks of passages through workers: in order, and as far ahead as these want."""

import operator
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.indexing.building import SAVED_TOGETHER, Chunk, Embedding

TOGETHER = 4


@dataclass(frozen=True)
class Text:
    """A passage as far as embedding knows it."""

    id: int
    embedding_key: int

    @property
    def embedded_text(self):
        return f"text {self.embedding_key}"


class Saving:
    """A writer that keeps what it is given to save."""

    def __init__(self):
        self.saved = {}

    def resume(self, *_):
        return 0

    def vectors(self, keys):
        return {key: self.saved[key] for key in keys if key in self.saved}

    def save(self, keys, vectors):
        self.saved |= zip(keys, vectors, strict=True)


class Slow:
    """Workers that want so many batches ahead, and count how many they have."""

    def __init__(self, embedder, ahead):
        self.ahead, self.most = ahead, 0
        self._embedder, self._given = embedder, deque()

    def give(self, texts):
        self._given.append(texts)
        self.most = max(self.most, len(self._given))

    def take(self, progress):
        return self._embedder.embed_passages(self._given.popleft(), progress=progress)


@pytest.fixture(autouse=True, scope="module")
def small_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ragqa.indexing.building.SAVED_TOGETHER", TOGETHER)
        assert SAVED_TOGETHER > TOGETHER
        yield


keys = st.lists(st.integers(0, 30), max_size=10)


@given(chunks=st.lists(keys, max_size=12), ahead=st.integers(0, 9))
def test_every_chunk_comes_back_in_order_with_each_of_its_embeddings(chunks, ahead):
    embedder, writer = HashedEmbedder(16), Saving()
    workers = Slow(embedder, ahead)
    given_chunks = [
        Chunk(passages=[Text(i, key) for i, key in enumerate(each)], size=10) for each in chunks
    ]
    told = []
    embedding = Embedding(writer, embedder)
    found = list(embedding.embed_chunks(iter(given_chunks), workers, told.append))
    assert all(map(operator.is_, found, given_chunks))
    assert len(found) == len(given_chunks)
    for chunk in found:
        assert chunk.vectors.keys() == {passage.embedding_key for passage in chunk.passages}
        for passage in chunk.passages:
            expected = embedder.embed_query(passage.embedded_text).pooled
            assert np.array_equal(chunk.vectors[passage.embedding_key], expected)
    assert told == sorted(told)
    assert workers.most <= ahead + 3  # a chunk has at most three parts
