"""Passages through an embedder, part by part, to where embeddings are kept."""

from dataclasses import dataclass

import numpy as np
import pytest
from hashed import HashedEmbedder
from hypothesis import given
from hypothesis import strategies as st

from ragqa.embedders import here
from ragqa.indexing.building import SAVED_TOGETHER, Embedding
from ragqa.types import no_progress

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

    def vectors(self, keys):
        return {key: self.saved[key] for key in keys if key in self.saved}

    def save(self, passages, vectors):
        self.saved |= zip((one.embedding_key for one in passages), vectors, strict=True)


@pytest.fixture(autouse=True, scope="module")
def small_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ragqa.indexing.building.SAVED_TOGETHER", TOGETHER)
        assert SAVED_TOGETHER > TOGETHER
        yield


keys = st.lists(st.integers(0, 30), max_size=10)


@given(chunks=st.lists(keys, max_size=12))
def test_each_text_of_every_chunk_is_embedded_once_and_saved(chunks):
    embedder, writer = HashedEmbedder(16), Saving()
    told = []
    embedding = Embedding(
        writer, embedder, 10_000 * len(chunks), lambda _stage, done, _total: told.append(done)
    )
    with here(embedder, no_progress) as embed_parts:
        for chunk in chunks:
            embedding.embed([Text(n, key) for n, key in enumerate(chunk)], 10_000, embed_parts)
    assert writer.saved.keys() == {key for chunk in chunks for key in chunk}
    for key, vector in writer.saved.items():
        assert np.array_equal(vector, embedder.embed_query(f"text {key}").pooled)
    assert told == sorted(told)
    assert not told or told[-1] == pytest.approx(10 * len(chunks), abs=1)
    assert embedding.computed == len(writer.saved)
