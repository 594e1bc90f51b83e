"""What every embedder promises, checked on the building one and the asking one."""

import functools

import numpy as np
import pytest
import torch
from tongues import TEXTS as TONGUES

from ragqa.embedders import CANARY, DEFAULT_MODEL, Embedder, embedder_for
from ragqa.search.question import share_read
from ragqa.types import Pieces

TEXTS = [
    "Fine-tuning changes the weights of a model.",
    "No.",
    "The weights of a model are changed by fine-tuning it. " * 8,
    "Bread dough rises faster in a warm kitchen.",
    "Naïve café owners paid 1,234.50 € in Zürich; 東京 was dearer 🙂.",
]


@pytest.fixture(scope="session")
def loaded(own_home):
    """Load each embedder once, on first use."""
    # A few short texts are quicker on one thread, above all where other processes run too.
    torch.set_num_threads(1)
    return functools.cache(lambda use: embedder_for(DEFAULT_MODEL, building=use == "building"))


@pytest.fixture(params=["building", "asking"])
def embedder(request, loaded) -> Embedder:
    return loaded(request.param)


def cosines(first, second):
    return (np.asarray(first) * np.asarray(second)).sum(axis=-1)


def text_of(embedder: Embedder, tokens: int) -> str:
    """A text of exactly so many tokens."""
    overhead = embedder.count_tokens([""])[0]
    text = " ".join(["word"] * (tokens - overhead))
    assert embedder.count_tokens([text]) == [tokens]
    return text


def test_embeddings_are_float32_rows_of_unit_length_none_for_no_texts(embedder):
    vectors = embedder.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.info.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed_passages([]).shape == (0, embedder.info.dimension)
    assert (embedder.embed_sentences([]), embedder.count_tokens([])) == ([], [])


def test_a_text_has_the_same_vector_alone_and_among_others_in_any_order(embedder):
    alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS])
    assert cosines(alone, embedder.embed_passages(TEXTS)).min() > 0.9995
    assert cosines(alone[::-1], embedder.embed_passages(TEXTS[::-1])).min() > 0.9995
    np.testing.assert_array_equal(embedder.embed_passages(TEXTS), embedder.embed_passages(TEXTS))


def test_a_question_finds_the_passage_that_answers_it(embedder):
    question = embedder.embed_query("When does bread dough rise faster?").pooled
    assert int(np.argmax(embedder.embed_passages(TEXTS) @ question)) == 3


def test_a_passage_that_fills_the_window_is_embedded_and_one_token_more_is_refused(embedder):
    full = text_of(embedder, embedder.info.window)
    assert embedder.embed_passages([full]).shape[0] == 1
    with pytest.raises(ValueError, match=r"passage 1 has \d+ tokens"):
        embedder.embed_passages(["short", text_of(embedder, embedder.info.window + 1)])
    assert embedder.count_tokens([text_of(embedder, 3 * embedder.info.window)])[0] > 700


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        TONGUES["en"],
        ["I got up at six and ran by the sea. Then I met Tom at the shop and we had tea."],
        ["- call Bob re: Q3 plan\n- fix CI, PR 1234 to be cut by 5 pm\n- Dr. Lee at 9:30"],
    ],
)
def test_an_embedder_reads_english_however_short_the_words(embedder, texts):
    assert share_read(embedder.pieces(texts)) == 1


def test_the_pieces_of_texts_are_those_of_each_added_up_and_none_without_words(embedder):
    alone = [embedder.pieces([text]) for text in TEXTS]
    assert embedder.pieces(TEXTS) == sum(alone, Pieces())
    assert embedder.pieces(["", "?!", "\ud800"]) == embedder.pieces([]) == Pieces()


def test_the_default_model_reads_no_chinese_and_german_in_part(loaded):
    pieces = loaded("asking").pieces
    read = {code: share_read(pieces([text])) for code, (_, text) in TONGUES.items()}
    assert read["en"] == 1
    assert {code for code in ("zh", "ko", "ta") if read[code]} == set()
    assert 0 < read["de"] < 0.8


def test_a_question_or_sentence_beyond_the_window_is_cut(embedder):
    text = "why " * 10 * embedder.info.window
    for found in (embedder.embed_query(text), *embedder.embed_sentences([text])):
        assert 0 < len(found.spans) <= embedder.info.window
        assert found.spans[-1][1] < len(text)


def test_token_vectors_are_unit_rows_one_for_each_span_in_order(embedder):
    sentences = embedder.embed_sentences(TEXTS)
    pooled = [sentence.pooled for sentence in sentences]
    assert cosines(pooled, embedder.embed_passages(TEXTS)).min() > 0.9995
    found = [embedder.embed_query(TEXTS[0]), *sentences]
    for text, token in zip([TEXTS[0], *TEXTS], found, strict=True):
        assert token.vectors.shape == (len(token.spans), embedder.info.dimension)
        assert token.vectors.dtype == token.pooled.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(token.vectors, axis=1), 1, atol=1e-5)
        assert (token.spans[0][0], token.spans[-1][1]) == (0, len(text.rstrip()))
        assert list(token.spans) == sorted(token.spans)
        assert all(text[start:end].strip() == text[start:end] != "" for start, end in token.spans)


@pytest.mark.parametrize("text", ["", " \n", "?!", "\0", "\ud800", "a \udfff b", "\u200b"])
def test_odd_texts_are_embedded_without_a_crash(embedder, text):
    for pooled in (
        embedder.embed_passages([text])[0],
        embedder.embed_query(text).pooled,
        embedder.embed_sentences([text])[0].pooled,
    ):
        assert np.linalg.norm(pooled) == pytest.approx(1, abs=1e-5)
    assert embedder.count_tokens([text])[0] >= 0


def test_progress_is_told_until_all_is_done(embedder):
    told = []
    embedder.embed_passages(TEXTS * 4, progress=lambda *step: told.append(step))
    total = len(TEXTS) * 4
    assert told[-1] == ("embedding", total, total)
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert {(stage, of) for stage, _, of in told} == {("embedding", total)}


def test_building_and_asking_have_one_fingerprint_and_agree(loaded):
    building, asking = loaded("building"), loaded("asking")
    assert building.info == asking.info
    texts = [CANARY, *TEXTS]
    assert cosines(building.embed_passages(texts), asking.embed_passages(texts)).min() >= 0.998
    assert building.count_tokens(texts) == asking.count_tokens(texts)
    for ours, theirs in zip(
        building.embed_sentences(texts), asking.embed_sentences(texts), strict=True
    ):
        assert ours.spans == theirs.spans
        assert cosines(ours.vectors, theirs.vectors).min() >= 0.99
