"""The report's charts as data: axes, lines and dots, with their coordinates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragqa.render.report_values import (
    Document,
    Interval,
    decimals,
    label,
    line,
    number,
    whole,
)

_CHAR_WIDTH = 8.4
_RIGHT = 432
_FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)


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
