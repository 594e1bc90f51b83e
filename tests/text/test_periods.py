"""Weeks, months and years that a question or a filter names."""

from datetime import date

import pytest

from ragqa.errors import UsageError
from ragqa.text.dates import Period, day_asked, day_named, period_asked

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
    assert period_asked(question, TODAY) == Period(since, until)


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
    ("question", "day", "words"),
    [
        ("what did I do on 3 May?", "2026-05-03", "3 May"),
        ("what did I do on May 3rd, 2025?", "2025-05-03", "May 3rd, 2025"),
        ("what did I do on 3 June?", "2025-06-03", "3 June"),
        ("what did I do on 30 May?", "2025-05-30", "30 May"),
        ("what was on 9.5.2026 and after?", "2026-05-09", "9.5.2026"),
        ("what happened on Tuesday 28 April", "2026-04-28", "28 April"),
        ("Rain again. What did I do yesterday?", "2026-05-19", "yesterday"),
        ("What did I do the day before yesterday?", "2026-05-18", "the day before yesterday"),
        ("what happened on Sunday morning?", "2026-05-17", "Sunday morning"),
        ("what happened on Wednesday?", "2026-05-13", "Wednesday"),
        ("what happened last Tuesday?", "2026-05-12", "last Tuesday"),
        ("what was said on Tuesday about the boiler?", "2026-05-19", "Tuesday"),
        ("what did the Sunday school do yesterday?", "2026-05-19", "yesterday"),
    ],
)
def test_a_day_that_is_over_is_read_from_figures_and_from_words(question, day, words):
    found, (start, end) = day_asked(question, TODAY)
    assert (found, question[start:end]) == (day, words)


@pytest.mark.parametrize(
    "question",
    [
        "is the library open on Sunday?",
        "which tariff applies from 1 May 2026?",
        "what did I do?",
        "what did I do in May?",
        "what did I do on 31 February?",
        "what was version 3.14.15?",
        "what was fixed in 1.2.?",
        "who went to the last Sunday service?",
        "what was Sunday's menu?",
        "I had a tooth pulled yesterday. What did the dentist say of ibuprofen?",
    ],
)
def test_what_is_to_come_a_month_a_version_and_a_noun_are_no_day(question):
    assert day_asked(question, TODAY) is None


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
