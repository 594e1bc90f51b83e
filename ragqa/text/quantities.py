"""The numbers of a text: amounts as written, and figures in base units to compare."""

import re
from dataclasses import dataclass
from decimal import Decimal

from ragqa.languages import ENGLISH
from ragqa.text.dates import dates, times
from ragqa.text.lexicon import ONES, PERIODS, SCALES, STOP_WORDS, TENS, UNITS, one_of, table
from ragqa.text.words import canonical, compiled, overlaps, words_of
from ragqa.types import Span

_DIMENSIONS = frozenset(dimension for dimension, _ in UNITS.values())
COUNTABLE = 12
"""The most items of a list that a reader may count."""

_PERIOD_NAMES = {factor: name for name, (dimension, factor) in UNITS.items() if dimension == "time"}
FILL = "\x1f"
"""Fills what a number in digits is shorter than in words; white space that no text has."""

_VALUES = {
    **{word: n for n, word in enumerate(ONES)},
    **{word: 10 * n for n, word in enumerate(TENS, start=2)},
    "a": 1,
    "an": 1,
    "dozen": 12,
}
_MULTIPLES = {"hundred": 100, "thousand": 1000}
_BELOW_HUNDRED = rf"(?:(?:{one_of('tens')})(?:-(?:{'|'.join(ONES[1:10])}))?|{one_of('ones')})"
_IN_WORDS = (
    rf"(?i)\b(?:(?:{_BELOW_HUNDRED}|an?(?=[ -](?:hundred|thousand)\b))(?:[ -](?:hundred|thousand)"
    rf"(?:(?: and)? {_BELOW_HUNDRED})?)?|(?:a )?dozen)\b"
)
_COUNTED_ONE = r"(?i) (?:million|billion|trillion|percent|per cent)\b"
_SHARES = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_SHARE = (
    r"(?i)\b(?P<many>a|one|two|three|four)[ -](?P<part>third|quarter|fifth|tenth)s?\b"
    r"|\b(?P<half>half)(?= (?:of|the|as|an?)\b)"
)
# "three times out of four", "one in two thousand requests", with numbers in digits: a share.
_OUT_OF = (
    rf"(?i)\b(?P<many>\d{{1,3}}|one\b){FILL}*(?: (?:times|cases|requests|of them))?"
    rf" (?:out of|in) (?:every )?(?P<all>\d{{2,5}}|\d(?={FILL})){FILL}*(?!\w|-"
    rf"| (?:\d|{one_of('months')}|sep|oct|nov|dec))"
)
_FRACTION = r"(?<![\w./,-])([1-9])/([2-9])(?![\w/]|\.\d)"
_LEAST_TOTAL = 2
_GROUPS = r"\d{1,3}(?:_\d{3})+"

