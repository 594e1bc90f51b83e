"""Filters of notes: tags, path globs, dates and properties."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from datetime import date

from ragqa.errors import INSTEAD, Hint, UsageError
from ragqa.types import Filters, NoteRecord, with_parents


def fold_tag(tag: str) -> str:
    """Normalize a tag for comparison: `#ML/NLP` becomes `ml/nlp`."""
    return tag.removeprefix("#").strip("/").casefold()


def tag_and_parents(tag: str) -> list[str]:
    """A normalized tag with its parents: `a/b` with `a`."""
    return with_parents(fold_tag(tag))


def path_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Return a test whether a path, or a folder above it, equals or matches any of the globs.

    Case counts, and `*` also crosses `/`: `ml*` matches `ml/nlp/note.md`.
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


def _checked_day(day: str) -> str:
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as exc:
        raise UsageError(f"{day!r} is not a date", hint="write it as --since 2026-01-31") from exc


_FORMER_GRAMMAR = re.compile(r"^[^=]*[<>!]|^not\s|=\s*\"|=.*\s(?:and|or)\s.*[=<>]")
"""Other comparisons, quotes, and several conditions in one text."""


def matcher(filters: Filters) -> Callable[[NoteRecord], bool]:
    """Return a test whether a note passes all of the filters.

    :raises UsageError: `since` or `until` is not a date, or one of `where` is no `key=value`.
    """
    tags = set(map(fold_tag, filters.tags))
    is_at = path_matcher(filters.paths) if filters.paths else None
    since, until = (_checked_day(day) if day else "" for day in (filters.since, filters.until))
    wanted = [property_in(text) for text in filters.where]

    def passes(note: NoteRecord) -> bool:
        days = (note.date, *note.days)
        if (since or until) and not any(day and since <= day <= (until or day) for day in days):
            return False
        if tags and not tags <= {name for tag in note.tags for name in tag_and_parents(tag)}:
            return False
        if wanted:
            own = {(name.casefold(), _folded(value)) for name, value in note.properties}
            if not own.issuperset(wanted):
                return False
        return is_at is None or is_at(note.path)

    return passes


def passing(notes: Iterable[NoteRecord], filters: Filters) -> list[NoteRecord]:
    """Those of some notes that pass the filters, in their order; raises as `matcher`."""
    return list(filter(matcher(filters), notes) if filters else notes)


def property_in(text: str) -> tuple[str, str]:
    """The name and the value of a property in `key=value`, folded; raises `UsageError`."""
    name, _, value = map(_folded, text.partition("="))
    if not (name and value) or _FORMER_GRAMMAR.search(text):
        raise UsageError(
            f"{text!r} is no property with its value",
            hint=Hint(INSTEAD["ragqa ask --where"], tool="where=['status=done', 'kind=plan']"),
        )
    return name, value


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
