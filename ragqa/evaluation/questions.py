"""Read and write question files: JSON Lines of questions with their gold quotes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragqa.errors import UsageError
from ragqa.evaluation.rows import read_rows

HALVES = ("tune", "test")

MAX_EXCERPT_PARTS = 2

_FORM = (
    'a line is {"id", "question", "kind", "gold": [{"note", "quote", "part"}], "answer": ["…"]}, '
    'or has "excerpts" in place of "gold", and no "answer"'
)


@dataclass(frozen=True, slots=True)
class Gold:
    """A quote from a note that answers one part of a question.

    Quotes with the same `part` are alternatives: finding any of them finds the part.
    """

    note: str
    quote: str
    part: int = 1


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its gold quotes; `gold` is empty if the notes do not answer it.

    `answer` has a short answer for each part, in order, which every quote of the part contains; it
    is empty if answers are not to be measured.
    `half` is "tune" for questions that settings are chosen on, "test" for those that are only
    reported, and "" if the questions are not split.
    With `excerpts` each gold quote is exactly what a person would copy as the answer to its part;
    otherwise it is the words that an answer must contain.
    """

    id: str
    question: str
    kind: str
    gold: tuple[Gold, ...]
    answer: tuple[str, ...]
    half: str = ""
    excerpts: bool = False

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of its parts, ascending; most questions have one."""
        return tuple(sorted({gold.part for gold in self.gold}))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a file that an evaluation is about: a half, "" for all, or its first `limit`."""

    name: str
    rows: Sequence[Question]
    half: str = ""
    limit: int | None = None

    @property
    def asked(self) -> Sequence[Question]:
        """The rows to use."""
        return self.rows[: self.limit]

    @property
    def is_partial(self) -> bool:
        """Whether the limit leaves some out."""
        return len(self.asked) < len(self.rows)


def read_questions(path: Path) -> list[Question]:
    """Read a JSON Lines file of questions; either all have excerpts or none has.

    :raises UsageError: the file cannot be read, or a line is not a question; the message names it.
    """
    hint = "name a file of questions (docs/evaluation.md says how): ragqa eval --questions FILE"
    questions: dict[str, Question] = {}
    for where, row in read_rows(path, hint=hint, form=_FORM):
        question = _parse(row, where)
        if question.id in questions:
            raise UsageError(f"{where}: the id {question.id!r} appears twice")
        questions[question.id] = question
        if question.excerpts != next(iter(questions.values())).excerpts:
            raise UsageError(
                f"{where}: some questions of the file have gold and some have excerpts",
                hint="put them into two files",
            )
    if not questions:
        raise UsageError(f"there are no questions in {path}")
    return list(questions.values())


def choose_half(
    rows: Sequence[Question], half: str | None, *, name: str, limit: int | None = None
) -> Chosen:
    """The questions of a half.

    :param half: "tune", "test" or "all"; None means test, or all if the questions are not split.
    :param name: of the file, to report.
    :raises UsageError: the half is empty.
    """
    if half is None:
        half = "test" if any(row.half for row in rows) else "all"
    if half == "all":
        return Chosen(name, rows, limit=limit)
    chosen = [row for row in rows if row.half == half]
    if not chosen:
        raise UsageError(f"no question is in the {half!r} half", hint="ragqa eval --half all")
    return Chosen(name, chosen, half, limit)


def _parse(row: Mapping[str, Any], where: str) -> Question:
    try:
        question = _question(row)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        problem = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
        raise UsageError(f"{where} is not a question: {problem}", hint=_FORM) from exc
    if question.half not in ("", *HALVES):
        raise UsageError(f"{where}: half must be tune or test, not {question.half!r}")
    if not all(answer.strip() for answer in question.answer):
        raise UsageError(f"{where}: an answer is empty")
    if question.excerpts and len(question.parts) > MAX_EXCERPT_PARTS:
        raise UsageError(
            f"{where}: the excerpts have {len(question.parts)} parts; a question has one or two"
        )
    if question.answer and len(question.answer) != len(question.parts):
        raise UsageError(
            f"{where}: {len(question.parts)} parts have a quote, {len(question.answer)} an answer"
        )
    return question


def _question(row: Mapping[str, Any]) -> Question:
    excerpts = "excerpts" in row
    if excerpts and (other := next((key for key in ("gold", "answer") if row.get(key)), "")):
        raise ValueError(f"it has both excerpts and {other}")
    return Question(
        id=_text(row["id"]),
        question=_text(row["question"]),
        kind=_text(row.get("kind", "")),
        gold=tuple(map(_gold, _list(row["excerpts" if excerpts else "gold"]))),
        answer=tuple(map(_text, _list(row.get("answer") or []))),
        half=_text(row.get("half", "")),
        excerpts=excerpts,
    )


def _gold(row: Mapping[str, Any]) -> Gold:
    part = row.get("part", 1)
    if not isinstance(part, int) or isinstance(part, bool):
        raise TypeError(f"part must be a whole number, not {part!r}")
    quote = _text(row["quote"])
    if not quote.strip():
        raise ValueError("a quote is empty")
    return Gold(_text(row["note"]), quote, part)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value
