"""The report's charts: pygal computes the geometry, the page's style sheet gives the looks."""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ragqa.render.report_html import (
    Child,
    Interval,
    count,
    decimals,
    element,
    interval,
    intervals_of,
    number,
    points,
)
from ragqa.sanitise import safe_line

KIND_MEASURES = ("recall@5", "recall@1")

_WIDTH = 440
_HEIGHT = 330
_LABEL_CHARS = 18
_FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1]

# pygal adds scripts, styles, comments with the date, tooltips and a random id: only what draws is
# taken over, and with it no address of any namespace.
_TAGS = frozenset(("g", "path", "rect", "circle", "text", "title"))
_ATTRIBUTES = frozenset(
    ("class", "cx", "cy", "d", "height", "r", "text-anchor", "transform", "width", "x", "y")
)
_FRACTION = re.compile(r"-?\d+\.\d+")


def kinds_chart(kinds: Mapping[str, Mapping[str, Any]]) -> Element:
    """Bars of recall for each kind of question, with their intervals."""
    chart = _chart("HorizontalBar", height=56 + 44 * len(kinds), range=(0, 1), y_labels=_FIFTHS)
    # The chart's first row is its lowest.
    names = [*kinds][::-1]
    chart.x_labels = [_label(name) for name in names]
    for measure in KIND_MEASURES:
        chart.add(measure, [_bar(name, measure, kinds[name]) for name in names])
    return _figure(
        _drawing(
            chart, "Bar chart of recall for each kind of question. The table has the numbers."
        ),
        _legend(KIND_MEASURES, bars=True),
        class_="bars",
    )


def recall_chart(curves: Mapping[str, Sequence[Interval]]) -> Element:
    """Recall within the first k, a line for each method."""
    every = [point for curve in curves.values() for point in curve]
    ks = [int(k) for k, _ in every]
    first, last = min(ks), max(ks)
    floor = min(math.floor(10 * min(y for _, y in every)) / 10, 0.9)
    step = max(1, -(-last // 4))
    chart = _chart(
        "XY",
        range=(floor, 1),
        x_labels=sorted({first, *range(step, last + 1, step)}),
        y_labels=_scale(floor, 1),
        x_title="k, the number of places looked at",
        y_title="recall@k",
    )
    for name, curve in curves.items():
        told = [
            {"value": (k, recall), "tooltip": f"{_plain(name)}, k = {k:.0f}: {recall:.3f}"}
            for k, recall in curve
        ]
        chart.add(name, told, dots_size=2.5)
    label = "Line chart of recall within the first k passages. The numbers are in the table."
    return _figure(_drawing(chart, label), _legend(list(curves)), class_="lines")


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> Element:
    """How often questions of a confidence were answerable; on the diagonal they are as said."""
    chart = _shares("mean confidence of the bin", "share answerable", top=1)
    chart.print_labels = True
    chart.add("as it should be", [(0, 0), (1, 1)], show_dots=False)
    most = max((number(each.get("questions")) or 0 for each in bins), default=0) or 1
    chart.add("measured", [_dot(each, most) for each in bins])
    label = "Reliability diagram: share of answerable questions against confidence. See the table."
    names = ("as it should be", "measured, with the number of questions")
    return _figure(_drawing(chart, label), _legend(names), class_="reliability")


def risk_chart(curve: Sequence[Sequence[object]]) -> Element:
    """The share of questions without an answer among those answered, as fewer are answered."""
    every = points(curve)
    top = min(1, max(0.1, math.ceil(10 * max(risk for _, risk in every)) / 10))
    chart = _shares(
        "coverage: share of questions answered", "risk: share not in the notes", top=top
    )
    chart.add("risk", every, show_dots=False)
    label = (
        "Risk-coverage curve: share of questions that the notes do not answer, "
        "against the share of questions answered."
    )
    return _figure(_drawing(chart, label), class_="lines")


def _chart(kind: str, **options: object) -> Any:  # noqa: ANN401 - pygal has no types
    import pygal
    from pygal.style import Style

    # Python no longer knows pygal's kind of finder, and would warn of it at every later import.
    sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, pygal.PluginImportFixer)]

    defaults: dict[str, object] = {
        "width": _WIDTH,
        "height": _HEIGHT,
        "margin": 8,
        "spacing": 8,
        # Sizes only: pygal lays out by them, and report.css repeats them.
        "style": Style(label_font_size=14, title_font_size=14, value_font_size=8),
        "css": (),
        "show_legend": False,
        "truncate_label": -1,
        "value_formatter": _short,
        "x_value_formatter": _short,
    }
    return getattr(pygal, kind)(**defaults | options)


