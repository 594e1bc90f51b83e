"""Template filters that format the values of an evaluation."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ragqa.sanitise import safe_line

Document = Mapping[str, Any]
Interval = tuple[float, float]

NONE = "\u2013"
"""Shown where there is no number."""

_MAX_CHARS = 1500
_LABEL_CHARS = 18


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
