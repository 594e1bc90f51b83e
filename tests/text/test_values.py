"""Dates, numbers and names in a text, each with its characters."""

import pytest
from cases import cases

from ragqa.text.dates import dates, moments_of, times
from ragqa.text.names import NameIndex, has_figure, names_of, people, places
from ragqa.text.quantities import amounts, figures_of


@pytest.mark.parametrize(("text", "values"), cases("figures", "text", "values"))
def test_numbers_are_read_in_digits_and_in_words(text, values):
    assert [round(figure.low) for figure in figures_of(text)] == values


@pytest.mark.parametrize(
    ("language", "text", "expected"), cases("moments", "language", "text", "parts")
)
def test_dates_and_times_are_read_by_their_parts(language, text, expected):
    found = [sorted(map(list, moment.parts)) for moment in moments_of(text, language)]
    assert sorted(found) == sorted(expected)


def test_in_another_language_figures_are_read_in_digits():
    (figure,) = figures_of("zwölf von 1,234 Tagen", "de")
    assert figure.low == 1234


def said(find, text):
    return [text[slice(*span)] for span in find(text)]


def test_dates_of_many_forms_are_found_and_counts_are_none():
    text = "2024-05-01, May 1, 2024, 1 May, in 1999, 1914-1918, Q2 2025"
    expected = ["2024-05-01", "May 1, 2024", "1 May", "1999"]
    assert said(dates, text) == [*expected, "1914-1918", "Q2 2025"]
    assert said(dates, "It may read 1536 tokens, v2.2024, $1999, 1,024, gpt-4o-2024-08-06.") == []
    assert said(dates, "It was in May.") == ["May"]
    assert said(times, "Friday, 9:00 to 17:00 CET.") == ["Friday, 9:00 to 17:00 CET"]


def test_a_number_comes_with_its_unit():
    text = "It costs $5 million, takes 3 to 5 hours, 40 % of 2 GB and twenty-one days in 2020."
    found = [text[slice(*amount.span)] for amount in amounts(text)]
    assert found == ["$5 million", "3 to 5 hours", "40 %", "2 GB", "twenty-one days"]


def test_a_name_is_not_the_first_word_nor_a_nation_nor_a_month():
    text = "Then the American singer Ann Low met Bob in May 1999."
    assert said(people, text) == ["Ann Low", "Bob"]
    assert said(places, "Films were shot in Paris, France.") == ["Paris, France"]


@pytest.mark.parametrize(("text", "names"), cases("names", "text", "names"))
def test_names_are_told_by_their_form(text, names):
    assert {name.text for name in names_of(text)} == set(names)


@pytest.mark.parametrize(("name", "text", "has_it"), cases("name_forms", "name", "text", "has_it"))
def test_a_text_has_a_name_in_other_forms_but_not_as_a_part_of_a_word(name, text, has_it):
    assert NameIndex.of(text).has(name) == has_it


def test_a_figure_of_a_question_is_found_as_a_whole():
    assert has_figure("It has 4,096 tokens.", "4096")
    assert not has_figure("It is GPT-4o.", "GPT-4")
    assert not has_figure("It has 256.", "5")
