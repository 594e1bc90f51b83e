"""Number words in digits, every other character in its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.text.quantities import in_digits

WORDS = "a one two ten sixty-five hundred thousand and half out of in 1/3 9_000 x"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("fifteen steps", "15 steps"),
        ("thirty-two", "32"),
        ("two hundred and fifty", "250"),
        ("a hundred", "100"),
        ("four thousand", "4000"),
        ("a dozen", "12"),
        ("two thirds", "66.7%"),
        ("a quarter", "25%"),
        ("half of it", "50% of it"),
        ("1/3", "33%"),
        ("one million", "1 million"),
        ("one percent", "1 percent"),
        ("200_000", "200000"),
        ("three cases out of four", "75%"),
        ("nine times in ten", "90%"),
        ("one in two thousand requests", "0.05% requests"),
        ("five in May", "5 in May"),
        ("five-minute", "5-minute"),
    ],
)
def test_number_words_are_digits(text, digits):
    assert " ".join(in_digits(text).split()) == digits


@pytest.mark.parametrize("text", ["one", "no one", "tense", "weight", "2026/1", "24/7", "someone"])
def test_other_words_stay_as_they_are(text):
    assert in_digits(text) == text


@given(st.lists(st.sampled_from(WORDS.split())))
def test_every_other_character_keeps_its_place(words):
    text = " ".join(words)
    assert len(in_digits(text)) == len(text)


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