_N = r"(?:\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,9})?|\d{0,15}\.?\d{1,15}(?:[eE][-+]?\d{1,2})?)"
_NUMBER = (
    rf"(?i)(?<![\w@#/.,-])(?P<sign>[$€£])?(?P<low>{_N})"
    rf"(?:\s?(?:-|\u2013|to)\s?[$€£]?(?P<high>{_N}))?"
    r"(?P<glued>%|\s?°[CF]\b|[A-Za-z]+)?(?![\w@]|[.,/]\d)"
)
_NEXT = r"[\s-]?\s*([^\W\d_]+|%|°[CF]\b|[$€£])"
_OF = r" of (?:the |our |all |its )*([^\W\d_]+)"
_PER = (
    r"(?i)(?:\bper\b|/|\ban?\b|\bevery\b|\beach\b) ?(?P<unit>[^\W\d_]+)"
    rf"|\b(?P<adverb>{'|'.join(PERIODS)})\b"
)
_BOUND = (
    r"(?:(?P<about>\babout|\baround|\broughly|\bapprox\w*\.?|\bnearly|\balmost|\bsome|~)"
    r"|(?P<least>\bat least|\bno less than|(?<!no )\bmore than|\bover|\babove"
    r"|\bmin(?:imum)?(?: of)?|>=?)"
    r"|(?P<most>\bup to|\bat most|\bno more than|(?<!no )\bless than|\bunder|\bbelow"
    r"|\bmax(?:imum)?(?: of)?|<=?)) ?$"
)
_CAP = r"(?i)\b(?:limit\w*|cap(?:s|ped)?|max(?:imum)?|up to|at most)\b"
_CLAUSE = r"[.;:,(](?:\s|$)"
_LOOK_BACK = 16
_DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+|(?:[kmbt]|bn)(?!\w))?"
_WORDS = "|".join((*ONES[1:], *TENS))
_SCALES = "(?:hundred|thousand|million|billion|trillion|dozen)"
_SCALE = rf"(?:\ {_SCALES}\b)"
_VAGUE = rf"(?:(?:half\ )?an?\ {_SCALES}|{_SCALES}s|half\ an|twice(?!\ (?:as|the)\b)|thrice)"
_SHOWN = rf"(?:{_DIGITS}|(?:{_WORDS})(?:-(?:{'|'.join(ONES[1:10])}))?|{_VAGUE})"
_AMOUNT = rf"""(?xi)(?<![\w.,-])(?P<number>
      [$£€]?{_SHOWN}\b{_SCALE}*
      (?:(?:\ to\ |\ or\ |\ ?[\u2013-]\ ?)[$£€]?{_SHOWN}\b{_SCALE}*)?
    )(?:(?P<percent>\ ?%)|[\ -](?P<unit>[^\W\d_]+(?:[-/][^\W\d_]+)*))?"""
# A number after a name is part of it: "Haiku 4.5".
_VERSIONED = r"[ (][A-Z][\w-]* $"
_BOUND_RATIO = Decimal("0.7")
_ABOUT_TOLERANCE = Decimal("0.2")
_ROUND_TOLERANCE = Decimal("0.025")
_MAX_ROUNDING = Decimal("0.1")
_BYTES_TOLERANCE = Decimal("0.08")
_TOLERANCES = {
    "about": Decimal("0.07"),
    "most": Decimal("0.04"),
    "least": Decimal("0.04"),
    "": Decimal("0.004"),
}
_MAX_ROUNDING_OF_SAME = Decimal("0.05")
_HUNDRED = Decimal(100)
_FRACTION_STEP = Decimal(2)
_ONE = Decimal(1)


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


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its unit: "%" or the next word, "" where there is none.

    `span` includes the unit, `number` does not. `measured` is whether the unit is one of
    measurement, such as "GB".
    """

    span: Span
    number: Span
    unit: str
    measured: bool = False


def figures_of(text: str, language: str = ENGLISH) -> list[Figure]:
    """The figures of a text in which dates and names have been blanked, written as in English.

    Number words are known in English only.
    """
    digits = in_digits(text) if language == ENGLISH else text
    found = (_figure(digits, match) for match in compiled(_NUMBER).finditer(digits))
    return [figure for figure in found if figure is not None]


def amounts(text: str) -> list[Amount]:
    """The numbers in a text other than dates, with their units."""
    taken = [*dates(text), *times(text)]
    found = []
    for match in compiled(_AMOUNT).finditer(text):
        number = match.span("number")
        before = text[max(0, number[0] - 40) : number[0]]
        if overlaps(number, taken) or compiled(_VERSIONED).search(before):
            continue
        unit = "%" if match["percent"] else (match["unit"] or "").casefold()
        measured = "/" in unit or not table("measures").isdisjoint({unit, unit.removesuffix("s")})
        end = match.end() if measured or _is_plural(unit) else match.end("number")
        found.append(Amount((match.start(), end), number, unit, measured))
    return found


def _is_plural(unit: str) -> bool:
    """Whether a noun is shown with its number: "4,096 tokens", but not "3 web"."""
    is_plural = unit.isalpha() and unit.endswith("s") and unit[-2:-1] not in ("s", "i", "")
    return is_plural and unit not in STOP_WORDS and unit not in table("no plurals")


def number_words(text: str) -> list[Span]:
    """The words in a text that may state a number, such as "both" or "dozens"."""
    return [
        (word.start, word.end)
        for word in words_of(text)
        if word.text in table("number words")
        and "-" not in (text[word.start - 1 : word.start], text[word.end : word.end + 1])
    ]


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


def same_figure(source: Figure, claimed: Figure) -> bool:
    """Whether a source's figure equals the claimed one, allowing for rounding and units."""
    one, other = _dimension(source), _dimension(claimed)
    if one in _DIMENSIONS and other in _DIMENSIONS and one != other:
        return False
    # A share may be a percentage or a fraction: 0.3 is 30%.
    is_share = "share" in (one, other) and one != other
    factors = (_ONE, _HUNDRED, 1 / _HUNDRED) if is_share else (_ONE,)
    return all(
        any(
            _equals(value * factor, wanted, source, claimed)
            for value in {source.low, source.high}
            for factor in factors
        )
        for wanted in {claimed.low, claimed.high}
    )


