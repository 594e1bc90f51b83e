"""Type checks for values read from an index, which may come from anyone.

Each function raises TypeError or ValueError if the value has another type.
"""

import json
from typing import Any

from ragqa.types import Kind, Unit


def number(value: object) -> int:
    """An integer."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r:.40} is not an integer")
    return value


def text(value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a string")
    return value


def json_text(value: object) -> str:
    """A string from JSON."""
    return text(_parsed(value))


def json_texts(value: object) -> tuple[str, ...]:
    """A list of strings from JSON."""
    return tuple(text(each) for each in as_list(_parsed(value)))


def json_units(value: object) -> tuple[Unit, ...]:
    """A passage's units from JSON: each a kind, start, end and context."""
    return tuple(
        Unit(Kind(kind), number(start), number(end), text(context))
        for kind, start, end, context in as_list(_parsed(value))
    )


def as_list(value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} is not a list")
    return value


def _parsed(value: object) -> object:
    try:
        return json.loads(text(value))
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
