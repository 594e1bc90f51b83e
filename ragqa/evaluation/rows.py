"""Read the rows of question sets, JSON Lines or tab-separated, with their positions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragqa.errors import UsageError

_NAMED = 3
_LAYOUTS = "the layouts that ragqa eval reads: ragqa eval --help"


def read_rows(
    path: Path, *, hint: str = _LAYOUTS, form: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of a JSON Lines file, with its position for error messages.

    :param hint: the hint for a file that cannot be read.
    :param form: the hint for a line that is not an object.
    :raises UsageError: the file cannot be read, or a line is not a JSON object.
    """
    for number, line in read_lines(path, hint=hint):
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{where} is not JSON: {exc}", hint=form) from exc
        if not isinstance(row, dict):
            raise UsageError(f"{where} is not a JSON object", hint=form)
        yield where, row


def read_lines(path: Path, *, hint: str = _LAYOUTS) -> Iterator[tuple[int, str]]:
    """Yield each non-blank line with its number.

    :raises UsageError: the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(f"{path} cannot be read: {reason}", hint=hint) from exc


def text_of(row: Mapping[str, Any], key: str, where: str) -> str:
    """The string or whole number under a key, as text.

    :raises UsageError: there is none.
    """
    value = row.get(key)
    if not isinstance(value, str | int):
        raise UsageError(f"{where} has no {key!r}: {json.dumps(row)[:80]}")
    return whole(str(value))


def whole(text: str) -> str:
    """Replace lone surrogates, which JSON can hold but a UTF-8 file cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def list_of(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """The list under a key; [] if it is missing or null.

    :raises UsageError: the value is not a list.
    """
    value = row.get(key) or []
    if not isinstance(value, list):
        raise UsageError(f"{where}: {key!r} is not a list")
    return value


def count(which: Sequence[str], what: str) -> str:
    """`what: 5 (a, b, c and more)`; "" if there are none."""
    if not which:
        return ""
    more = " and more" if len(which) > _NAMED else ""
    return f"{what}: {len(which)} ({', '.join(which[:_NAMED])}{more})"
