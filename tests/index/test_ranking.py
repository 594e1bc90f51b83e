"""The order of candidates, and how many must be looked at to know it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.index.ranking import TOLERANCE, rank, top_k

SCORES = st.sampled_from([0.0, 0.25, 0.5, 0.5 + TOLERANCE / 2, 1.0, 7.0, -1.0])
CANDIDATES = st.dictionaries(st.integers(-50, 50), SCORES, max_size=40).map(
    lambda scores: list(scores.items())
)


def test_better_scores_come_first_and_equal_ones_by_id():
    assert rank([(3, 0.5), (-9, 0.5), (1, 0.75)]) == [(1, 0.75), (-9, 0.5), (3, 0.5)]


@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_scores_that_differ_by_rounding_alone_are_made_equal(scale):
    nearly = scale * (1 - TOLERANCE / 2)
    assert rank([(2, scale), (1, nearly)]) == [(1, scale), (2, scale)]
    clearly = scale * (1 - 2 * TOLERANCE)
    assert rank([(2, scale), (1, clearly)]) == [(2, scale), (1, clearly)]


def test_a_run_of_near_scores_does_not_drift():
    run = [(-place, 1 - 0.8 * TOLERANCE * place) for place in range(5)]
    assert [score for _, score in rank(run)] == [run[0][1]] * 2 + [run[2][1]] * 2 + [run[4][1]]


@given(CANDIDATES, st.integers(-1, 45))
def test_the_best_are_those_of_all_however_ties_are_cut(candidates, k):
    def fetch(limit):
        # Of equal scores the highest ids first: the opposite of what is wanted.
        return sorted(candidates, key=lambda item: (-item[1], -item[0]))[:limit]

    for total in (len(candidates), len(candidates) + 100):
        assert top_k(fetch, k, total) == rank(candidates)[: max(k, 0)]
