"""A quote is found where its words stand, nearest to where they stood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.saved import quote_places

WORDS = st.lists(
    st.text(alphabet="ab\u00e9\u732b-.", min_size=1, max_size=4), min_size=1, max_size=6
)
GAPS = st.lists(st.sampled_from([" ", "\n", "\r\n", "  ", "\t", "\n\n  "]), min_size=8, max_size=8)
AROUND = st.text(alphabet="xy z\n\r", max_size=12)


def find(text, quote, near):
    """The nearest place, None where there is none."""
    return next(iter(quote_places(text, quote, near)), None)


def test_of_several_places_the_nearest_to_the_old_one_counts():
    text = "Say it. " * 9
    assert find(text, "Say it.", 33) == (32, 39)
    assert find(text, "Say it.", 10**30) == (64, 71)
    assert find(text, "Say it.", -5) == (0, 7)


def test_the_very_same_white_space_counts_before_a_nearer_place_that_is_wrapped_differently():
    text = "one\ntwo. And one two."
    assert find(text, "one two.", 0) == (13, 21)


@given(WORDS, GAPS, GAPS, AROUND, AROUND)
def test_words_are_found_however_they_are_wrapped(words, old_gaps, new_gaps, before, after):
    quote = "".join(word + gap for word, gap in zip(words, old_gaps, strict=False)).rstrip()
    stands = "".join(word + gap for word, gap in zip(words, new_gaps, strict=False)).rstrip()
    text = f"{before} {stands} {after}"
    span = find(text, quote, 0)
    assert span is not None
    assert text[slice(*span)].split() == quote.split()


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("The limit is 5.5 now", "The limit is 5"),
        ("The limit is 5,000", "The limit is 5"),
        ("Unlikely, he said", "likely, he said"),
        ("about 1.5 requests", "5 requests"),
    ],
)
def test_a_quote_is_not_found_within_a_longer_word_or_number(text, quote):
    assert quote in text
    assert find(text, quote, 0) is None


def test_scripts_without_spaces_have_no_words_to_cut():
    text = "\u732b\u6bcf\u5929\u7761\u89c9\u5f88\u4e45"
    assert find(text, "\u6bcf\u5929\u7761\u89c9", 0) == (1, 5)


def test_what_has_no_words_is_nowhere():
    assert quote_places("some text", " \n", 0) == []
