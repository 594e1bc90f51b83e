"""The numbers of a text with their units, as written and in base units to compare."""

import re
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from ragqa.languages import ENGLISH
from ragqa.text.dates import dates, times
from ragqa.text.words import (
    ONES,
    SCALES,
    STOP_WORDS,
    TENS,
    UNITS,
    blank,
    canonical,
    compiled,
    one_of,
    table,
    words_of,
)
from ragqa.types import Span

_DIMENSIONS = frozenset(dimension for dimension, _ in UNITS.values())
_VALUES = {
    **{word: n for n, word in enumerate(ONES)},
    **{word: 10 * n for n, word in enumerate(TENS, start=2)},
    "a": 1,
    "an": 1,
    "dozen": 12,
    "half": 1,
    "twice": 2,
}
_MULTIPLES = {"hundred": 100, "thousand": 1000}

_DIGITS = r"\d{1,3}(?:[,_]\d{3}){1,4}(?:\.\d{1,9})?|\d{0,15}\.?\d{1,15}(?:e[-+]?\d{1,2})?"
# "One" is rarely a number, so that it counts only before a scale, a percentage or a share.
_BELOW_HUNDRED = (
    rf"(?:(?:{one_of('tens')})(?:-(?:{'|'.join(ONES[1:10])}))?|(?:{'|'.join(ONES[2:])})"
    r"|one(?=[ -](?:hundred|thousand|million|billion|trillion|per ?cent|third|quarter)\b))"
)
_WORDS = (
    rf"(?:{_BELOW_HUNDRED}|an?(?=[ -](?:hundred|thousand|third of|quarter of)\b))"
    rf"(?:[ -](?:hundred|thousand)\b(?:(?: and)? {_BELOW_HUNDRED})?)?"
    r"|(?:a )?dozen|twice(?! (?:as|the)\b)|half an?|half(?= (?:of|the|as)\b)"
)


def _number(written: str) -> str:
    return (
        rf"(?i)(?<![\w@#/.,-])(?P<sign>[$€£])?(?P<low>{written})"
        rf"(?:\s?(?:-|\u2013|to\b)\s?[$€£]?(?P<high>{written}))?"
        r"(?P<glued>%|\s?°[CF]\b|[A-Za-z]+)?(?![\w@]|[.,/]\d)"
    )


_IN_DIGITS = _number(_DIGITS)
_NUMBER = _number(rf"{_DIGITS}|(?:{_WORDS})\b")
_NEXT = r"[\s-]?\s*([^\W\d_]+|%|°[CF]\b|[$€£])"
_ABOUT_BEFORE = r"(?:\babout|\baround|\broughly|\bapprox\w*\.?|\bnearly|\balmost|\bsome|~) ?$"
_WITHOUT_NUMBER = (
    r"(?i)(?<![\w-])(?:unlimited|(?:no|without(?: an?| any)?) limits?|none|zero)(?![\w-])"
)
_LOOK_BACK = 40
# A number after a name is part of it: "Haiku 4.5".
_VERSIONED = r"[ (][A-Z][\w-]* $"

_ABOUT = Decimal("0.1")
_WORDED_SHARE = Decimal(2)
"""The precision of a share in words, such as "two thirds", in percent."""

_ONE = Decimal(1)


class Figure(Struct, frozen=True):
    """A figure in `text[start:end]`, with what it counts; `low` and `high` differ for a range.

    `measures` is a dimension such as "time", the stem of the counted noun, or "" if unknown; `step`
    the size of the last digit; `number` the span without `unit`, the next word or "%".
    """

    measures: str
    low: Decimal
    high: Decimal
    step: Decimal
    is_about: bool
    start: int
    end: int
    number: Span
    unit: str

    @property
    def measured(self) -> bool:
        """Whether its unit is one of measurement, such as "GB"."""
        return not table("measures").isdisjoint({self.unit, self.unit.removesuffix("s")})

    @property
    def span(self) -> Span:
        """Its number, with a unit of measurement or a plural: "4,096 tokens", but not "3 web"."""
        unit = self.unit
        is_plural = unit.endswith("s") and unit[-2:-1] not in ("s", "i", "")
        is_noun = is_plural and unit not in STOP_WORDS
        has_unit = self.measured or is_noun
        return self.start, max(self.end, self.number[1]) if has_unit else self.number[1]


def figures_of(text: str, language: str = ENGLISH) -> list[Figure]:
    """The figures of a text in which dates and names have been blanked; words in English only."""
    pattern = compiled(_NUMBER if language == ENGLISH else _IN_DIGITS)
    figures = (_figure(text, match) for match in pattern.finditer(text))
    return [figure for figure in figures if figure is not None]


