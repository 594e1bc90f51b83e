"""What stands in a catalogue, as the types that it must be of: an index may come from anyone.

Each raises TypeError or ValueError where a value is none of that kind.
"""

import json
from typing import Any

from ragqa.types import Kind, Unit


def number(value: object) -> int:
    """A whole number."""
    if not isinstance(value, int):
        raise TypeError(f"{value!r:.40} is no whole number")
    return value


def text(value: object) -> str:
    """Some text."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def json_text(value: object) -> str:
    """The text that some JSON holds."""
    return text(_parsed(value))


def json_texts(value: object) -> tuple[str, ...]:
    """The texts that a list in JSON holds."""
    return tuple(text(each) for each in listed(_parsed(value)))


def json_units(value: object) -> tuple[Unit, ...]:
    """The units of a passage, each a kind, where it starts and ends, and its context."""
    return tuple(
        Unit(Kind(kind), number(start), number(end), text(context))
        for kind, start, end, context in listed(_parsed(value))
    )


def listed(value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.40} is no list")
    return value


def _parsed(value: object) -> object:
    try:
        return json.loads(text(value))
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
