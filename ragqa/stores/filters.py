"""Filter semantics beyond a query language: tags, path globs and dates."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from datetime import date

from ragqa.errors import UsageError
from ragqa.types import Filters, NoteRecord, with_parents


def fold_tag(tag: str) -> str:
    """Normalize a tag for comparison: `#ML/NLP` becomes `ml/nlp`."""
    return tag.removeprefix("#").strip("/").casefold()


def tag_and_parents(tag: str) -> list[str]:
    """A normalized tag with its parents: `a/b` with `a`."""
    return with_parents(fold_tag(tag))


def path_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return a test whether a path, or a folder above it, equals or matches any of the globs.

    Matching is case-sensitive, and `*` also crosses `/`: `ml*` matches `ml/nlp/note.md`.
    """
    named = {glob.removeprefix("./").rstrip("/") for glob in globs}
    patterns = [re.compile(_expression(name)) for name in sorted(named)]

    def matches(path: str) -> bool:
        names = with_parents(path)
        return any(name in named or any(p.match(name) for p in patterns) for name in names)

    return matches


def _expression(glob: str) -> str:
    """The regular expression of a glob, in time linear in its length.

    Behind the last `]` each `[` stands for itself, and `fnmatch` would look to the end for what
    closes it. No path has a NUL.
    """
    end = glob.rfind("]") + 1
    return fnmatch.translate(glob[:end] + glob[end:].replace("[", "\0")).replace("\0", r"\[")


def checked_day(since: str) -> str:
    """A day, as `YYYY-MM-DD`.

    :raises UsageError: it is not a date.
    """
    try:
        return date.fromisoformat(since).isoformat()
    except ValueError as exc:
        raise UsageError(f"{since!r} is not a date", hint="write it as --since 2026-01-31") from exc


def property_test(where: str) -> Callable[[Iterable[tuple[str, str]]], bool]:
    """Return a test whether the properties of a note, by name and value, pass a filter.

    :raises UsageError: it is no filter.
    """
    from ragqa.stores.where import by_name, parse_where

    test = parse_where(where).test
    return lambda properties: test(by_name(properties))


def note_matcher(filters: Filters) -> Callable[[NoteRecord], bool]:
    """Return a test whether a note passes the filters.

    :raises UsageError: `since` is not a date, or `where` is not understood.
    """
    required = {fold_tag(tag) for tag in filters.tags}
    matches_path = path_matcher(filters.paths)
    day = checked_day(filters.since) if filters.since else ""
    where = property_test(filters.where) if filters.where else None

    def matches(note: NoteRecord) -> bool:
        tags = {each for tag in note.tags for each in tag_and_parents(tag)}
        return (
            required <= tags
            and (not filters.paths or matches_path(note.path))
            and (not day or note.date >= day)
            and (where is None or where(note.properties))
        )

    return matches
