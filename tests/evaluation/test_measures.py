from math import log2

import numpy as np
import pytest
from cases import each_of
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.measures import answer_found, measure_ranking
from ragqa.evaluation.summary import share_interval


def others(count):
    return [f"other-{n}" for n in range(count)]


def test_graded_relevance_is_discounted_by_rank_and_held_against_the_best_order():
    found = measure_ranking({"best": 2, "good": 1, "lost": 1}, ["other", "good", "best"])
    gained = 1 / log2(3) + 2 / log2(4)
    ideal = 2 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert found == pytest.approx(
        {
            "ndcg@10": gained / ideal,
            "recall@1": 0,
            "recall@5": 2 / 3,
            "recall@10": 2 / 3,
            "recall@100": 2 / 3,
            "mrr@10": 1 / 2,
        }
    )


@each_of("measure_depths")
def test_a_measure_sees_as_far_as_its_name_says(rank, reached):
    found = measure_ranking({"wanted": 1}, [*others(rank - 1), "wanted", "last"])
    assert {name for name, value in found.items() if value > 0} == set(reached)
    if rank <= 10:
        assert found["mrr@10"] == pytest.approx(1 / rank)
        assert found["ndcg@10"] == pytest.approx(1 / log2(rank + 1))


@each_of("answers_found")
def test_an_answer_is_found_where_its_words_stand_whole_and_together(said, answer, is_found):
    assert answer_found(["Something else.", said], ["no such thing", answer]) is is_found


def test_an_answer_is_not_put_together_from_two_sentences_nor_found_where_nothing_is_wanted():
    assert not answer_found(["It bakes rye", "bread and rolls."], ["rye bread"])
    assert not answer_found([], ["cat"])
    assert not answer_found(["A cat."], [])


@given(st.lists(st.floats(0.1, 0.9), min_size=1, max_size=30))
@trying(40)
def test_an_interval_holds_the_mean_and_stays_among_the_values(values):
    low, high = share_interval(values)
    assert low - 1e-9 <= np.mean(values) <= high + 1e-9
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize("n", [1, 10, 300])
def test_the_interval_of_shares_that_are_all_at_one_end_is_wilsons(n):
    z = 1.959964
    assert share_interval([0.0] * n) == pytest.approx((0, z**2 / (n + z**2)))
    assert share_interval([1] * n) == pytest.approx((n / (n + z**2), 1))
