"""Fusing the two legs, and what counts as a question."""

from unittest.mock import Mock

import pytest
from excerpting import asked
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.search.question import MAX_QUESTION_BYTES, clean_question
from ragqa.search.retrieve import fuse, retrieve

SCORED = st.dictionaries(
    st.integers(-20, 20), st.floats(0.01, 30, allow_nan=False), max_size=12
).map(lambda scores: sorted(scores.items(), key=lambda item: (-item[1], item[0])))


@given(SCORED, SCORED, st.floats(0, 1), st.floats(0.1, 50))
def test_fused_scores_are_not_negative_best_first_with_ties_by_id(dense, terms, weight, length):
    fused = fuse(dense, terms, dense_weight=weight, length=length)
    assert {passage_id for passage_id, _ in fused} == {i for i, _ in dense} | {i for i, _ in terms}
    assert all(score >= 0 for _, score in fused)
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))


def test_a_cosine_counts_above_the_lowest_one_and_a_score_by_the_length_of_the_question():
    dense, terms = [(1, 0.9), (2, 0.3)], [(2, 5.0), (3, 2.5)]
    fused = dict(fuse(dense, terms, dense_weight=0.25, length=2.0))
    assert fused == pytest.approx({1: 0.25 * 0.6 / 0.5, 2: 0.75 * 5 / 2.5, 3: 0.75 * 2.5 / 2.5})
    assert fuse(dense, [], dense_weight=0.5) == [(1, pytest.approx(0.6)), (2, 0.0)]


@pytest.mark.parametrize(("k", "wanted"), [(3, 200), (300, 300)])
def test_each_leg_gives_the_candidates_that_are_fused_and_never_fewer_than_are_wanted(k, wanted):
    snapshot = Mock(
        **{"nearest.return_value": (), "best.return_value": (), "passages.return_value": []}
    )
    retrieve(snapshot, asked("figs"), k)
    assert snapshot.nearest.call_args.args[1] == snapshot.best.call_args.args[1] == wanted


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
