"""Filters of notes: tags, path globs, dates and properties, as a condition in SQL.

Properties are asked for as in `status = "done" and not (due < 2026-01-01 or rating > 3)`. The
condition is over the tables `notes` and `labels`, and the same wherever these are.
"""

import ast
import fnmatch
import operator
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

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

_TOKEN = re.compile(r'<=|>=|!=|[=<>()]|"[^"]*"|[^\s()"=!<>]+|\S')
_OPERATORS = {"=": "==", "contains": "in"}
_LITERAL = frozenset({"and", "or", "not", "!=", "<", "<=", ">", ">=", "(", ")", "!", '"'})
_SIGNS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "contains",
}  # fmt: skip
_COMPARE = {  # what differs in no value differs: the condition says "not in"
    "=": operator.eq, "!=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d(?:[T ]\d\d:\d\d\S*)?)?")
_EXAMPLE = """'status = "done" and due < 2026-01-01'"""
_NUMBER = re.compile(r"[-+]?\d{1,300}(?:\.\d{1,300})?")


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

    :raises UsageError: `since` or `until` is not a date, or `where` is not understood.
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
    if filters.where:
        where = parse_where(filters.where)
        tests.append(where.condition)
        values += [_encoded(part) for comparison in where.comparisons for part in comparison]
    return " AND ".join(tests), values


def select(db: sqlite3.Connection, columns: str, filters: Filters) -> sqlite3.Cursor:
    """These columns of the rows of `notes` that pass the filters; raises as `check_filters`."""
    matches_path = path_matcher(filters.paths)
    db.create_function("is_at", 1, lambda path: matches_path(os.fsdecode(path)))
    db.create_function("compares", 3, _compares)
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


class Comparison(NamedTuple):
    """A property, by its case-folded name, compared with a value."""

    name: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Where:
    """A parsed filter: its condition in SQL, whose parameters are the comparisons in it."""

    condition: str
    comparisons: tuple[Comparison, ...]


@lru_cache(maxsize=8)
def parse_where(text: str) -> Where:
    """Parse a filter; Python's own parser knows what binds how, given one token a line.

    :raises UsageError: it is no filter, and the message says where.
    """
    tokens = list(_TOKEN.finditer(text))
    words = [token[0].casefold() for token in tokens]
    lines = (
        _OPERATORS.get(word, word if word in _LITERAL else f"_{n}") for n, word in enumerate(words)
    )
    comparisons: list[Comparison] = []

    def sql_of(node: ast.expr) -> str:
        match node:
            case ast.BoolOp(op, values):
                joint = " OR " if isinstance(op, ast.Or) else " AND "
                return f"({joint.join(map(sql_of, values))})"
            case ast.UnaryOp(ast.Not(), operand):
                return f"NOT {sql_of(operand)}"
            case ast.Compare(ast.Name(), [op], [ast.Name() as right]) if type(op) in _SIGNS:
                sides = (tokens[side.lineno - 1][0].strip('"') for side in (node.left, right))
                name, value = (" ".join(side.split()) for side in sides)
                comparisons.append(_checked(Comparison(name.casefold(), _SIGNS[type(op)], value)))
                is_other = comparisons[-1].sign == "!="
                return f"id {'NOT IN' if is_other else 'IN'} ({_AT} compares(value, ?, ?))"
        raise SyntaxError("", ("", node.end_lineno or 1, 0, ""))

    try:
        return Where(sql_of(ast.parse(" \\\n".join(lines), mode="eval").body), tuple(comparisons))
    except (SyntaxError, RecursionError, MemoryError) as exc:
        line = (getattr(exc, "lineno", 0) or 1) - 1
        at = tokens[line].start() if line < len(tokens) else len(text)
        raise UsageError(
            f"where is not understood at character {at + 1}: {text[max(0, at - 30) : at]!r} and "
            f"then {text[at : at + 30]!r}; it compares properties by = != < <= > >= or contains, "
            "joined by and, or, not and parentheses",
            hint=Hint(f"ragqa ask --where {_EXAMPLE} QUESTION", tool=f"where={_EXAMPLE}"),
        ) from exc


def _checked(comparison: Comparison) -> Comparison:
    """Check a comparison, and return it.

    :raises UsageError: its value has the form of a date and is none.
    """
    if comparison.sign != "contains" and _DATE.fullmatch(comparison.value):
        try:
            date.fromisoformat(f"{comparison.value}-01"[:10])
        except ValueError as exc:
            raise UsageError(
                f"where compares {comparison.name} with {comparison.value}, which is not a date",
                hint=Hint("write it as 2026-01-31"),
            ) from exc
    return comparison


def _kind(text: str) -> str:
    """Whether a value is a date, a number, a checkbox's or a text."""
    if _DATE.fullmatch(text):
        return "date"
    if _NUMBER.fullmatch(text):
        return "number"
    return "checkbox" if text.casefold() in ("true", "false") else "text"


def _compares(*parts: bytes) -> bool:
    """Compare a note's value by a sign with the one asked for, if it is of the same kind."""
    value, sign, wanted = (part.decode("utf-8", "surrogatepass") for part in parts)
    if sign == "contains":
        return wanted.casefold() in value.casefold()
    kind = _kind(wanted)
    if kind != _kind(value):
        return False
    if kind == "number":
        return bool(_COMPARE[sign](float(value), float(wanted)))
    length = len(wanted) if kind == "date" else None  # a month has its days
    return bool(_COMPARE[sign](value.casefold()[:length], wanted.casefold()))
