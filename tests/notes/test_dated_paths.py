"""The day that a note's path names."""

from datetime import date

import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from support import trying

from ragqa.notes.dated_paths import days_by_siblings, days_of_path


@pytest.mark.parametrize(("path", "day"), cases("dated_names", "path", "day"))
def test_a_path_names_the_day_that_a_person_reads_in_it(path, day):
    assert days_of_path(path)[0] == day


@pytest.mark.parametrize(("paths", "days"), cases("siblings", "paths", "days"))
def test_a_year_or_an_unclear_day_is_read_beside_the_other_names(paths, days):
    found = days_by_siblings(paths)
    assert [days_of_path(path)[0] or found.get(path, "") for path in paths] == days


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("2024-02.md", "2024-02-29"),
        ("2024-W01 plan.md", "2024-01-07"),
        ("2024-02-03.md", "2024-02-03"),
    ],
)
def test_a_month_and_a_week_end_with_their_last_day(path, last):
    assert days_of_path(path)[1] == last


@given(
    st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)),
    st.sampled_from("-_. "),
    st.text("ab /", max_size=5),
)
@trying(200)
def test_any_day_between_words_is_found(day, sign, words):
    named = sign.join(f"{day:%Y-%m-%d}".split("-"))
    assert days_of_path(f"{words} {named} {words}.md") == (f"{day:%F}", f"{day:%F}")