def amounts(text: str) -> list[Figure]:
    """The figures in a text other than dates, and other than those after a name."""
    figures = figures_of(blank(text, [*dates(text), *times(text)]))
    return [
        figure
        for figure in figures
        if not compiled(_VERSIONED).search(text[max(0, figure.start - _LOOK_BACK) : figure.start])
    ]


def counts_without_number(text: str) -> list[Span]:
    """What says how many there are without a number: "unlimited", "no limit", "none"."""
    return [match.span() for match in compiled(_WITHOUT_NUMBER).finditer(text)]


def number_words(text: str) -> list[Span]:
    """The words in a text that may state a number, such as "both" or "dozens"."""
    return [
        (word.start, word.end)
        for word in words_of(text)
        if word.text in table("number words")
        and "-" not in (text[word.start - 1 : word.start], text[word.end : word.end + 1])
    ]


def same_figure(source: Figure, claimed: Figure) -> bool:
    """Whether a source's figure equals the claimed one, allowing for rounding and units."""
    # A share may be a percentage or a fraction: 0.3 is 30%.
    is_share = (source.measures == "share") != (claimed.measures == "share")
    factors = (Decimal(100), _ONE, Decimal("0.01")) if is_share else (_ONE,)
    steps = {source.step, claimed.step}
    rounded = max(steps) / 2 if len(steps) > 1 else Decimal(0)

    def are_same(value: Decimal, wanted: Decimal) -> bool:
        about = max(value, wanted) * _ABOUT
        most = about if source.is_about or claimed.is_about else min(rounded, about)
        return abs(value - wanted) <= most

    values = {value * factor for value in (source.low, source.high) for factor in factors}
    return all(
        any(are_same(value, wanted) for value in values) for wanted in {claimed.low, claimed.high}
    )


def _figure(text: str, match: re.Match[str]) -> Figure | None:
    """The figure of a match; None for a name, or where the unit is unclear."""
    glued = (match["glued"] or "").strip().lower()
    if match["glued"] == "m" and not match["sign"]:  # minutes, metres or millions
        return None
    number_end = match.start("glued") if glued else match.end()
    scale, word, end = _ONE, glued, match.end()
    if not glued:
        word, end = _next_word(text, number_end)
    if word in SCALES and (glued or len(word) > 1):
        scale, glued, number_end = Decimal(10) ** SCALES[word], "", end
        word, end = _next_word(text, number_end)
    if match["sign"] or match["low"].lower() == "half":
        end = number_end
    measures, factor = _measures(match, word)
    if glued and measures not in _DIMENSIONS:
        return None
    end = end if measures else number_end
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()].lower()
    scale *= factor
    low, step = _value(match["low"])
    if measures == "share" and not match["low"][0].isdigit():
        step = _WORDED_SHARE / scale
    return Figure(
        measures=measures,
        low=low * scale,
        high=(_value(match["high"])[0] if match["high"] else low) * scale,
        step=step * scale,
        is_about=compiled(_ABOUT_BEFORE).search(before) is not None,
        start=match.start(),
        end=end,
        number=(match.start(), number_end),
        unit=word,
    )


def _measures(match: re.Match[str], word: str) -> tuple[str, Decimal]:
    """What a number before a word measures, "" if nothing, and the factor to base units."""
    if match["sign"]:
        return match["sign"], _ONE
    singular = "half" if match["low"].lower() == "half" else word
    singular = singular if singular in UNITS else singular.removesuffix("s")
    if singular in UNITS:
        return UNITS[singular]
    is_counted = word.isalpha() and word not in STOP_WORDS and word not in table("not counted")
    return (canonical(word) if is_counted else ""), _ONE


def _next_word(text: str, end: int) -> tuple[str, int]:
    """The next word in lower case, and where it ends."""
    following = compiled(_NEXT).match(text, end)
    return (following[1].lower(), following.end()) if following else ("", end)


def _value(written: str) -> tuple[Decimal, Decimal]:
    """A number as written, and the size of its last digit."""
    if written[0].isalpha():
        return _worded(written.lower().replace("-", " ").split()), _ONE
    value = Decimal(written.replace(",", "").replace("_", ""))
    exponent = value.as_tuple().exponent
    return value, _ONE.scaleb(exponent if isinstance(exponent, int) else 0)


def _worded(words: Sequence[str]) -> Decimal:
    """A number in words."""
    if words[0] == "half" and len(words) > 1:
        return Decimal("0.5")
    total = 0
    for word in words:
        if word in _MULTIPLES:
            total = max(total, 1) * _MULTIPLES[word]
        else:
            total = 12 if word == "dozen" else total + _VALUES.get(word, 0)
    return Decimal(total)
