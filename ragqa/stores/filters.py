"""Filters of notes: tags, path globs, dates and properties.

Properties are asked for as in `status = "done" and not (due < 2026-01-01 or rating > 3)`.
"""

import ast
import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ragqa.errors import Hint, UsageError
from ragqa.types import Filters, NoteRecord, with_parents

Test = Callable[[Mapping[str, Sequence[str]]], bool]

_TOKEN = re.compile(r'<=|>=|!=|[=<>()]|"[^"]*"|[^\s()"=!<>]+|\S')
_OPERATORS = {"=": "==", "contains": "in"}
_LITERAL = frozenset({"and", "or", "not", "!=", "<", "<=", ">", ">=", "(", ")", "!", '"'})
_SIGNS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "=", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "contains",
}  # fmt: skip
_COMPARE = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
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


def note_matcher(filters: Filters) -> Callable[[NoteRecord], bool]:
    """Return a test whether a note passes the filters.

    :raises UsageError: `since` or `until` is not a date, or `where` is not understood.
    """
    required = [fold_tag(tag) for tag in filters.tags]
    matches_path = path_matcher(filters.paths)
    since, until = (day and checked_day(day) for day in (filters.since, filters.until))
    test: Callable[[NoteRecord], bool] = lambda _: True  # noqa: E731
    if filters.where:
        where = parse_where(filters.where).test
        test = lambda note: where(by_name(note.properties))  # noqa: E731

    def is_within(tag: str, wanted: str) -> bool:
        return f"{fold_tag(tag)}/".startswith(f"{wanted}/")

    def matches(note: NoteRecord) -> bool:
        return (
            all(any(is_within(tag, wanted) for tag in note.tags) for wanted in required)
            and (not filters.paths or matches_path(note.path))
            and (not since or note.date >= since)
            and (not until or "" < note.date <= until)
            and test(note)
        )

    return matches


@dataclass(frozen=True, slots=True)
class Comparison:
    """A property, by its case-folded name, compared with a value."""

    name: str
    sign: str
    value: str

    def __call__(self, note: Mapping[str, Sequence[str]]) -> bool:
        """Whether one of the note's values compares so; for `!=`, whether none is equal."""
        sign = "=" if self.sign == "!=" else self.sign
        found = any(_compare(value, sign, self.value) for value in note.get(self.name, ()))
        return found != (self.sign == "!=")


@dataclass(frozen=True, slots=True)
class Where:
    """A parsed filter: a test of a note's properties, and the comparisons in it."""

    test: Test
    comparisons: tuple[Comparison, ...]


def by_name(properties: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each property, by its case-folded name."""
    values: dict[str, list[str]] = {}
    for name, value in properties:
        values.setdefault(name.casefold(), []).append(value)
    return values


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

    def test_of(node: ast.expr) -> Test:
        match node:
            case ast.BoolOp(op, values):
                tests, some = [test_of(value) for value in values], isinstance(op, ast.Or)
                return lambda note: (any if some else all)(test(note) for test in tests)
            case ast.UnaryOp(ast.Not(), operand):
                inner = test_of(operand)
                return lambda note: not inner(note)
            case ast.Compare(ast.Name(), [op], [ast.Name() as right]) if type(op) in _SIGNS:
                sides = (tokens[side.lineno - 1][0].strip('"') for side in (node.left, right))
                name, value = (" ".join(side.split()) for side in sides)
                comparisons.append(_checked(Comparison(name.casefold(), _SIGNS[type(op)], value)))
                return comparisons[-1]
        raise SyntaxError("", ("", node.end_lineno or 1, 0, ""))

    try:
        return Where(test_of(ast.parse(" \\\n".join(lines), mode="eval").body), tuple(comparisons))
    except (SyntaxError, RecursionError, MemoryError) as exc:
        line = (getattr(exc, "lineno", 0) or 1) - 1
        at = tokens[line].start() if line < len(tokens) else len(text)
        raise UsageError(
            f"where is not understood at character {at + 1}: {text[max(0, at - 30) : at]!r} and "
            f"then {text[at : at + 30]!r}; it compares properties by = != < <= > >= or contains, "
            "joined by and, or, not and parentheses",
            hint=Hint(f"ragqa ask --where {_EXAMPLE} QUESTION", tool=f"where={_EXAMPLE}"),
        ) from exc


def _checked(one: Comparison) -> Comparison:
    """The same comparison.

    :raises UsageError: its value has the form of a date and is none.
    """
    if one.sign != "contains" and _DATE.fullmatch(one.value):
        try:
            date.fromisoformat(f"{one.value}-01"[:10])
        except ValueError as exc:
            raise UsageError(
                f"where compares {one.name} with {one.value}, which is not a date",
                hint=Hint("write it as 2026-01-31"),
            ) from exc
    return one


def _kind(text: str) -> str:
    """Whether a value is a date, a number, a checkbox's or a text."""
    if _DATE.fullmatch(text):
        return "date"
    if _NUMBER.fullmatch(text):
        return "number"
    return "checkbox" if text.casefold() in ("true", "false") else "text"


def _compare(value: str, sign: str, wanted: str) -> bool:
    """Compare a note's value with the one asked for; values of another kind are only equal."""
    if sign == "contains":
        return wanted.casefold() in value.casefold()
    kind = _kind(wanted)
    if kind != _kind(value):
        return False
    if kind == "number":
        return bool(_COMPARE[sign](float(value), float(wanted)))
    length = len(wanted) if kind == "date" else None  # a month has its days
    return bool(_COMPARE[sign](value.casefold()[:length], wanted.casefold()))
