"""Filters by properties: what they mean, and what is said of nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.errors import UsageError
from ragqa.stores.filters import parse_where, passing
from ragqa.types import Filters, NoteRecord, Stamp

NOTE = NoteRecord(
    "note.md", Stamp(0, 0), "", settled=True, title="", tags=(), date="",
    properties=(
        ("Status", "in progress"), ("due", "2026-05-03"), ("at", "2026-05-03T10:30"),
        ("rating", "4"), ("price", "12.50"), ("done", "false"), ("authors", "Ursula Le Guin"),
        ("authors", "Ted Chiang"), ("due date", "2026-06-01"),
    ),
)  # fmt: skip


def passes(text: str) -> bool:
    return passing([NOTE], Filters(where=text)) == [NOTE]


@pytest.mark.parametrize(
    "text",
    [
        'status = "in progress"', 'STATUS = "In  Progress"', "status != done",
        "status contains prog",
        "due = 2026-05", "due < 2026-05-04", "due <= 2026-05-03", "due >= 2026-05",
        "not due > 2026-05", "at = 2026-05-03", "rating = 4.0", "rating > 3", "price < 100",
        "done = false", 'authors = "ted chiang"', "authors contains guin", "authors != Borges",
        '"due date" > 2026-05-31', "missing != x", "rating=4 AND(done=false)",
        "rating = 5 and done = true or due < 2027-01-01", "status > abc",
        "due < 2027-01-01 or rating = 5 and done = true", "not rating = 5 and not done = true",
    ],
)  # fmt: skip
def test_a_filter_means_what_it_says(text):
    assert passes(text)
    assert not passes(f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "missing < 3", "rating = four", "rating < 2026-01-01", "due < 3", "authors != Ted",
        "done > 0", "rating > 4", "rating = 4 and done = true", "rating = 5 or done = true",
        "rating = 4 and (rating = 5 or done = true)", "not (rating = 4 or done = true)",
        "due < 2026-05-03",
    ],
)  # fmt: skip
def test_what_does_not_hold_or_cannot_be_compared_does_not_pass(text):
    assert passes(text) is (text == "authors != Ted")


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("", 1), ("status =", 8), ("status = in progress", 13), ("(a = 1", 1), ("a = 1)", 6),
        ("a = 1 or", 7), ('a = "open', 5), ("a ! b", 3), ("not " * 300, 1197), ("a is 1", 3),
    ],
)  # fmt: skip
def test_nonsense_is_pointed_at(text, character):
    with pytest.raises(UsageError, match=rf"not understood at character {character}:"):
        parse_where(text)


WORDS = st.sampled_from(
    ["status", "=", "!=", "<", "<=", ">", ">=", "contains", "and", "or", "not", "(", ")", '"a b"',
     "2026-01-01", "3", "true", "\\", "#", "\n", ":", "lambda", "if"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=14).map(" ".join)))
def test_any_text_is_a_filter_or_a_usage_error(text):
    try:
        found = parse_where(text)
    except UsageError:
        return
    assert found.comparisons
    assert passes(text) in (True, False)


@pytest.mark.parametrize("value", ["2026-13-45", "2026-13", "2026-02-29T10:00", "0000-01-01"])
@pytest.mark.parametrize("sign", ["=", "!=", "<", ">="])
def test_what_has_the_form_of_a_date_and_is_none_is_an_error(sign, value):
    with pytest.raises(UsageError, match=rf"compares due with {value}, which is not a date"):
        parse_where(f"due {sign} {value}")


def test_a_part_of_a_text_may_look_like_a_date():
    assert not passes("due contains 2026-13")
