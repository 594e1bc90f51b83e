"""The interval of a mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.evaluation.summary import share_interval


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