def is_count(figure: Figure) -> bool:
    """Whether it is a small whole number of things, which a list can show without stating it."""
    is_small = 0 < figure.low <= COUNTABLE and figure.low == int(figure.low)
    return is_small and figure.low == figure.high and _dimension(figure) not in _DIMENSIONS


def meets_bound(source: Figure, claimed: Figure) -> bool:
    """Whether a source's figure meets the claimed bound, and is close to it."""
    one, other = _dimension(source), _dimension(claimed)
    if (one != other and {one, other} & _DIMENSIONS) or source.bound not in ("", claimed.bound):
        return False
    if claimed.bound == "most":
        return claimed.low * _BOUND_RATIO <= source.high <= claimed.low
    return claimed.bound == "least" and claimed.high <= source.low <= claimed.high / _BOUND_RATIO


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


def _equals(value: Decimal, wanted: Decimal, source: Figure, claimed: Figure) -> bool:
    larger = max(abs(value), abs(wanted))
    tolerance = larger * _TOLERANCES[claimed.bound]
    if source.step != claimed.step:
        tolerance = max(
            tolerance, min(max(source.step, claimed.step) / 2, larger * _MAX_ROUNDING_OF_SAME)
        )
    return abs(value - wanted) <= tolerance


def _dimension(figure: Figure) -> str:
    """What it measures; any "share of" is a share."""
    return "share" if figure.measures.startswith("share") else figure.measures


def _is_round(figure: Figure) -> bool:
    """Whether it has four digits or more and ends in "00": 1,000 may stand for 1,012."""
    return figure.high >= 1000 * figure.step and figure.high % (100 * figure.step) == 0


def _figure(text: str, match: re.Match[str]) -> Figure | None:
    read = _unit(text, match)
    if read is None:
        return None
    measures, factor, end = read
    per, share = _rate(text, end)
    start = match.start()
    before = text[max(0, start - _LOOK_BACK) : start].lower()
    scale = factor / share
    low, step = _value(match["low"])
    if measures.startswith("share") and FILL in text[start:end]:
        step = _FRACTION_STEP
    return Figure(
        measures=measures,
        per="every" if before.endswith("every ") else per,
        low=low * scale,
        high=(_value(match["high"])[0] if match["high"] else low) * scale,
        step=step * scale,
        bound=_bound(text, before),
        start=len(text[:start].rstrip(FILL)),
        end=end,
    )


def _unit(text: str, match: re.Match[str]) -> tuple[str, Decimal, int] | None:
    """What a number measures, its factor to base units, and its end; None for a name."""
    end, scale = len(text) - len(text[match.end() :].lstrip(FILL)), _ONE
    glued = (match["glued"] or "").strip().lower()
    if match["glued"] == "m":  # minutes, metres or millions
        return None
    word, after = (glued, end) if glued else _next_word(text, end)
    if word in SCALES and (glued or len(word) > 1):
        scale, end, glued = Decimal(10) ** SCALES[word], after, ""
        word, after = _next_word(text, end)
    singular = word if word in UNITS else word.removesuffix("s")
    if match["sign"]:
        return match["sign"], scale, end
    if singular in UNITS:
        measures, factor = UNITS[singular]
        # 12% of the cost is not 12% of the time.
        whole = compiled(_OF).match(text, after) if measures == "share" else None
        return f"share of {canonical(whole[1])}" if whole else measures, scale * factor, after
    if glued:
        return None
    is_counted = word.isalpha() and word not in STOP_WORDS and word not in table("not counted")
    return (canonical(word), scale, after) if is_counted else ("", scale, end)


