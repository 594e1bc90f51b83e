"""What filters mean, where SQL alone cannot say it: path globs and the first moment of a day."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time

from ragqa.errors import UsageError
from ragqa.types import Filters, NoteRecord

_FIRST_NS, _LAST_NS = -(2**63), 2**63 - 1
"""The times that a file can have, and the integers that SQLite takes."""


def path_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path, or a folder above it, matches any of the globs.

    Case counts, and `*` also crosses `/`: `ml*` matches `ml/nlp/note.md`.
    """
    patterns = [
        re.compile(fnmatch.translate(glob.removeprefix("./").rstrip("/"))) for glob in globs
    ]

    def matches(path: str) -> bool:
        parts = path.split("/")
        candidates = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        return any(pattern.match(name) for pattern in patterns for name in candidates)

    return matches


def note_filter(filters: Filters) -> Callable[[NoteRecord], bool]:
    """Whether the filters let a note through; the stores say the same in their own languages."""
    matches_path = path_matcher(filters.paths)
    day, moment_ns = start_of(filters.since) if filters.since else ("", 0)

    def lets_through(note: NoteRecord) -> bool:
        tagged = all(
            any(tag == wanted or tag.startswith(f"{wanted}/") for tag in note.tags)
            for wanted in filters.tags
        )
        placed = not filters.paths or matches_path(note.path)
        recent = note.date >= day if note.date else note.stamp.mtime_ns >= moment_ns
        return tagged and placed and (recent or not filters.since)

    return lets_through


def start_of(since: str) -> tuple[str, int]:
    """The first day that counts: as `YYYY-MM-DD`, and as the nanosecond it begins on here.

    :raises UsageError: it is not a date.
    """
    try:
        day = date.fromisoformat(since)
        moment_ns = int(datetime.combine(day, time()).timestamp()) * 10**9
    except (ValueError, OverflowError, OSError) as exc:
        raise UsageError(f"{since!r} is not a date", hint="write it as --since 2026-01-31") from exc
    return day.isoformat(), max(_FIRST_NS, min(moment_ns, _LAST_NS))
