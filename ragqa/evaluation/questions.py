"""Read a file of questions about notes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ragqa.errors import UsageError

MAX_EXCERPT_PARTS = 2

_FORM = (
    'a line is {"question", "kind", "gold": [{"note", "quote", "part"}], "answer": ["…"]}, '
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
class GoldQuestion:
    """A question and its gold quotes; `gold` is empty if the notes do not answer it.

    `answer` has a short answer for each part, in order, which every quote of the part contains; it
    is empty if answers are not to be measured.
    With `excerpts` each gold quote is exactly what a person would copy as the answer to its part;
    otherwise it is the words that an answer must contain.
    """

    id: str
    question: str
    kind: str
    gold: tuple[Gold, ...]
    answer: tuple[str, ...]
    excerpts: bool = False

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of its parts, ascending; most questions have one."""
        return tuple(sorted({gold.part for gold in self.gold}))


class _QuestionRow(msgspec.Struct):
    """A line of a file of questions."""

    question: str
    id: str = ""
    kind: str = ""
    gold: list[Gold] | None = None
    excerpts: list[Gold] | None = None
    answer: list[str] | None = None


def read_questions(path: Path) -> list[GoldQuestion]:
    """Read a JSON Lines file of questions; either all have excerpts or none has.

    A question without an id has the number of its line.

    :raises UsageError: the file cannot be read, or a line is not a question; the message names it.
    """
    questions: dict[str, GoldQuestion] = {}
    for number, where, row in _read_rows(path):
        row.id = row.id or str(number)
        by_excerpts = row.excerpts is not None
        problem = _problem(row)
        if row.id in questions:
            problem = f"the id {row.id!r} appears twice"
        elif any(question.excerpts != by_excerpts for question in questions.values()):
            problem = problem or "some questions of the file have gold and some have excerpts"
        if problem:
            raise UsageError(f"{where} is not a question: {problem}", hint=_FORM)
        questions[row.id] = GoldQuestion(
            id=row.id,
            question=row.question,
            kind=row.kind,
            gold=tuple(row.excerpts or row.gold or ()),
            answer=tuple(row.answer or ()),
            excerpts=by_excerpts,
        )
    if not questions:
        raise UsageError(f"there are no questions in {path}")
    return list(questions.values())


def _problem(row: _QuestionRow) -> str:
    """Why a row does not hold together; "" if it does."""
    gold = row.excerpts or row.gold or []
    parts = len({g.part for g in gold})
    if row.gold is None and row.excerpts is None:
        return "it has neither gold nor excerpts"
    if row.excerpts is not None and (
        other := "gold" if row.gold else "answer" if row.answer else ""
    ):
        return f"it has both excerpts and {other}"
    if not all(g.quote.strip() for g in gold) or not all(a.strip() for a in row.answer or ()):
        return "a quote or an answer is empty"
    if row.excerpts and parts > MAX_EXCERPT_PARTS:
        return f"the excerpts have {parts} parts; a question has one or two"
    if row.answer and len(row.answer) != parts:
        return f"{parts} parts have a quote, {len(row.answer)} an answer"
    return ""


def _read_rows(path: Path) -> Iterator[tuple[int, str, _QuestionRow]]:
    """Yield the object of each line that is not blank, with its line and its place for messages."""
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        hint = "name a file of questions (docs/evaluation.md says how): ragqa eval --questions FILE"
        raise UsageError(f"{path} cannot be read: {reason}", hint=hint) from exc
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        try:
            if line.strip():
                # `json` keeps lone surrogates, which stand for bytes that are not UTF-8.
                yield number, where, msgspec.convert(json.loads(line), _QuestionRow)
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{where} is not a question: {exc}", hint=_FORM) from exc
