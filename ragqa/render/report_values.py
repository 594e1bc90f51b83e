"""Values and charts of an evaluation for the templates of its report."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragqa.sanitise import safe_line

Document = Mapping[str, Any]
Interval = tuple[float, float]

NONE = "\u2013"
"""Shown where there is no number."""

_MAX_CHARS = 1500
_LABEL_CHARS = 18

_CHAR_WIDTH = 8.4
_RIGHT = 432
_FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def number(value: object) -> float | None:
    """The value if it is a finite number, else None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def interval(value: object) -> Interval | None:
    """The value if it is a pair of finite numbers, else None."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return None if low is None or high is None else (low, high)


def points(values: Iterable[object]) -> list[Interval]:
    """The values that are pairs of finite numbers."""
    return [point for value in values if (point := interval(value)) is not None]


def decimals(value: object, digits: int = 3) -> str:
    """A number as text, or a dash if it is none."""
    found = number(value)
    return NONE if found is None else f"{found:.{digits}f}"


def whole(value: object) -> str:
    """A number as text without decimals, or a dash if it is none."""
    found = number(value)
    return NONE if found is None else f"{found:,.0f}"


def setting(value: object) -> str:
    """A value of any kind on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and number(value) is None):
        return NONE
    return line(value)


def line(value: object) -> str:
    """Sanitised text on one line, such as a path."""
    return safe_line(str(value))


def label(name: str) -> str:
    """A chart label, cut to 18 characters."""
    text = safe_line(name)
    return text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1] + "\u2026"


def place(where: Document) -> str:
    """A place in a note, as `path:first-last`."""
    lines = "-".join(dict.fromkeys(whole(each) for each in where.get("lines") or ()))
    path = line(where.get("path", ""))
    return f"{path}:{lines}" if lines else path


def part_columns(parts: int) -> list[str]:
    """The column heads for the ranks of an answer's parts."""
    return ["rank"] if parts == 1 else [f"part {n}" for n in range(1, parts + 1)]


def cut(value: object) -> str:
    """The text, cut to 1500 characters."""
    text = str(value)
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1].rstrip() + "\u2026"


def quoted(text: str, expected: Iterable[Document]) -> tuple[str, str, str]:
    """The text before, in and after the first expected quote that it contains."""
    quotes = (str(each.get("quote") or "") for each in expected)
    quote = next((quote for quote in quotes if quote and quote in text), "")
    return text.partition(quote) if quote else (text, "", "")


FILTERS = (
    whole,
    cut,
    decimals,
    interval,
    label,
    line,
    number,
    part_columns,
    place,
    quoted,
    setting,
)
"""The filters of the templates."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis for values `low` to `high`, drawn from `start` to `end` in chart units."""

    low: float
    high: float
    marks: Sequence[float]
    start: float
    end: float

    def at(self, value: float) -> float:
        """The coordinate of a value; 2% at either end is left for dots and whiskers."""
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.start + (self.end - self.start) * (share + 0.02) / 1.04, 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """The coordinate and the label of each mark."""
        return [(self.at(mark), f"{mark:g}") for mark in self.marks]

    @property
    def foot(self) -> float:
        """Where the other axis crosses: at zero, or at the edge if `low` is not zero."""
        return self.start if self.low else self.at(0)


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot on a line; `tip` is its tooltip."""

    x: float
    y: float
    tip: str
    radius: float = 2.5
    label: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: Sequence[Interval]
    dots: Sequence[Dot] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over two axes."""

    x: Axis
    y: Axis
    lines: Sequence[Line]


def share_axis(names: Sequence[str]) -> Axis:
    """The horizontal axis of a bar chart, to the right of the bars' names."""
    left = 16 + _CHAR_WIDTH * max(len(label(name)) for name in names)
    return Axis(0, 1, _FIFTHS, left, _RIGHT)


def recall_chart(curves: Mapping[str, Sequence[Interval]]) -> Plot:
    """Recall@k against k, with a line for each method."""
    every = [point for curve in curves.values() for point in curve]
    ks = [int(k) for k, _ in every]
    first, last = min(ks), max(ks)
    floor = min(math.floor(10 * min(y for _, y in every)) / 10, 0.9)
    step = max(1, -(-last // 4))
    lines = [
        Line(curve, [Dot(k, y, f"{line(name)}, k = {k:.0f}: {y:.3f}") for k, y in curve])
        for name, curve in curves.items()
    ]
    return Plot(
        _x_axis(first, last, sorted({first, *range(step, last + 1, step)})),
        _y_axis(floor, 1),
        lines,
    )


def reliability_chart(bins: Sequence[Document]) -> Plot:
    """The share of answerable questions against confidence; the diagonal is ideal."""
    most = max((number(each.get("questions")) or 0 for each in bins), default=0) or 1
    dots = [dot for each in bins if (dot := _dot(each, most)) is not None]
    measured = Line([(dot.x, dot.y) for dot in dots], dots)
    return Plot(_x_axis(0, 1, _FIFTHS), _y_axis(0, 1), [Line([(0, 0), (1, 1)]), measured])


def risk_chart(curve: Sequence[Interval]) -> Plot:
    """Risk against coverage: the share of unanswerable questions among those answered."""
    top = min(1, max(0.1, math.ceil(10 * max(risk for _, risk in curve)) / 10))
    return Plot(_x_axis(0, 1, _FIFTHS), _y_axis(0, top), [Line(curve)])


def _x_axis(low: float, high: float, marks: Sequence[float]) -> Axis:
    return Axis(low, high, marks, 63, _RIGHT)


def _y_axis(low: float, high: float) -> Axis:
    """A vertical axis with marks at every tenth, or every second one, down from the highest."""
    top, bottom = round(10 * high), round(10 * low)
    tenths = range(top, bottom - 1, -2 if top - bottom > 5 else -1)
    return Axis(low, high, [tenth / 10 for tenth in tenths], 278, 8)


def _dot(each: Document, most: float) -> Dot | None:
    x, y = number(each.get("confidence")), number(each.get("answerable"))
    if x is None or y is None:
        return None
    questions = number(each.get("questions")) or 0
    tip = f"{whole(questions)} questions: confidence {decimals(x)}, share {decimals(y)}"
    return Dot(x, y, tip, round(3 + 5 * math.sqrt(max(questions, 0) / most), 1), whole(questions))
