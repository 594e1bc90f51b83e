"""The figures and dates of a text, and whether one text tells those of another."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ragqa.answering.disagreement.dates import Moment, moments_of
from ragqa.answering.disagreement.figures import UNITS, Figure, figures_of
from ragqa.answering.disagreement.statements import blank
from ragqa.grounding.names import FORMED
from ragqa.grounding.numerals import in_digits

DIMENSIONS = frozenset(dimension for dimension, _ in UNITS.values())

COUNTABLE = 12
"""A reader may count so many things that a text only lists."""

_EXACT = Decimal("0.004")
_ROUNDED = {"about": Decimal("0.07"), "most": Decimal("0.04"), "least": Decimal("0.04"), "": _EXACT}
_ROUND_AT_MOST = Decimal("0.05")
_HUNDRED = Decimal(100)
_YEAR_SECONDS = 31_557_600
_NEAR_TIME = 0.1
_NEAR = 0.02
_NEAR_ABOUT = 0.12
_COMPARED = 30
_FAR_FROM = Decimal("0.7")


def read_figures(text: str) -> tuple[list[Figure], list[Moment]]:
    """The figures and the dates of a text; a number in a name, such as "GPT-4", is neither."""
    moments = moments_of(text)
    rest = blank(text, ((one.start, one.end) for one in moments))
    numbered = (match for match in FORMED.finditer(rest) if any(map(str.isdigit, match[0])))
    rest = blank(rest, (match.span() for match in numbered))
    return figures_of(in_digits(rest)), moments


def is_count(figure: Figure) -> bool:
    """Whether it is a small whole number of things, which a list can show without a figure."""
    return (
        figure.low == figure.high
        and 0 < figure.low <= COUNTABLE
        and figure.low == int(figure.low)
        and _dimension(figure) not in DIMENSIONS
    )


def tells(source: Figure, claimed: Figure) -> bool:
    """Whether a figure of a source says the one claimed, be it rounded or in another unit."""
    one, other = _dimension(source), _dimension(claimed)
    if one in DIMENSIONS and other in DIMENSIONS and one != other:
        return False
    # A share may be told in percent or as a fraction: 0.3 is 30%.
    is_share = "share" in (one, other) and one != other
    factors = (Decimal(1), _HUNDRED, 1 / _HUNDRED) if is_share else (Decimal(1),)
    return all(
        any(
            _same(value * factor, wanted, source, claimed)
            for value in {source.low, source.high}
            for factor in factors
        )
        for wanted in {claimed.low, claimed.high}
    )


def follows(claimed: Figure, figures: Sequence[Figure], moments: Sequence[Moment]) -> bool:
    """Whether a figure follows from those of a source: what is left, a sum's part, a time between.

    Only subtraction is tried: with more of it nearly every figure would follow from some others.
    """
    value = float(claimed.low)
    near = (_NEAR_ABOUT if claimed.bound == "about" else _NEAR) * abs(value)
    if claimed.measures == "time":
        years = [year for one in moments[:_COMPARED] if (year := _in_years(one)) is not None]
        spans = (abs(a - b) * _YEAR_SECONDS for a in years for b in years)
        return any(abs(span - value) <= max(near, _NEAR_TIME * value) for span in spans)
    others = figures[:_COMPARED]
    if any(_within(one, claimed) for one in others):
        return True
    if claimed.measures.startswith("share") and any(
        # A quarter of it is what is four times smaller.
        (one.measures.startswith("share") and one.low + claimed.low == _HUNDRED)
        or (not one.measures and one.low * claimed.low == _HUNDRED)
        for one in others
    ):
        return True
    values = [float(one.low) for one in others]
    return value > 0 and any(
        abs(abs(a - b) - value) <= near for i, a in enumerate(values) for b in values[:i]
    )


def _within(source: Figure, claimed: Figure) -> bool:
    """Whether a figure of a source is below or above the bound claimed, and not far from it."""
    one, other = _dimension(source), _dimension(claimed)
    if (one != other and {one, other} & DIMENSIONS) or source.bound not in ("", claimed.bound):
        return False
    if claimed.bound == "most":
        return claimed.low * _FAR_FROM <= source.high <= claimed.low
    return claimed.bound == "least" and claimed.high <= source.low <= claimed.high / _FAR_FROM


def has_moment(moments: Iterable[Moment], claimed: Moment) -> bool:
    """Whether one of the dates tells all that the one claimed does."""
    wanted = set(claimed.parts)
    return any(wanted <= set(one.parts) for one in moments)


def _same(value: Decimal, wanted: Decimal, source: Figure, claimed: Figure) -> bool:
    larger = max(abs(value), abs(wanted))
    near = larger * _ROUNDED[claimed.bound]
    if source.step != claimed.step:
        near = max(near, min(max(source.step, claimed.step) / 2, larger * _ROUND_AT_MOST))
    return abs(value - wanted) <= near


def _dimension(figure: Figure) -> str:
    """What it measures; a share of something is a share."""
    return "share" if figure.measures.startswith("share") else figure.measures


def _in_years(moment: Moment) -> float | None:
    told = dict(moment.parts)
    if "year" not in told:
        return None
    return (
        int(told["year"])
        + (float(told.get("month", 6.5)) - 1) / 12
        + int(told.get("day", 15)) / 365
    )
