"""Weeks, months and years that a question or a filter names."""

from datetime import date

import pytest
from cases import each_of

from ragqa.errors import UsageError
from ragqa.text.dates import Period, day_asked, day_named, period_asked

TODAY = date(2026, 5, 20)  # a Wednesday


@each_of("periods_asked")
def test_a_question_names_a_time_but_none_by_a_day_a_name_or_what_is_to_come(question, period):
    assert period_asked(question, TODAY) == (period and Period(*period))


@each_of("days_asked")
def test_a_day_that_is_over_is_read_from_figures_and_from_words(question, day, words):
    found, span = day_asked(question, TODAY) or (None, None)
    assert (found, span and question[slice(*span)]) == (day, words)


@each_of("days_named")
def test_a_filter_begins_with_the_first_day_of_what_it_names_and_ends_with_the_last(
    text, since, until
):
    assert (day_named("since", text, TODAY), day_named("until", text, TODAY)) == (since, until)


@pytest.mark.parametrize("text", ["soon", "2025-02-30", "2025-13", "Monday", "10:00", "last"])
def test_what_names_no_day_is_an_error_that_says_how_to_write_it(text):
    with pytest.raises(UsageError, match=r"until: .* is not a date") as raised:
        day_named("until", text, TODAY)
    assert "last month" in raised.value.hint
