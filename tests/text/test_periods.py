"""Weeks, months and years that a question or a filter names."""

from datetime import date

import pytest

from ragqa.errors import UsageError
from ragqa.text.periods import day_named, period_asked

TODAY = date(2026, 5, 20)  # a Wednesday


@pytest.mark.parametrize(
    ("question", "since", "until"),
    [
        ("what did I plant last month?", "2026-04-01", "2026-04-30"),
        ("what did we plan this month", "2026-05-01", "2026-05-31"),
        ("who came last week", "2026-05-11", "2026-05-17"),
        ("what have I spent this week", "2026-05-18", "2026-05-24"),
        ("what was the rent last year?", "2025-01-01", "2025-12-31"),
        ("what was bought this year", "2026-01-01", "2026-12-31"),
        ("what did we decide in March?", "2026-03-01", "2026-03-31"),
        ("what did we decide in July?", "2025-07-01", "2025-07-31"),
        ("what did we decide in March 2024?", "2024-03-01", "2024-03-31"),
        ("what was the price in 2024?", "2024-01-01", "2024-12-31"),
        ("what have we changed since June 2025?", "2025-06-01", ""),
        ("what was the price before May?", "", "2026-04-30"),
        ("what was the price until April 2026?", "", "2026-04-30"),
        ("what happened after 2024?", "2025-01-01", ""),
        ("what have we changed since last month?", "2026-04-01", ""),
    ],
)
def test_a_question_names_a_time(question, since, until):
    assert period_asked(question, TODAY) == (since, until)


@pytest.mark.parametrize(
    "question",
    [
        "what did I do on 3 March?",
        "is there a fair in March?",
        "Last week two customers got an invoice twice. How should it be built?",
        "why do my tomatoes get spots, and is it too late for this year's crop?",
        "what did Jan say in the meeting?",
        "since when has the ferry run?",
        "what did the July 2025 incident cost?",
        "how long did it last, week by week?",
    ],
)
def test_a_day_a_name_and_what_is_to_come_are_no_time(question):
    assert period_asked(question, TODAY) is None


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("", "", ""),
        ("2025", "2025-01-01", "2025-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2025-03-31", "2025-03-31", "2025-03-31"),
        ("March 2025", "2025-03-01", "2025-03-31"),
        ("in march", "2026-03-01", "2026-03-31"),
        ("may", "2026-05-01", "2026-05-31"),
        ("Last  month", "2026-04-01", "2026-04-30"),
        ("this year", "2026-01-01", "2026-12-31"),
        ("yesterday", "2026-05-19", "2026-05-19"),
        ("31 December 2025", "2025-12-31", "2025-12-31"),
    ],
)
def test_a_filter_begins_with_the_first_day_of_what_it_names_and_ends_with_the_last(
    text, since, until
):
    assert (day_named("since", text, TODAY), day_named("until", text, TODAY)) == (since, until)


@pytest.mark.parametrize("text", ["soon", "2025-02-30", "2025-13", "Monday", "10:00", "last"])
def test_what_names_no_day_is_an_error_that_says_how_to_write_it(text):
    with pytest.raises(UsageError, match=r"until: .* is not a date") as raised:
        day_named("until", text, TODAY)
    assert "last month" in raised.value.hint
