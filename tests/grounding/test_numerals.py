"""Numbers in words, and fractions, as digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.grounding.numerals import in_digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [("1/2 of it", "50% of it"), ("2/3 of it", "67% of it"), ("1/9 of it", "11% of it")],
)
def test_a_fraction_below_one_is_a_percentage(text, digits):
    assert in_digits(text) == digits


@pytest.mark.parametrize("text", ["3/2 cups", "9/2 cups", "9/8 cups", "2/2 cups"])
def test_any_other_fraction_stays_as_it_is(text):
    assert in_digits(text) == text


@given(st.integers(1, 9), st.integers(2, 9))
def test_no_fraction_moves_the_words_behind_it(part, whole):
    assert in_digits(f"{part}/{whole} cups").index("cups") == 4
