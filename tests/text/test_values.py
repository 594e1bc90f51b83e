"""Dates, numbers and names in a text, each with its characters."""

import pytest

from ragqa.text.dates import dates, moments_of, times
from ragqa.text.names import NameIndex, has_figure, names_of, people, places
from ragqa.text.quantities import amounts, can_both_hold, figures_of

NUMBERS = {
    "fifteen steps": [15],
    "thirty-two": [32],
    "two hundred and fifty": [250],
    "a hundred": [100],
    "four thousand": [4000],
    "a dozen": [12],
    "two thirds of it": [67],
    "one third, a quarter of it": [33, 25],
    "half of it, half an hour": [50, 1800],
    "twice a day": [2],
    "one million": [1_000_000],
    "one percent": [1],
    "200_000": [200_000],
    "$10m, 1e99 and 9.9e99%": [10_000_000, 10**99, 99 * 10**98],
    "three to five": [3],
    "five-minute": [300],
    **{
        text: []
        for text in (
            *("one", "no one", "tense", "weight", "2026/1", "24/7", "someone", "a thousandth"),
            *("a tool", "3/2 cups", "a third party", "10m", "example.org/ten-years"),
        )
    },
}
MOMENTS = [
    ("de", "am 03.05.2024", [(("day", 3), ("month", 5), ("year", 2024))]),
    ("de", "am 3. April 2024", [(("day", 3), ("month", 4), ("year", 2024))]),
    ("ja", "2024-05-03に", [(("day", 3), ("month", 5), ("year", 2024))]),
    ("nl", "op 3 mei 2024", [(("year", 2024),)]),
    ("de", "seit 1993 um 14:30 Uhr", [(("year", 1993),), (("clock", 870),)]),
    ("fr", "à 18h05", [(("clock", 1085),)]),
    ("de", "Kernel 6.1 und 127.0.1.1", []),
    ("en", "on 14.03.2026 or 3/14/2026", [(("day", 14), ("month", 3), ("year", 2026))] * 2),
    ("en", "03/04/2026, 1.2.10", [(("year", 2026),)]),
    ("en", "the 1980s, 2008-2010", [(("year", 1980),), (("year", 2008),), (("year", 2010),)]),
    ("en", "at 9 p.m. every Friday", [(("weekday", "friday"),), (("clock", 1260),)]),
    ("en", "1536 MB, 1024 by 1024 pixels, it may", []),
]


@pytest.mark.parametrize(("text", "values"), NUMBERS.items())
def test_numbers_are_read_in_digits_and_in_words(text, values):
    assert [round(figure.low) for figure in figures_of(text)] == values


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2,000 words", "1,987 words", True),
        ("2,000 words", "2,100 words", False),
        ("99.9%", "99.95%", False),
        ("about 60 s", "64 s", True),
        ("60 s", "64 s", False),
        ("2 weeks", "14 days", True),
        ("at least 60 s", "90 s", True),
        ("at most 60 s", "90 s", False),
    ],
)
def test_two_figures_can_both_hold_within_rounding_and_bounds(one, other, same):
    (first,), (second,) = figures_of(one), figures_of(other)
    assert can_both_hold(first, second) == can_both_hold(second, first) == same


@pytest.mark.parametrize(("language", "text", "expected"), MOMENTS)
def test_dates_and_times_are_read_by_their_parts(language, text, expected):
    found = [tuple(sorted(moment.parts)) for moment in moments_of(text, language)]
    assert sorted(found) == sorted(expected)


def test_in_another_language_figures_are_read_in_digits():
    (figure,) = figures_of("zwölf von 1,234 Tagen", "de")
    assert figure.low == 1234


def said(find, text):
    return [text[slice(*span)] for span in find(text)]


def test_dates_of_many_forms_are_found_and_counts_are_none():
    text = "2024-05-01, May 1, 2024, 1 May, in the 12th century, in 1999, 44 BC, 1914-1918, Q2 2025"
    expected = ["2024-05-01", "May 1, 2024", "1 May", "the 12th century", "1999", "44 BC"]
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


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("We use QLoRA and GPT-4o with max_tokens.", {"QLoRA", "GPT-4o", "max_tokens"}),
        ("In 2023 Johann Rehberger found it.", {"Johann", "Rehberger"}),
        ("Shazeer's idea was used by Meta.", {"Shazeer's", "Meta"}),
        ("Fedus et al. trained it.", {"Fedus"}),
        ("Large models need 48 GB of memory.", set()),
        ("An LLM writes JSON on a GPU.", set()),
        ("Broken things stay broken. It\u2019s so.", set()),
        ("Neither Apache nor MIT forbids it.", {"Apache", "MIT"}),
    ],
)
def test_names_are_told_by_their_form(text, names):
    assert {name.text for name in names_of(text)} == names


@pytest.mark.parametrize(
    ("name", "text", "has_it"),
    [
        ("gpt4o", "It is GPT-4o.", True),
        ("Dettmers", "Dettmers' paper", True),
        ("LoRAs", "A LoRA is small.", True),
        ("MCP", "The Model Context Protocol", True),
        ("ReRank", "to re-rank", True),
        ("max_tokens", "the max tokens", True),
        ("RAG", "storage", False),
        ("Meta", "metal", False),
        ("MCP", "a map", False),
    ],
)
def test_a_text_has_a_name_in_other_forms_but_not_as_a_part_of_a_word(name, text, has_it):
    assert NameIndex.of(text).has(name) == has_it


@pytest.mark.parametrize(
    ("text", "word", "has_it"),
    [
        ("It has 4,096 tokens.", "4096", True),
        ("It is GPT 4.", "GPT-4", True),
        ("It is GPT-4o.", "GPT-4", False),
        ("It has 256.", "5", False),
    ],
)
def test_a_figure_of_a_question_is_found_as_a_whole(text, word, has_it):
    assert has_figure(text, word) == has_it
