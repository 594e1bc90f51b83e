"""The figures and dates of a text, and whether one text states those of another."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ragqa.answering.disagreement.dates import Moment, moments_of
from ragqa.answering.disagreement.figures import UNITS, Figure, figures_of
from ragqa.answering.disagreement.statements import blank
from ragqa.grounding.names import NAME_SHAPE
from ragqa.grounding.numerals import in_digits

DIMENSIONS = frozenset(dimension for dimension, _ in UNITS.values())

COUNTABLE = 12
"""The most items of a list that a reader may count."""

_EXACT = Decimal("0.004")
_TOLERANCES = {
    "about": Decimal("0.07"),
    "most": Decimal("0.04"),
    "least": Decimal("0.04"),
    "": _EXACT,
}
_MAX_ROUNDING = Decimal("0.05")
_HUNDRED = Decimal(100)
_YEAR_SECONDS = 31_557_600
_TIME_TOLERANCE = 0.1
_TOLERANCE = 0.02
_ABOUT_TOLERANCE = 0.12
_MAX_COMPARED = 30
_BOUND_RATIO = Decimal("0.7")


def read_figures(text: str) -> tuple[list[Figure], list[Moment]]:
    """The figures and dates of a text; a number in a name, such as "GPT-4", is neither."""
    moments = moments_of(text)
    rest = blank(text, ((one.start, one.end) for one in moments))
    numbered = (match for match in NAME_SHAPE.finditer(rest) if any(map(str.isdigit, match[0])))
    rest = blank(rest, (match.span() for match in numbered))
    return figures_of(in_digits(rest)), moments


def is_count(figure: Figure) -> bool:
    """Whether it is a small whole number of things, which a list can show without stating it."""
    return (
        figure.low == figure.high
        and 0 < figure.low <= COUNTABLE
        and figure.low == int(figure.low)
        and _dimension(figure) not in DIMENSIONS
    )


def same_figure(source: Figure, claimed: Figure) -> bool:
    """Whether a source's figure equals the claimed one, allowing for rounding and units."""
    one, other = _dimension(source), _dimension(claimed)
    if one in DIMENSIONS and other in DIMENSIONS and one != other:
        return False
    # A share may be a percentage or a fraction: 0.3 is 30%.
    is_share = "share" in (one, other) and one != other
    factors = (Decimal(1), _HUNDRED, 1 / _HUNDRED) if is_share else (Decimal(1),)
    return all(
        any(
            _within_rounding(value * factor, wanted, source, claimed)
            for value in {source.low, source.high}
            for factor in factors
        )
        for wanted in {claimed.low, claimed.high}
    )


def is_derivable(claimed: Figure, figures: Sequence[Figure], moments: Sequence[Moment]) -> bool:
    """Whether a figure follows from a source's: a remainder, a part of a sum, a time between.

    Only subtraction is tried; with more operations nearly every figure would follow from others.
    """
    value = float(claimed.low)
    tolerance = (_ABOUT_TOLERANCE if claimed.bound == "about" else _TOLERANCE) * abs(value)
    if claimed.measures == "time":
        years = [year for one in moments[:_MAX_COMPARED] if (year := _in_years(one)) is not None]
        spans = (abs(a - b) * _YEAR_SECONDS for a in years for b in years)
        return any(abs(span - value) <= max(tolerance, _TIME_TOLERANCE * value) for span in spans)
    others = figures[:_MAX_COMPARED]
    if any(_meets_bound(one, claimed) for one in others):
        return True
    if claimed.measures.startswith("share") and any(
        # A quarter is four times smaller.
        (one.measures.startswith("share") and one.low + claimed.low == _HUNDRED)
        or (not one.measures and one.low * claimed.low == _HUNDRED)
        for one in others
    ):
        return True
    values = [float(one.low) for one in others]
    return value > 0 and any(
        abs(abs(a - b) - value) <= tolerance for i, a in enumerate(values) for b in values[:i]
    )


def _meets_bound(source: Figure, claimed: Figure) -> bool:
    """Whether a source's figure meets the claimed bound, and is close to it."""
    one, other = _dimension(source), _dimension(claimed)
    if (one != other and {one, other} & DIMENSIONS) or source.bound not in ("", claimed.bound):
        return False
    if claimed.bound == "most":
        return claimed.low * _BOUND_RATIO <= source.high <= claimed.low
    return claimed.bound == "least" and claimed.high <= source.low <= claimed.high / _BOUND_RATIO


def has_moment(moments: Iterable[Moment], claimed: Moment) -> bool:
    """Whether one of the dates has every part of the claimed one."""
    wanted = set(claimed.parts)
    return any(wanted <= set(one.parts) for one in moments)


def _within_rounding(value: Decimal, wanted: Decimal, source: Figure, claimed: Figure) -> bool:
    larger = max(abs(value), abs(wanted))
    tolerance = larger * _TOLERANCES[claimed.bound]
    if source.step != claimed.step:
        tolerance = max(tolerance, min(max(source.step, claimed.step) / 2, larger * _MAX_ROUNDING))
    return abs(value - wanted) <= tolerance


def _dimension(figure: Figure) -> str:
    """What it measures; any "share of" is a share."""
    return "share" if figure.measures.startswith("share") else figure.measures


def _in_years(moment: Moment) -> float | None:
    parts = dict(moment.parts)
    if "year" not in parts:
        return None
    return (
        int(parts["year"])
        + (float(parts.get("month", 6.5)) - 1) / 12
        + int(parts.get("day", 15)) / 365
    )
