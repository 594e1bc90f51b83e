"""What a sentence was changed into, and what is only a neighbour of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.notes.formats import Document
from ragqa.render.explanations import differences
from ragqa.verify import MAX_WORDS, CurrentNote, successor

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


def is_same(piece):
    removed, added = piece
    return removed.split() == added.split()


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
    ],
)
def test_an_edited_sentence_is_known_again(old, new):
    assert becomes(old) == new


@pytest.mark.parametrize(
    "old",
    [
        "Ask the platform team before you raise any of these.",
        "The client is written in Go and has no dependencies at all.",
        "| Regions | 3 | 2021 |",
    ],
)
def test_what_only_shares_a_few_words_is_no_successor(old):
    assert becomes(old) is None


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
    assert all(map(is_same, pieces)) == (old.split() == new.split())
