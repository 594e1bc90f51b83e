"""Reading the first passages closely, with the embedder that needs no model."""

from dataclasses import replace

import numpy as np
import pytest
from excerpting import EMBEDDER, asked, passages_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering import Evidence
from ragqa.answering.assessment import shipped
from ragqa.answering.candidates import PASSAGES, candidates_of
from ragqa.answering.score import content_tokens, read, read_together, score
from ragqa.rerankers import Reranker
from ragqa.types import Hit, TokenVectors, Verdict, verdict_of
from ragqa.types.answers import SURE_FROM


def passage_of(path, text):
    (passage,) = passages_of(text, path)
    return passage


FIGS = passage_of("figs.md", "# Figs\n\nThe tree is old.\n\nIt ripens its fruit in August.\n")
PIANOS = passage_of("pianos.md", "# Pianos\n\nA piano has strings.\n\nIts keys are black.\n")


def found(question, *passages, idf=("fig", "ripen", "fruit"), **more):
    """A question, and these passages, found for it in this order."""
    hits = tuple(Hit(p, score=1 - i / 100, dense=0.5, terms=1.0) for i, p in enumerate(passages))
    return asked(question, idf=dict.fromkeys(idf, 1.0), **more), hits


def sentences_of(hits):
    return candidates_of(hits, Evidence.of_passages(hits))


def test_a_passage_whose_words_are_closer_to_the_question_comes_first():
    reading = read(*found("when do figs ripen fruit", PIANOS, FIGS), EMBEDDER)
    assert [hit.passage.path for hit in reading.hits] == ["figs.md", "pianos.md"]
    assert {FIGS.id, PIANOS.id} == reading.tokens.keys()


def test_what_lies_behind_the_passages_read_keeps_its_order():
    numbers = [f"{i}.md" for i in range(PASSAGES + 3)]
    passages = [passage_of(path, f"# Note\n\nSentence {path} stands here.\n") for path in numbers]
    reading = read(*found("figs and their fruit", *passages), EMBEDDER)
    paths = [hit.passage.path for hit in reading.hits]
    assert (paths[PASSAGES:], sorted(paths)) == (numbers[PASSAGES:], numbers)
    assert len(reading.tokens) == PASSAGES


def test_the_tokens_of_a_sentence_are_those_of_its_words_and_its_headings():
    reading = read(*found("figs", FIGS), EMBEDDER)
    encoded = EMBEDDER.embed_sentences([FIGS.embedded_text])[0]
    words = [FIGS.embedded_text[start:end] for start, end in encoded.spans]
    sentence = next(one for one in sentences_of(reading.hits) if "ripens" in one.quote)
    own, above = reading.of(sentence)
    first = words.index("It")
    assert np.array_equal(own, encoded.vectors[first : first + len(own)])
    assert words[first : first + len(own)] == ["It", "ripens", "its", "fruit", "in", "August", "."]
    assert np.array_equal(above, encoded.vectors[: len(above)])
    assert "".join(words[: len(above)]).startswith("Figs")


def test_the_sentence_that_says_it_is_closest():
    reading = read(*found("when do figs ripen fruit", PIANOS, FIGS), EMBEDDER)
    scored = score(reading, sentences_of(reading.hits))
    for signal in ("maxsim", "coverage"):
        closest = max(scored, key=lambda one: one.signals[signal])
        assert "August" in closest.text


def test_nothing_is_encoded_where_the_embedder_cannot_read_the_question():
    reading = read(*found("figs fruit", PIANOS, FIGS, readable=0.0), EMBEDDER)
    scored = score(reading, sentences_of(reading.hits))
    assert reading.tokens == {}
    assert [hit.passage.path for hit in reading.hits] == ["pianos.md", "figs.md"]
    for one in scored:
        assert one.signals["cosine"] == one.signals["maxsim"] == 0.0


def test_what_the_embedder_reads_in_part_weighs_less():
    question, hits = found("when do figs ripen fruit", PIANOS, FIGS)
    whole, half = (
        max(hit.score for hit in read(replace(question, readable=share), hits, EMBEDDER).hits)
        for share in (1.0, 0.5)
    )
    assert whole > half > hits[0].score


def test_a_sentence_has_the_terms_of_its_language():
    passage = replace(passage_of("a.md", "# Note\n\nDie Häuser sind alt.\n"), language="de")
    reading = read(*found("welches Haus", passage, idf=["haus"], languages=("de",)), EMBEDDER)
    (one,) = score(reading, sentences_of(reading.hits))
    assert one.signals["coverage"] == 1.0


@pytest.mark.parametrize(
    ("question", "kept"),
    [("what is red", ["red"]), ("who are you", ["who", "are", "you"])],
)
def test_only_the_content_words_of_a_question_are_matched_unless_there_are_none(question, kept):
    words = question.split()
    spans, position = [], 0
    for word in words:
        spans.append((position, position + len(word)))
        position += len(word) + 1
    vectors = np.eye(len(words), dtype=np.float32)
    encoded = TokenVectors(vectors=vectors, spans=tuple(spans), pooled=vectors[0])
    assert [words[i] for i in content_tokens(asked(question, vectors=encoded))] == kept


class Counting(Reranker):
    """A reranker to whom the longer text answers better."""

    def __init__(self):
        self.read = []

    def score(self, question, texts):
        self.read += [question, *texts]
        return [float(len(text)) for text in texts]


def test_a_reranker_is_given_each_sentence_and_each_passage_once_without_their_headings():
    _, hits = found("when do figs ripen fruit", FIGS, PIANOS)
    candidates, reranker = sentences_of(hits), Counting()
    scores = read_together(reranker, "when do figs ripen fruit", candidates)
    assert reranker.read == [
        "when do figs ripen fruit",
        *(one.quote for one in candidates),
        "The tree is old.\n\nIt ripens its fruit in August.",
        "A piano has strings.\n\nIts keys are black.",
    ]
    assert max(scores) == 1.0
    assert scores[0] == 0.5
    assert candidates[int(np.argmax(scores))].quote == "It ripens its fruit in August."
    assert read_together(Reranker(), "when do figs ripen fruit", candidates) == []


def test_a_reranker_counts_as_much_as_the_ranking_of_the_passage_and_changes_no_other_signal():
    reading = read(*found("when do figs ripen fruit", PIANOS, FIGS), EMBEDDER)
    candidates = sentences_of(reading.hits)
    alone = score(reading, candidates)
    helped = score(reading, candidates, [1.0] * len(candidates))
    for one, other in zip(alone, helped, strict=True):
        assert (other.signals, other.reranked > 0) == (one.signals, True)
        assert other.unread_score == pytest.approx(one.score)


FEATURES = sorted({name for model in shipped().values() for name in model.features})


@given(st.fixed_dictionaries({name: st.floats(-1e6, 1e6) for name in FEATURES}))
def test_a_probability_is_one_whatever_the_features_are(features):
    for model in shipped().values():
        assert 0 < model.threshold < 0.5
        assert 0 < model.probability(features) < 1


@pytest.mark.parametrize(
    ("confidence", "missing", "answered", "verdict"),
    [
        (SURE_FROM, (), True, Verdict.ANSWERED),
        (SURE_FROM - 0.01, (), True, Verdict.CLOSE),
        (0.9, ("INT4",), True, Verdict.CLOSE),
        (0.1, ("INT4",), False, Verdict.NOT_IN_NOTES),
    ],
)
def test_a_verdict_is_close_where_something_is_missing_or_it_is_not_sure(
    confidence, missing, answered, verdict
):
    assert verdict_of(confidence, missing, answered=answered) is verdict
