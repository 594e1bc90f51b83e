"""Read the rows of question sets, JSON Lines or tab-separated, with their positions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ragqa.errors import UsageError

T = TypeVar("T")

_LAYOUTS = "the layouts that ragqa eval reads: ragqa eval --help"


def read_rows(
    path: Path, kind: type[T], *, what: str, hint: str = _LAYOUTS, form: str = ""
) -> Iterator[tuple[str, T]]:
    """Yield each object of a JSON Lines file, with its position for error messages.

    :param kind: what an object is converted to.
    :param what: what a line is, for messages.
    :param hint: the hint for a file that cannot be read.
    :param form: the hint for a line that is no such object.
    :raises UsageError: the file cannot be read, or a line is no such object.
    """
    for number, line in read_lines(path, hint=hint):
        where = f"{path}, line {number}"
        try:
            # `json` keeps lone surrogates, which stand for bytes that are not UTF-8.
            yield where, msgspec.convert(json.loads(line), kind)
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{where} is not {what}: {exc}", hint=form) from exc


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
