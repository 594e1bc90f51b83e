import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.summary import interval, share_interval


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
