"""Draws what `scale.py` measured, cost against size, each as a small SVG.

    python eval/bench/plots.py scale.json docs/performance/

Both axes are logarithmic, so a cost that grows with the size is a line at 45 degrees where the axes
are scaled alike, and one that does not is flat.
"""

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 36, 48
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600 } .tick { fill: #666 } .grid { stroke: #ddd }
.line { fill: none; stroke-width: 2 }
.s0 { stroke: #1b6ca8; --c: #1b6ca8 } .s1 { stroke: #c2571a; --c: #c2571a }
.s2 { stroke: #2d8a55; --c: #2d8a55 } .s3 { stroke: #8a4fa3; --c: #8a4fa3 }
circle { fill: var(--c) } text.name { fill: var(--c); stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .tick { fill: #aaa } .grid { stroke: #444 }
  .s0 { stroke: #6db3e8; --c: #6db3e8 } .s1 { stroke: #f0965c; --c: #f0965c }
  .s2 { stroke: #6fcf97; --c: #6fcf97 } .s3 { stroke: #c79be0; --c: #c79be0 }
}
"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing: its lines by name, each a path of keys into the figures of a size."""

    name: str
    title: str
    unit: str
    lines: Mapping[str, tuple[str, ...]]


PLOTS = (
    Plot(
        "build",
        "Building an index",
        "seconds",
        {
            "in all": ("build_s",),
            "splitting": ("stages", "seconds", "splitting"),
            "reading": ("stages", "seconds", "reading"),
            "writing": ("stages", "seconds", "writing"),
        },
    ),
    Plot(
        "refresh",
        "ragqa index",
        "seconds",
        {
            "one note changed": ("refresh_one_s", "median"),
            "nothing changed": ("refresh_none_s", "median"),
        },
    ),
    Plot(
        "ask",
        "Asking a question",
        "seconds",
        {"in a process of its own": ("ask_s", "median")},
    ),
    Plot(
        "retrieve",
        "Retrieving for a question, in a process that runs",
        "milliseconds",
        {
            "retrieve": ("timings", "retrieve, all", "p50_ms"),
            "with a rare tag": ("timings", "retrieve, seldom", "p50_ms"),
            "with a common tag": ("timings", "retrieve, everyday", "p50_ms"),
            "terms alone": ("timings", "terms", "p50_ms"),
        },
    ),
    Plot(
        "memory",
        "Memory at its peak",
        "MB",
        {
            "build": ("build_peak_mb",),
            "one note changed": ("refresh_one_peak_mb",),
            "ask": ("ask_peak_mb",),
            "disk, for comparison": ("disk_mb",),
        },
    ),
)


def draw(plot: Plot, sizes: Sequence[Mapping[str, object]]) -> str:
    """The SVG of one plot; "" where none of its figures was measured."""
    lines = {name: _points(sizes, keys) for name, keys in plot.lines.items()}
    lines = {name: line for name, line in lines.items() if line}
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    across = _Axis.of([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis.of([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    placed = {
        name: [(across.place(x), up.place(y)) for x, y in line] for name, line in lines.items()
    }
    ends = _apart([line[-1][1] for line in placed.values()])
    parts = [*_frame(plot, across, up)]
    for number, ((name, line), end) in enumerate(zip(placed.items(), ends, strict=True)):
        parts.append(_line(f"s{number}", name, line, end))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">\n'
        f"<title>{escape(plot.title)}, {escape(plot.unit)} by passages</title>\n"
        f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic scale from whole powers of ten to whole powers of ten."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low = math.floor(math.log10(min(values)) + 1e-3)
        high = math.ceil(math.log10(max(values)) - 1e-3)
        return cls(low, max(high, low + 1), start, end)

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> Iterator[tuple[float, str]]:
        for power in range(self.low, self.high + 1):
            yield self.place(10.0**power), f"{10.0**power:,.10g}"


def _frame(plot: Plot, across: _Axis, up: _Axis) -> Iterator[str]:
    title = escape(f"{plot.title} ({plot.unit})")
    yield f'<text class="title" x="{_LEFT}" y="20">{title}</text>'
    for y, label in up.ticks():
        yield f'<path class="grid" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>'
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{label}</text>'
    for x, label in across.ticks():
        yield f'<path class="grid" d="M{x} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        yield f'<text class="tick" x="{x}" y="{_HEIGHT - 28}" text-anchor="middle">{label}</text>'
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield f'<text class="tick" x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">passages</text>'


def _line(class_: str, name: str, points: Sequence[Point], label_y: float) -> str:
    path = "L".join(f"{x} {y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3"/>' for x, y in points)
    label = f'<text class="name" x="{points[-1][0] + 10}" y="{label_y + 4}">{escape(name)}</text>'
    return f'<g class="{class_}"><path class="line" d="M{path}"/>{dots}{label}</g>'


def _apart(places: Sequence[float]) -> list[float]:
    """Move labels down so that none is written over another."""
    moved = list(places)
    lowest = -math.inf
    for number in sorted(range(len(places)), key=lambda number: places[number]):
        moved[number] = lowest = max(places[number], lowest + 15)
    return moved


def _points(sizes: Sequence[Mapping[str, object]], keys: Sequence[str]) -> list[Point]:
    pairs = ((_number(figures, ("passages",)), _number(figures, keys)) for figures in sizes)
    return sorted((x, y) for x, y in pairs if x and y)


def _number(figures: object, keys: Sequence[str]) -> float | None:
    """The figure at a path of keys; None where it was not measured, or is zero."""
    for key in keys:
        figures = figures.get(key) if isinstance(figures, Mapping) else None
    return float(figures) if isinstance(figures, int | float) and figures > 0 else None


def main() -> None:
    """Draw every plot into the folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    sizes = json.loads(args.figures.read_text())["sizes"]
    args.folder.mkdir(parents=True, exist_ok=True)
    for plot in PLOTS:
        if drawing := draw(plot, sizes):
            (args.folder / f"{plot.name}.svg").write_text(drawing)


if __name__ == "__main__":
    main()
