"""Dates and amounts as other languages than English write them."""

import pytest

from ragqa.text.dates import has_moment, moments_of
from ragqa.text.entities import amounts
from ragqa.text.quantities import figures_of, same_figure

THIRD_OF_MAY = (("day", 3), ("month", 5), ("year", 2024))


def parts(text, language):
    return [tuple(sorted(moment.parts)) for moment in moments_of(text, language)]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "am 3. Mai 2024"),
        ("de", "am 03.05.2024"),
        ("fr", "le 3 mai 2024"),
        ("es", "el 3 de mayo de 2024"),
        ("it", "il 3 maggio 2024"),
        ("pt", "em 3 de maio de 2024"),
        ("ja", "2024-05-03に"),
    ],
)
def test_a_day_is_read_in_its_language(language, text):
    assert parts(text, language) == [THIRD_OF_MAY]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("fr", "le 1er mai", [(("day", 1), ("month", 5))]),
        ("es", "en marzo de 2020", [(("month", 3), ("year", 2020))]),
        ("de", "montags um 14:30 Uhr", [(("weekday", "montag"),), (("clock", 870),)]),
        ("fr", "à 18 h", [(("clock", 1080),)]),
        ("de", "seit 1993", [(("year", 1993),)]),
        ("de", "Kernel 6.1 und 127.0.1.1", []),
        ("nl", "op 3 mei 2024", [(("year", 2024),)]),
    ],
)
def test_other_times_are_read_in_their_language(language, text, expected):
    assert parts(text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Es braucht 1.234,5 MB.", ["1.234,5 MB"]),
        ("de", "nach zwölf Monaten oder 14 Tagen", ["zwölf Monaten", "14 Tagen"]),
        ("de", "Kernel 6.1 auf Port 631", ["6.1", "631"]),
        ("fr", "1 234,5 Mo en 10 jours, soit 50 %", ["1 234,5 Mo", "10 jours", "50 %"]),
        ("es", "tres horas y 2,5 GB", ["tres horas", "2,5 GB"]),
        ("it", "venti giorni", ["venti giorni"]),
        ("pt", "dois dias", ["dois dias"]),
        ("zh", "共有 100 个", ["100"]),
        ("de", "am 3. Mai 2024 um 10 Uhr", []),
    ],
)
def test_amounts_are_found_in_their_language(language, text, expected):
    assert [text[slice(*amount.span)] for amount in amounts(text, language)] == expected


def test_a_figure_is_the_same_with_and_without_points():
    (one,), (other,) = figures_of("1.234,5 MB", "de"), figures_of("1234,5 MB", "de")
    assert same_figure(one, other)
    assert not same_figure(one, *figures_of("1.234 MB", "de"))


def test_a_day_is_the_same_in_figures_and_by_name():
    assert has_moment(moments_of("3.5.2024", "de"), moments_of("am 3. Mai", "de")[0])
