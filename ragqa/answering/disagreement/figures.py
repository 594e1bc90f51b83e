"""The figures of a sentence in base units, and whether two can both be right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ragqa.answering.disagreement.lexicon import canonical
from ragqa.text.words import STOP_WORDS

_SECONDS = {
    "ms": "0.001", "millisecond": "0.001", "s": "1", "sec": "1", "second": "1", "min": "60",
    "minute": "60", "h": "3600", "hr": "3600", "hour": "3600", "day": "86400", "week": "604800",
    "month": "2629800", "year": "31557600",
}  # fmt: skip
_BYTES = {"kb": "1e3", "mb": "1e6", "gb": "1e9", "tb": "1e12", "kib": "1024", "mib": "1048576",
          "gib": "1073741824", "byte": "1"}  # fmt: skip
_LENGTHS = {"m": "1", "mm": "0.001", "cm": "0.01", "metre": "1", "meter": "1", "km": "1000",
            "kilometre": "1000", "kilometer": "1000", "mile": "1609"}  # fmt: skip
_WEIGHTS = {"mg": "0.001", "g": "1", "gram": "1", "kg": "1000"}
_SHARES = {"%": "1", "percent": "1"}
_MONEY = {
    "$": "$", "dollar": "$", "usd": "$", "€": "€", "euro": "€", "eur": "€", "£": "£",
    "pound": "£", "gbp": "£",
}  # fmt: skip
UNITS: Mapping[str, tuple[str, Decimal]] = {
    **{
        name: (dimension, Decimal(factor))
        for dimension, table in (
            ("time", _SECONDS), ("bytes", _BYTES), ("distance", _LENGTHS), ("weight", _WEIGHTS),
            ("share", _SHARES),
        )
        for name, factor in table.items()
    },
    **{name: (sign, Decimal(1)) for name, sign in _MONEY.items()},
    "°c": ("°c", Decimal(1)),
    "°f": ("°f", Decimal(1)),
}  # fmt: skip
"""Maps a unit to its dimension, and its size in base units."""

_SCALES = {
    "k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "bn": 9, "billion": 9, "t": 12,
    "trillion": 12,
}  # fmt: skip
_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "fifteen": 15, "twenty": 20,
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_PERIODS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
            "annually": "year", "hourly": "hour"}  # fmt: skip

_PERIOD_NAMES = {factor: name for name, (dimension, factor) in UNITS.items() if dimension == "time"}

_N = r"(?:\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,9})?|\d{0,15}\.?\d{1,15}(?:[eE][-+]?\d{1,2})?)"
_NUMBER = re.compile(
    rf"(?<![\w@#/.,-])(?P<sign>[$€£])?(?P<low>{_N}|(?:{'|'.join(_WORDS)})\b)"
    rf"(?:\s?(?:-|\u2013|to)\s?[$€£]?(?P<high>{_N}))?"
    r"(?P<glued>%|\s?°[CF]\b|[A-Za-z]+)?(?![\w@]|[.,/]\d)",
    re.IGNORECASE,
)
_NEXT = re.compile(r"[\s-]?\s*([^\W\d_]+|%|°[CF]\b|[$€£])")
_OF = re.compile(r" of (?:the |our |all |its )*([^\W\d_]+)")
_QUARTER = re.compile(r"\b(?:an?|one) (half|third|quarter)(?= of\b)", re.IGNORECASE)
_FRACTIONS = {"half": Decimal(50), "third": Decimal(100) / 3, "quarter": Decimal(25)}
_PER = re.compile(
    r"(?:\bper\b|/|\ban?\b|\bevery\b|\beach\b) ?(?P<unit>[^\W\d_]+)"
    rf"|\b(?P<adverb>{'|'.join(_PERIODS)})\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"(?:\babout|\baround|\broughly|\bapprox\w*\.?|\bnearly|\balmost|\bsome|~) ?$")
_AT_MOST = re.compile(
    r"(?:\bup to|\bat most|\bno more than|(?<!no )\bless than|\bunder|\bbelow"
    r"|\bmax(?:imum)?(?: of)?|<=?) ?$"
)
_AT_LEAST = re.compile(
    r"(?:\bat least|\bno less than|(?<!no )\bmore than|\bover|\babove"
    r"|\bmin(?:imum)?(?: of)?|>=?) ?$"
)
_CAP = re.compile(r"\b(?:limit\w*|cap(?:s|ped)?|max(?:imum)?|up to|at most)\b", re.IGNORECASE)
_EVERY = re.compile(r"\bevery $", re.IGNORECASE)
_NOT_COUNTED = frozenset({"times", "per", "x", "across", "within", "since", "without", "via", "or"})
_CLAUSE = re.compile(r"[.;:,(](?:\s|$)")
_LOOK_BACK = 16
_ABOUT_TOLERANCE = Decimal("0.2")
_ROUND_TOLERANCE = Decimal("0.025")
_MAX_ROUNDING = Decimal("0.1")
_BYTES_TOLERANCE = Decimal("0.08")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in `text[start:end]`; `low` and `high` differ for a range.

    `measures` is a dimension such as "time", the stem of the counted noun, or "" if unknown; `per`
    is the period of a rate. `step` is the size of its last digit. `bound` is "most", "least",
    "about" or "".
    """

    measures: str
    per: str
    low: Decimal
    high: Decimal
    step: Decimal
    bound: str
    start: int
    end: int


def figures_of(text: str) -> list[Figure]:
    """The figures of a text in which dates and names have been blanked."""
    found = [_figure(text, match) for match in _NUMBER.finditer(text)]
    found += [_fraction(text, match) for match in _QUARTER.finditer(text)]
    return [figure for figure in found if figure is not None]


