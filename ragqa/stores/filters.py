"""Filters of notes: tags, path globs, dates and properties, as a condition in SQL.

The condition is over the tables `notes` and `labels`, and the same wherever these are.
"""

import fnmatch
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import date

from ragqa.errors import Hint, UsageError
from ragqa.types import Filters, NoteRecord, with_parents

LABELS = """
    CREATE TABLE labels (
        name BLOB NOT NULL,
        value BLOB NOT NULL,
        note INTEGER NOT NULL,
        PRIMARY KEY (name, value, note)
    ) WITHOUT ROWID
"""
"""The tags, with their parents, and the properties of notes; text may hold what is no Unicode."""

_TAG = b"\0"
"""The name of a label that is a tag; no property has it."""

_AT = "SELECT note FROM labels WHERE name = ? AND"


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


def checked_day(day: str) -> str:
    """A day, as `YYYY-MM-DD`.

    :raises UsageError: it is not a date.
    """
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as exc:
        raise UsageError(f"{day!r} is not a date", hint="write it as --since 2026-01-31") from exc


def check_filters(filters: Filters) -> None:
    """Check what filters say.

    :raises UsageError: `since` or `until` is not a date, or one of `where` is no `key=value`.
    """
    _condition(filters)


def _condition(filters: Filters) -> tuple[str, list[object]]:
    """The condition that a row of `notes` passes, with its parameters; as in `check_filters`."""
    tests, values = ["TRUE"], list[object]()
    for tag in filters.tags:
        tests.append(f"id IN ({_AT} value = ?)")
        values += [_TAG, _encoded(fold_tag(tag))]
    if filters.paths:
        tests.append("is_at(path)")
    if filters.since:
        tests.append("date >= ?")
        values.append(checked_day(filters.since))
    if filters.until:
        tests.append("date BETWEEN '0' AND ?")
        values.append(checked_day(filters.until))
    for text in filters.where:
        tests.append(f"id IN ({_AT} is_like(value, ?))")
        values += map(_encoded, property_in(text))
    return " AND ".join(tests), values


def select(db: sqlite3.Connection, columns: str, filters: Filters) -> sqlite3.Cursor:
    """These columns of the rows of `notes` that pass the filters; raises as `check_filters`."""
    matches_path = path_matcher(filters.paths)
    db.create_function("is_at", 1, lambda path: matches_path(os.fsdecode(path)))
    db.create_function("is_like", 2, _is_like)
    test, values = _condition(filters)
    return db.execute(f"SELECT {columns} FROM notes WHERE {test} ORDER BY id", values)  # noqa: S608 - our own names


def labels_of(note: NoteRecord) -> set[tuple[bytes, bytes]]:
    """The names and values of a note's rows in `labels`."""
    tags = {name for tag in note.tags for name in tag_and_parents(tag)}
    pairs = {(_encoded(name.casefold()), _encoded(value)) for name, value in note.properties}
    return pairs | {(_TAG, _encoded(tag)) for tag in tags}


def passing(notes: Iterable[NoteRecord], filters: Filters) -> list[NoteRecord]:
    """Those of some notes that pass the filters, in their order; raises as `check_filters`."""
    kept = list(notes)
    if not filters:
        return kept
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, path BLOB, date TEXT)")
        db.execute(LABELS)
        rows = ((n, os.fsencode(note.path), note.date) for n, note in enumerate(kept))
        db.executemany("INSERT INTO notes VALUES (?, ?, ?)", rows)
        labels = ((*label, n) for n, note in enumerate(kept) for label in labels_of(note))
        db.executemany("INSERT INTO labels VALUES (?, ?, ?)", labels)
        return [kept[n] for (n,) in select(db, "id", filters)]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_like(value: bytes, wanted: bytes) -> bool:
    return _encoded(_folded(value.decode("utf-8", "surrogatepass"))) == wanted


def property_in(text: str) -> tuple[str, str]:
    """The name and the value of a property in `key=value`, folded.

    :raises UsageError: it is no such text.
    """
    name, _, value = map(_folded, text.partition("="))
    if not (name and value):
        raise UsageError(
            f"{text!r} is no property with its value",
            hint=Hint("ragqa ask --where status=done QUESTION", tool="where=['status=done']"),
        )
    return name, value


def _folded(text: str) -> str:
    """A text for comparison: neither its case nor how much white space is in it counts."""
    return " ".join(text.split()).casefold()
