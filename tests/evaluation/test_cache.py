import numpy as np
import pytest

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.errors import UsageError
from ragqa.evaluation.cache import CachedEmbedder
from ragqa.indexing import Embedders

TEXTS = ("Rye bread is baked before sunrise.", "The river is cold.", "Foxes live in the wood.")
SENTENCES = ("The bakery opens at seven.", "It sells rye bread.")


class Watched(HashedEmbedder):
    """Tells how many sentences it embedded, and may break down."""

    def __init__(self, *, salt="", breaks_after=10**9):
        super().__init__(64, salt=salt)
        self._breaks_after = breaks_after
        self.sentences = 0

    def embed_passages(self, texts, *, progress=None):
        if self.embedded + len(texts) > self._breaks_after:
            raise KeyboardInterrupt
        return super().embed_passages(texts, progress=progress)

    def embed_sentences(self, texts):
        self.sentences += len(texts)
        return super().embed_sentences(texts)


def watched(embedder):
    """Embedders that are both the one given."""
    return Embedders("watched", lambda *_, **__: embedder)


def files(folder):
    return {path.name for path in folder.glob("*.sqlite")}


def test_passages_are_embedded_as_without_a_cache_in_the_order_asked(tmp_path):
    embedders = Embedders("hashed:64")
    asked = [TEXTS[2], TEXTS[0], TEXTS[2], TEXTS[1]]
    with CachedEmbedder.open(embedders, tmp_path) as cached:
        found = cached.embed_passages(asked)
    assert np.array_equal(found, HashedEmbedder(64).embed_passages(asked))
    assert found.dtype == np.float32
    assert embedders.building.embedded == 3


def test_a_second_opening_computes_no_passage_and_gives_the_same(tmp_path):
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path) as cached:
        first = cached.embed_passages(TEXTS)
    again = Embedders("hashed:64")
    with CachedEmbedder.open(again, tmp_path) as cached:
        assert np.array_equal(cached.embed_passages(TEXTS), first)
        assert again.building.embedded == 0
        cached.embed_passages([*TEXTS, "Something new."])
        assert again.building.embedded == 1


def test_nothing_asked_for_is_nothing_embedded(tmp_path):
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path) as cached:
        assert cached.embed_passages([]).shape == (0, 64)
        assert cached.embed_sentences([]) == []


def test_a_text_that_is_not_unicode_is_kept_too(tmp_path):
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path) as cached:
        first = cached.embed_passages(["caf\udce9"])
        assert np.array_equal(cached.embed_passages(["caf\udce9"]), first)


def test_a_second_opening_computes_no_sentence_and_gives_the_same(tmp_path):
    first, second = Watched(), Watched()
    with CachedEmbedder.open(watched(first), tmp_path) as cached:
        before = cached.embed_sentences(SENTENCES)
    with CachedEmbedder.open(watched(second), tmp_path) as cached:
        after = cached.embed_sentences(SENTENCES[::-1])[::-1]
    assert (first.sentences, second.sentences) == (2, 0)
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.vectors, other.vectors)
        assert np.array_equal(one.pooled, other.pooled)


def test_vectors_of_tokens_are_rounded_to_half_precision_from_the_first(tmp_path):
    exact = HashedEmbedder(64).embed_sentences(SENTENCES)
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path) as cached:
        found = cached.embed_sentences(SENTENCES)
    for one, other in zip(found, exact, strict=True):
        assert one.vectors.dtype == np.float32
        assert np.array_equal(one.vectors, other.vectors.astype(np.float16))
        assert not np.array_equal(one.vectors, other.vectors)
        assert np.array_equal(one.pooled, other.pooled)


def test_a_sentence_that_stands_twice_is_embedded_once(tmp_path):
    embedder = Watched()
    with CachedEmbedder.open(watched(embedder), tmp_path) as cached:
        one, other = cached.embed_sentences([SENTENCES[0]] * 2)
    assert embedder.sentences == 1
    assert np.array_equal(one.vectors, other.vectors)


def test_questions_and_counts_are_those_of_the_embedder(tmp_path):
    plain = HashedEmbedder(64)
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path) as cached:
        assert cached.info == plain.info
        assert cached.count_tokens(TEXTS) == plain.count_tokens(TEXTS)
        found, exact = cached.embed_query("who bakes?"), plain.embed_query("who bakes?")
    assert np.array_equal(found.vectors, exact.vectors)
    assert (found.spans, found.pooled.tolist()) == (exact.spans, exact.pooled.tolist())


def test_another_embedder_has_another_file(tmp_path):
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path) as cached:
        cached.embed_passages(TEXTS)
    one = files(tmp_path)
    other = Watched(salt="other weights, same name")
    with CachedEmbedder.open(watched(other), tmp_path) as cached:
        found = cached.embed_passages(TEXTS)
    assert other.embedded == 3
    assert np.array_equal(found, HashedEmbedder(64, salt=other._salt).embed_passages(TEXTS))
    assert len(one) == 1
    assert len(files(tmp_path)) == 2


def test_a_stop_loses_little_of_what_was_embedded(tmp_path):
    texts = [f"passage {n}" for n in range(1100)]
    with (
        pytest.raises(KeyboardInterrupt),
        CachedEmbedder.open(watched(Watched(breaks_after=600)), tmp_path) as cached,
    ):
        cached.embed_passages(texts)
    embedder, seen = Watched(), []
    with CachedEmbedder.open(watched(embedder), tmp_path) as cached:
        found = cached.embed_passages(texts, progress=lambda *told: seen.append(told))
    left = embedder.embedded
    assert 500 <= left < 600
    assert seen[-1] == ("embedding", left, left)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert np.array_equal(found, HashedEmbedder(64).embed_passages(texts))


def test_a_file_that_is_no_cache_is_named_with_how_to_mend_it(tmp_path):
    with CachedEmbedder.open(Embedders("hashed:64"), tmp_path):
        [name] = files(tmp_path)
    path = tmp_path / name
    path.write_bytes(b"this is no database, and long enough to be seen as none" * 20)
    with pytest.raises(UsageError) as raised, CachedEmbedder.open(Embedders("hashed:64"), tmp_path):
        pass
    assert str(path) in raised.value.message
    assert f"rm {path}" in raised.value.hint
    assert "RAGQA_CACHE" in raised.value.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("a file")
    folder = tmp_path / "taken" / "cache"
    with (
        pytest.raises(UsageError, match="taken"),
        CachedEmbedder.open(Embedders("hashed:64"), folder),
    ):
        pass


def test_an_error_of_somebody_else_is_not_blamed_on_the_cache(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="somebody else"),
        CachedEmbedder.open(Embedders("hashed:64"), tmp_path),
    ):
        raise FileNotFoundError("somebody else's file")


def test_the_cache_lies_in_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path))
    with CachedEmbedder.open(Embedders("hashed:64")) as cached:
        cached.embed_passages(TEXTS)
    assert len(files(tmp_path / "evaluation")) == 1
