"""Where the words of a quote are, what a sentence was changed into, and what is only like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.notes.formats import Document
from ragqa.render.explanations import differences
from ragqa.saved import quote_places
from ragqa.verify import MAX_WORDS, CurrentNote, successor

WORDS = st.lists(
    st.text(alphabet="ab\u00e9\u732b-.", min_size=1, max_size=4), min_size=1, max_size=6
)
GAPS = st.lists(st.sampled_from([" ", "\n", "\r\n", "  ", "\t", "\n\n  "]), min_size=8, max_size=8)
AROUND = st.text(alphabet="xy z\n\r", max_size=12)


def find(text, quote, near):
    """The nearest place, None where there is none."""
    return next(iter(quote_places(text, quote, near)), None)


@pytest.mark.parametrize(
    ("text", "quote", "near", "place"),
    [
        ("Say it. " * 9, "Say it.", 33, (32, 39)),
        ("Say it. " * 9, "Say it.", 10**30, (64, 71)),
        ("Say it. " * 9, "Say it.", -5, (0, 7)),
        # The very same white space counts before a nearer place that is wrapped differently.
        ("one\ntwo. And one two.", "one two.", 0, (13, 21)),
        # Scripts without spaces have no words to cut.
        ("\u732b\u6bcf\u5929\u7761\u89c9\u5f88\u4e45", "\u6bcf\u5929\u7761\u89c9", 0, (1, 5)),
    ],
)
def test_of_several_places_the_nearest_to_the_old_one_counts(text, quote, near, place):
    assert find(text, quote, near) == place


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
        ("some text \n", " \n"),
    ],
)
def test_a_quote_is_not_found_within_a_longer_word_or_number(text, quote):
    assert quote in text
    assert find(text, quote, 0) is None


NOTE = """# The service

Requests are retried three times, with a pause of two seconds. The client gives up after that and
logs an error.

## Limits

- The upload limit is 50 MB for a single file.
- The download limit is 200 MB for a single file.

| What | Limit | Since |
| --- | --- | --- |
| Calls per minute | 100 | 2024 |

Deployments happen on Tuesdays.
"""


def units_in(note):
    return CurrentNote("a.md", Document(note)).units


def becomes(quote, note=NOTE):
    found = successor(units_in(note), quote, note.find(quote))
    return found and note[slice(*found)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "Requests are retried five times, with a pause of two seconds.",
            "Requests are retried three times, with a pause of two seconds.",
        ),
        (
            "The client then gives up and logs an error and a trace.",
            "The client gives up after that and\nlogs an error.",
        ),
        (
            "- The upload limit is 20 MB for one file.",
            "- The upload limit is 50 MB for a single file.",
        ),
        ("| Calls per minute | 60 | 2024 |", "| Calls per minute | 100 | 2024 |"),
        (
            NOTE[15:].partition("\n\n")[0].replace(". The", "; the"),
            NOTE[15:].partition("\n\n")[0],
        ),
        ("Ask the platform team before you raise any of these.", None),
        ("The client is written in Go and has no dependencies at all.", None),
        ("| Regions | 3 | 2021 |", None),
    ],
)
def test_an_edited_sentence_is_known_again_and_no_other_that_shares_a_few_words(old, new):
    assert becomes(old) == new


def test_a_similarity_of_exactly_the_minimum_is_enough():
    note = "Meals alpha bravo charlie delta cost money."
    assert becomes("Meals cost money.", note) == note


def test_of_two_alike_the_nearer_one_counts():
    note = (
        "The limit is 5 MB here.\n\n" + "Padding stands here.\n\n" * 9 + "The limit is 6 MB here."
    )
    units = units_in(note)
    assert successor(units, "The limit is 7 MB here.", 0) == (0, 23)
    assert successor(units, "The limit is 7 MB here.", 900)[0] > 100


@pytest.mark.parametrize("quote", ["...", "| --- |", "word " * (MAX_WORDS + 1)])
def test_a_quote_without_words_or_with_too_many_has_no_successor(quote):
    assert becomes(quote, f"Some text.\n\n{quote}\n") is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_differences_put_together_are_both_texts(old, new):
    pieces = differences(old, new)
    assert "".join(removed for removed, _ in pieces).split() == old.split()
    assert "".join(added for _, added in pieces).split() == new.split()
    is_same = all(removed.split() == added.split() for removed, added in pieces)
    assert is_same == (old.split() == new.split())