def _shares(x_title: str, y_title: str, *, top: float) -> Any:  # noqa: ANN401 - as above
    return _chart(
        "XY",
        range=(0, top),
        xrange=(0, 1),
        x_labels=_FIFTHS,
        y_labels=_scale(0, top),
        x_title=x_title,
        y_title=y_title,
    )


def _bar(name: str, measure: str, kind: Mapping[str, Any]) -> dict[str, object] | None:
    value = number(kind.get(measure))
    if value is None:
        return None
    between = interval(intervals_of(kind).get(measure))
    bar: dict[str, object] = {
        "value": value,
        "tooltip": f"{_plain(name)}, {measure}: {value:.3f}",
    }
    if between is not None:
        bar["ci"] = {"low": between[0], "high": between[1]}
    return bar


def _dot(each: Mapping[str, Any], most: float) -> dict[str, object] | None:
    x, y = number(each.get("confidence")), number(each.get("answerable"))
    if x is None or y is None:
        return None
    questions = number(each.get("questions")) or 0
    return {
        "value": (x, y),
        "label": count(questions),
        "tooltip": f"{count(questions)} questions: confidence {decimals(x)}, share {decimals(y)}",
        "node": {"r": 3 + 5 * math.sqrt(max(questions, 0) / most)},
    }


def _scale(low: float, high: float) -> list[float]:
    """Labels at tenths, or at every second, down from the highest."""
    top, bottom = round(10 * high), round(10 * low)
    return [tenth / 10 for tenth in range(top, bottom - 1, -2 if top - bottom > 5 else -1)]


def _short(value: float) -> str:
    return f"{value:g}"


def _plain(name: str) -> str:
    """The name as a line that XML can hold; lxml, which pygal uses if it is there, insists."""
    return safe_line(name).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _label(name: str) -> str:
    line = _plain(name)
    return line if len(line) <= _LABEL_CHARS else line[: _LABEL_CHARS - 1] + "\u2026"


def _figure(drawing: Element, legend: Child = None, *, class_: str) -> Element:
    return element("figure", drawing, legend, class_=f"chart {class_}")


def _legend(names: Sequence[str], *, bars: bool = False) -> Element:
    path = "M0 2H16V10H0Z" if bars else "M0 6H32"
    items = []
    for index, name in enumerate(names):
        mark = element("path", d=path, class_="rect" if bars else "line")
        series = element("g", mark, class_=f"series serie-{index}")
        width = "18" if bars else "32"
        swatch = element(
            "svg", series, width=width, height="12", viewBox=f"-1 0 {width} 12", aria_hidden="true"
        )
        swatch.tail = None
        items.append(element("li", swatch, " ", name))
    return element("ul", *items, class_="legend")


def _drawing(chart: Any, label: str) -> Element:  # noqa: ANN401 - pygal has no types
    root = chart.render_tree()
    graph = [_taken(node) for node in root if node.tag == "g"]
    return element(
        "svg",
        element("title", label),
        *graph,
        viewBox=root.get("viewBox"),
        role="img",
        aria_label=label,
    )


def _taken(node: Any) -> Element | None:  # noqa: ANN401 - lxml's or the standard library's
    if node.tag not in _TAGS or "tooltip-overlay" in node.get("class", ""):
        return None
    taken = element(node.tag, node.text, *(_taken(child) for child in node))
    if node.tag == "g" and not len(taken):
        return None
    for name, value in node.attrib.items():
        if name in _ATTRIBUTES and value:
            taken.set(name, _FRACTION.sub(_rounded, value))
    return taken


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")