def _next_word(text: str, end: int) -> tuple[str, int]:
    """The next word in lower case, and where it ends."""
    following = compiled(_NEXT).match(text, end)
    return (following[1].lower(), following.end()) if following else ("", end)


def _value(written: str) -> tuple[Decimal, Decimal]:
    """A number as written, and the size of its last digit."""
    value = Decimal(written.replace(",", ""))
    exponent = value.as_tuple().exponent
    return value, _ONE.scaleb(exponent if isinstance(exponent, int) else 0)


def _rate(text: str, end: int) -> tuple[str, Decimal]:
    """The period of a rate, and the divisor of a share (`per million`)."""
    clause = compiled(_CLAUSE).search(text, end)
    stop = clause.start() if clause else len(text)
    following = compiled(_NUMBER).search(text, end, stop)
    match = compiled(_PER).search(text, end, following.start() if following else stop)
    if match is None:
        return "", _ONE
    if match["adverb"]:
        return PERIODS[match["adverb"].lower()], _ONE
    unit = match["unit"].lower()
    if unit in SCALES and len(unit) > 2:
        return "", Decimal(10) ** SCALES[unit]
    dimension, factor = UNITS.get(unit.removesuffix("s"), ("", _ONE))
    return (_PERIOD_NAMES[factor] if dimension == "time" else ""), _ONE


def _bound(text: str, before: str) -> str:
    found = compiled(_BOUND).search(before)
    if found:
        return found.lastgroup or ""
    return "most" if compiled(_CAP).search(text) else ""


def in_digits(text: str) -> str:
    """The text with number words, except "one", as digits and all offsets kept by `FILL`.

    "fifteen" becomes "15     ", `200_000` becomes "200000 ", and "3/4" becomes "75%".
    """
    if "_" in text:
        text = compiled(_GROUPS).sub(lambda found: _fill(found, found[0].replace("_", "")), text)
    if "/" in text:
        text = compiled(_FRACTION).sub(_fraction, text)
    if any(part in text.lower() for part in _SHARES):
        text = compiled(_SHARE).sub(_share, text)
    text = compiled(_IN_WORDS).sub(_number, text)
    return compiled(_OUT_OF).sub(_out_of, text)


def _fill(found: re.Match[str], digits: str) -> str:
    """The digits filled to the length of the match: on the left before a hyphen, else right."""
    length = len(found[0])
    is_joined = found.string[found.end() : found.end() + 1] == "-"
    return digits.rjust(length, FILL) if is_joined else digits.ljust(length, FILL)


def _fraction(found: re.Match[str]) -> str:
    """A fraction below 1 as a percentage of the same length; any other unchanged."""
    part, whole = int(found[1]), int(found[2])
    return f"{100 * part / whole:.0f}%" if part < whole else found[0]


def _out_of(found: re.Match[str]) -> str:
    many, total = int(found["many"]) if found["many"].isdigit() else 1, int(found["all"])
    if not 0 < many < total or total <= _LEAST_TOTAL:
        return found[0]
    return _fill(found, f"{100 * many / total:.3g}%")


def _share(found: re.Match[str]) -> str:
    many, part = found["many"] or "a", found["part"] or "half"
    return _fill(found, f"{100 * _VALUES[many.lower()] / _SHARES[part.lower()]:.3g}%")


def _number(found: re.Match[str]) -> str:
    words, total = found[0].lower(), 0
    if words == "one" and not compiled(_COUNTED_ONE).match(found.string, found.end()):
        return found[0]
    for word in words.replace("-", " ").split():
        if word in _MULTIPLES:
            total = max(total, 1) * _MULTIPLES[word]
        else:
            total = 12 if word == "dozen" else total + _VALUES.get(word, 0)
    return _fill(found, str(total))
