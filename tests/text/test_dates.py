"""Dates and times as languages without rules of their own write them."""

import pytest

from ragqa.text.dates import moments_of
from ragqa.text.quantities import figures_of


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "am 03.05.2024", [(("day", 3), ("month", 5), ("year", 2024))]),
        ("ja", "2024-05-03に", [(("day", 3), ("month", 5), ("year", 2024))]),
        ("nl", "op 3 mei 2024", [(("year", 2024),)]),
        ("de", "seit 1993 um 14:30 Uhr", [(("year", 1993),), (("clock", 870),)]),
        ("fr", "à 18h05", [(("clock", 1085),)]),
        ("de", "Kernel 6.1 und 127.0.1.1", []),
    ],
)
def test_in_another_language_dates_and_times_are_read_in_figures(language, text, expected):
    assert [tuple(sorted(moment.parts)) for moment in moments_of(text, language)] == expected


def test_in_another_language_figures_are_read_in_digits():
    (figure,) = figures_of("zwölf von 1,234 Tagen", "de")
    assert figure.low == 1234
