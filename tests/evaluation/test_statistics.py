from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.summary import (
    interval,
    randomisation_p,
    share_interval,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@trying(40)
def test_an_interval_holds_the_mean_and_stays_among_the_values(values):
    low, high = interval(values)
    assert low - 1e-9 <= np.mean(values) <= high + 1e-9
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.parametrize("values", [[0.25], [0.25] * 7])
def test_an_interval_of_what_does_not_vary_is_a_point(values):
    assert interval(values) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[0, 0.5, 1], [0, 1, 1, 1], [0.5] * 4, [0, 0, 1e-9]])
def test_the_interval_of_shares_that_vary_is_that_of_any_values(values):
    assert share_interval(values) == interval(values)


@pytest.mark.parametrize("n", [1, 10, 300])
def test_the_interval_of_shares_that_are_all_at_one_end_is_wilsons(n):
    z = 1.959964
    assert share_interval([0.0] * n) == pytest.approx((0, z**2 / (n + z**2)))
    assert share_interval([1] * n) == pytest.approx((n / (n + z**2), 1))


@pytest.mark.parametrize("differences", [[], [0.0], [0.0] * 50])
def test_equal_results_differ_by_chance_alone(differences):
    assert randomisation_p(differences) == 1


def test_a_clear_difference_is_hardly_chance():
    assert randomisation_p([0.1] * 40) < 0.001
    assert randomisation_p([-0.1] * 40) < 0.001


@pytest.mark.parametrize(
    "differences",
    [
        [0.5, 0.5],
        [1, 1, -1, 1],
        [0.1, 0.2, 0.3, -0.4],
        [1, 0.5, 0.25, 0.125, -1, 0.7, 0.1, 0.9],
    ],
)
def test_the_probability_is_that_of_all_ways_to_swap_the_pairs(differences):
    sums = [
        sum(sign * value for sign, value in zip(signs, differences, strict=True))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    extreme = [abs(one) >= abs(sum(differences)) - 1e-9 for one in sums]
    assert randomisation_p(differences) == pytest.approx(np.mean(extreme), abs=0.02)