def can_both_hold(one: Figure, other: Figure) -> bool:
    """Whether two figures of one measure can both be right, given rounding and bounds.

    Bounds of one kind are compared as they are: a limit of 60 is not a limit of 100.
    """
    if one.bound != other.bound:
        if {one.bound, other.bound} == {"most", "least"}:
            return True
        (low, high), (other_low, other_high) = _range(one), _range(other)
        if max(low, other_low) <= min(high, other_high):
            return True
    return _within_rounding(one, other)


def _range(figure: Figure) -> tuple[Decimal, Decimal]:
    low = Decimal("-Infinity") if figure.bound == "most" else figure.low
    return low, Decimal("Infinity") if figure.bound == "least" else figure.high


def _within_rounding(one: Figure, other: Figure) -> bool:
    """Whether two ranges overlap, or rounding explains the gap."""
    gap = max(one.low, other.low) - min(one.high, other.high)
    if gap <= 0:
        return True
    larger = max(abs(one.high), abs(other.high))
    if "about" in (one.bound, other.bound):
        return gap < _ABOUT_TOLERANCE * larger
    if one.measures == "bytes" and one.step != other.step:
        return gap < _BYTES_TOLERANCE * larger
    if one.step != other.step:
        return gap < min(max(one.step, other.step) / 2, _MAX_ROUNDING * larger)
    return any(map(_is_round, (one, other))) and gap < _ROUND_TOLERANCE * larger


def _is_round(figure: Figure) -> bool:
    """Whether it has four digits or more and ends in "00": 1,000 may stand for 1,012."""
    return figure.high >= 1000 * figure.step and figure.high % (100 * figure.step) == 0


def _figure(text: str, match: re.Match[str]) -> Figure | None:
    read = _unit(text, match)
    if read is None:
        return None
    measures, factor, end = read
    per, share = _rate(text, end)
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    low, step = _value(match["low"])
    high = _value(match["high"])[0] if match["high"] else low
    scale = factor / share
    return Figure(
        measures=measures,
        per="every" if _EVERY.search(before) else per,
        low=low * scale,
        high=high * scale,
        step=step * scale,
        bound=_bound(text, before.lower()),
        start=match.start(),
        end=end,
    )


def _unit(text: str, match: re.Match[str]) -> tuple[str, Decimal, int] | None:
    """What a number measures, its factor to base units, and its end; None for a name."""
    end, scale = match.end(), Decimal(1)
    glued = (match["glued"] or "").strip().lower()
    if match["glued"] == "m":  # minutes, metres or millions
        return None
    word, after = (glued, end) if glued else _next_word(text, end)
    if word in _SCALES and (glued or len(word) > 1):
        scale, end, glued = Decimal(10) ** _SCALES[word], after, ""
        word, after = _next_word(text, end)
    singular = word if word in UNITS else word.removesuffix("s")
    if match["sign"]:
        return match["sign"], scale, end
    if singular in UNITS:
        measures, factor = UNITS[singular]
        if measures == "share":
            measures = _share_of(text, after)
        return measures, scale * factor, after
    if glued:
        return None
    counted = _counted(word)
    return counted, scale, after if counted else end


def _next_word(text: str, end: int) -> tuple[str, int]:
    """The next word in lower case, and where it ends."""
    following = _NEXT.match(text, end)
    return (following[1].lower(), following.end()) if following else ("", end)


def _share_of(text: str, end: int) -> str:
    """What a figure is a share of: 12% of the cost is not 12% of the time."""
    whole = _OF.match(text, end)
    return f"share of {canonical(whole[1])}" if whole else "share"


def _fraction(text: str, match: re.Match[str]) -> Figure:
    value = _FRACTIONS[match[1].lower()]
    measures = _share_of(text, match.end())
    return Figure(measures, "", value, value, Decimal(2), "", *match.span())


def _value(written: str) -> tuple[Decimal, Decimal]:
    """A number as written, and the size of its last digit."""
    if written.lower() in _WORDS:
        return Decimal(_WORDS[written.lower()]), Decimal(1)
    value = Decimal(written.replace(",", ""))
    exponent = value.as_tuple().exponent
    return value, Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)


def _counted(word: str) -> str:
    """The stem of the word after a number, if it can be what is counted."""
    if not word.isalpha() or word in STOP_WORDS or word in _NOT_COUNTED:
        return ""
    return canonical(word)


def _rate(text: str, end: int) -> tuple[str, Decimal]:
    """The period of a rate, and the divisor of a share (`per million`)."""
    clause = _CLAUSE.search(text, end)
    stop = clause.start() if clause else len(text)
    following = _NUMBER.search(text, end, stop)
    match = _PER.search(text, end, following.start() if following else stop)
    if match is None:
        return "", Decimal(1)
    if match["adverb"]:
        return _PERIODS[match["adverb"].lower()], Decimal(1)
    unit = match["unit"].lower()
    if unit in _SCALES and len(unit) > 2:
        return "", Decimal(10) ** _SCALES[unit]
    dimension, factor = UNITS.get(unit.removesuffix("s"), ("", Decimal(1)))
    return (_PERIOD_NAMES[factor] if dimension == "time" else ""), Decimal(1)


def _bound(text: str, before: str) -> str:
    if _ABOUT.search(before):
        return "about"
    if _AT_LEAST.search(before):
        return "least"
    return "most" if _AT_MOST.search(before) or _CAP.search(text) else ""
