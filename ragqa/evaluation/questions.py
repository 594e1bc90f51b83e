"""Read question files: JSON Lines of questions with their gold quotes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from ragqa.errors import UsageError
from ragqa.evaluation.rows import read_rows

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


class _Row(msgspec.Struct):
    """A line of a file of questions."""

    id: str
    question: str
    kind: str = ""
    gold: list[Gold] | None = None
    excerpts: list[Gold] | None = None
    answer: list[str] | None = None
    half: Literal["", "tune", "test"] = ""


def read_questions(path: Path) -> list[Question]:
    """Read a JSON Lines file of questions; either all have excerpts or none has.

    :raises UsageError: the file cannot be read, or a line is not a question; the message names it.
    """
    hint = "name a file of questions (docs/evaluation.md says how): ragqa eval --questions FILE"
    questions: dict[str, Question] = {}
    for where, row in read_rows(path, _Row, what="a question", hint=hint, form=_FORM):
        by_excerpts = row.excerpts is not None
        problem = _problem(row)
        if row.id in questions:
            problem = f"the id {row.id!r} appears twice"
        elif any(one.excerpts != by_excerpts for one in questions.values()):
            problem = problem or "some questions of the file have gold and some have excerpts"
        if problem:
            raise UsageError(f"{where} is not a question: {problem}", hint=_FORM)
        questions[row.id] = Question(
            id=row.id,
            question=row.question,
            kind=row.kind,
            gold=tuple(row.excerpts or row.gold or ()),
            answer=tuple(row.answer or ()),
            half=row.half,
            excerpts=by_excerpts,
        )
    if not questions:
        raise UsageError(f"there are no questions in {path}")
    return list(questions.values())


def _problem(row: _Row) -> str:
    """Why a row does not hold together; "" if it does."""
    gold = row.excerpts or row.gold or []
    parts = len({one.part for one in gold})
    if row.gold is None and row.excerpts is None:
        return "it has neither gold nor excerpts"
    if row.excerpts is not None and (
        other := "gold" if row.gold else "answer" if row.answer else ""
    ):
        return f"it has both excerpts and {other}"
    if not all(one.quote.strip() for one in gold) or not all(a.strip() for a in row.answer or ()):
        return "a quote or an answer is empty"
    if row.excerpts and parts > MAX_EXCERPT_PARTS:
        return f"the excerpts have {parts} parts; a question has one or two"
    if row.answer and len(row.answer) != parts:
        return f"{parts} parts have a quote, {len(row.answer)} an answer"
    return ""


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
