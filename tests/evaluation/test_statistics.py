from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.statistics import (
    auroc,
    calibration,
    interval,
    measure_interval,
    randomisation_p,
    share_interval,
)

scores = st.lists(st.integers(0, 8).map(lambda n: n / 8), min_size=1, max_size=12)


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
        [0.3],
        [0.5, 0.5],
        [1, 1, 1, 1, 1],
        [1, 1, -1, 1],
        [0.1, 0.2, 0.3, -0.4],
        [0.1, 0.1, 0.1, 0.3, -0.1, 0.2],
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


@given(scores, scores, st.randoms(use_true_random=False))
@trying(60)
def test_auroc_is_the_share_of_pairs_in_order_with_ties_as_halves(positive, negative, random):
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    questions = [(p, True) for p in positive] + [(n, False) for n in negative]
    random.shuffle(questions)
    found = auroc([c for c, _ in questions], [a for _, a in questions])
    assert found == pytest.approx(np.mean(pairs))


# Two in three answerable questions have more confidence than each of the others.
MIXED = ([0.9, 0.8, 0.1, 0.5, 0.4, 0.2], [True, True, True, False, False, False])


@pytest.mark.parametrize("measure", [auroc, calibration])
def test_the_interval_of_a_measure_of_confidence_holds_it_and_is_the_same_each_time(measure):
    confidence, answerable = MIXED[0] * 5, MIXED[1] * 5
    low, high = measure_interval(measure, confidence, answerable)
    assert low < measure(confidence, answerable) < high
    assert measure_interval(measure, confidence, answerable) == (low, high)


def test_the_interval_of_auroc_is_as_wide_as_its_standard_error_says():
    low, high = measure_interval(auroc, MIXED[0] * 30, MIXED[1] * 30)
    # DeLong's: of 90 answerable questions a third is above no other; the others do not differ.
    standard_error = (1 / 3 * 2 / 3 / 90) ** 0.5
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.15)


def test_confidence_and_what_came_true_are_resampled_together():
    confidence = [0.9] * 10 + [0.1] * 10
    assert measure_interval(auroc, confidence, [True] * 10 + [False] * 10) == (1, 1)
    assert measure_interval(auroc, confidence, [False] * 10 + [True] * 10) == (0, 0)


def test_resamples_of_one_sort_of_question_say_nothing_of_confidence():
    assert measure_interval(auroc, [0.9, 0.1, 0.2], [True, False, False]) == (1, 1)


def test_the_calibration_error_by_hand():
    found = calibration([0.05, 0.08, 0.95, 1.0, 0.1], [False, True, True, True, False])
    assert found == pytest.approx((2 * 0.435 + 0.1 + 2 * 0.025) / 5)


def test_there_is_no_calibration_error_without_questions():
    assert calibration([], []) == 0
