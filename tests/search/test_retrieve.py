"""Fusing the two legs, and what counts as a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.search.question import MAX_QUESTION_BYTES, clean_question
from ragqa.search.retrieve import fuse

SCORED = st.dictionaries(
    st.integers(-20, 20), st.floats(0.01, 30, allow_nan=False), max_size=12
).map(lambda scores: sorted(scores.items(), key=lambda item: (-item[1], item[0])))


@given(SCORED, SCORED, st.floats(0, 1), st.floats(0.1, 50))
def test_fused_scores_are_not_negative_best_first_with_ties_by_id(dense, terms, weight, length):
    fused = fuse(dense, terms, dense_weight=weight, length=length)
    assert {passage_id for passage_id, _ in fused} == {i for i, _ in dense} | {i for i, _ in terms}
    assert all(score >= 0 for _, score in fused)
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


@given(SCORED, SCORED)
def test_a_weight_of_one_or_zero_ranks_by_one_leg(dense, terms):
    for weight, leg in ((1.0, dense), (0.0, terms)):
        scores = dict(fuse(dense, terms, dense_weight=weight))
        ranked = [scores[passage_id] for passage_id, _ in leg]
        assert ranked == sorted(ranked, reverse=True)
        assert all(score == 0 for id_, score in scores.items() if id_ not in dict(leg))


def test_a_leg_that_found_nothing_good_hardly_counts():
    dense = [(1, 0.9), (2, 0.3), (3, 0.2)]
    weak_terms = [(3, 0.5), (2, 0.4)]
    assert fuse(dense, weak_terms, dense_weight=0.5, length=10.0)[0][0] == 1
    assert fuse(dense, weak_terms, dense_weight=0.5, length=0.1)[0][0] == 3


def test_a_passage_that_both_legs_rank_high_beats_one_that_only_one_does():
    dense = [(1, 0.9), (2, 0.8), (3, 0.1)]
    terms = [(2, 9.0), (4, 8.0)]
    assert fuse(dense, terms, dense_weight=0.5)[0][0] == 2


def test_control_characters_and_outer_space_of_a_question_go():
    assert clean_question("  what\x00 is\n\tthis?\x1b ") == "what is this?"
    assert clean_question("نمی\u200cخواهم") == "نمی\u200cخواهم"


@pytest.mark.parametrize("text", ["", " \n", "?!", "\x00\x01"])
def test_a_question_without_words_is_refused(text):
    with pytest.raises(UsageError):
        clean_question(text)


def test_a_long_question_is_refused_by_its_bytes():
    clean_question("é" * (MAX_QUESTION_BYTES // 2))
    with pytest.raises(UsageError, match="8000"):
        clean_question("é" * (MAX_QUESTION_BYTES // 2 + 1))
