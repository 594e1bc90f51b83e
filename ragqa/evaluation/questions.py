"""Read a file of questions about notes, and what each wants of a ranking and an answer."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ragqa.errors import UsageError
from ragqa.types import Passage

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


@dataclass(frozen=True, slots=True)
class GoldExcerpt:
    """A span of a note: `quote` begins at the character `start`.

    `passages` are the ids of those that find it.
    """

    path: str
    start: int
    quote: str
    part: int = 1
    lines: tuple[int, int] = (0, 0)
    passages: frozenset[int] = frozenset()


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


@dataclass(frozen=True, slots=True)
class Expected:
    """A quote that answers a part of a question; `part` is its unit in rankings."""

    path: str
    lines: tuple[int, int]
    quote: str
    part: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question, with what a good ranking and a good answer contain.

    A ranking of passages is judged as a ranking of units (passages or parts of the question), which
    `units_of` maps passages to; each counts at its first occurrence, and a passage that repeats
    what was found takes a rank, too. `relevant` has the grade of each relevant unit, {} if nothing
    is judged. `unretrievable` are the units that no passage contains. `answers` has the alternative
    answers to each part of the question, () if there are none; `gold` has the alternative excerpts
    of each part, () unless citations are to be compared with them. `expected` is what should have
    been found.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    relevant: Mapping[str, int]
    units_of: Callable[[int], Sequence[str]]
    expected: Sequence[Expected] = ()
    unretrievable: frozenset[str] = frozenset()
    answers: Sequence[Sequence[str]] = ()
    gold: Sequence[Sequence[GoldExcerpt]] = ()


def tasks_of(
    questions: Iterable[GoldQuestion],
    read: Callable[[str], str | None],
    passages_of: Callable[[str], Sequence[Passage]],
) -> tuple[list[Task], list[str]]:
    """Make a task of each question; returns the tasks, and warnings about gold quotes not found.

    A part whose quotes are all gone is kept, and nothing finds it. A passage finds a quote if it
    contains all of it, and an excerpt if they overlap by at least half of the shorter one.

    :param read: gives the text of the note at a path; None if it is missing or unreadable.
    """
    tasks, warnings = [], []
    for question in questions:
        places: list[GoldExcerpt] = []
        for gold in question.gold:
            text = read(gold.note)
            count = text.count(gold.quote) if text else 0
            if text and count == 1:
                passages = passages_of(gold.note)
                places.append(_place(gold, text, passages, by_overlap=question.excerpts))
            else:
                times = f"its quote occurs {count} times in {gold.note}: {gold.quote[:60]!r}"
                why = times if text is not None else f"there is no note {gold.note}"
                warnings.append(f"question {question.id}: {why}")
        tasks.append(_task(question, places))
    return tasks, warnings


def _place(gold: Gold, text: str, passages: Sequence[Passage], *, by_overlap: bool) -> GoldExcerpt:
    """Where a quote is in its note, and the passages that find it."""
    start = text.index(gold.quote)
    end = start + len(gold.quote)
    first = text.count("\n", 0, start) + 1

    def finds(passage: Passage) -> bool:
        if passage.start <= start and end <= passage.end:
            return True
        shared = passage.text[max(0, start - passage.start) : max(0, end - passage.start)]
        shorter = min(_visible(passage.text), _visible(gold.quote))  # either may be the longer one
        return by_overlap and _visible(shared) >= max(1, shorter / 2)

    return GoldExcerpt(
        path=gold.note,
        start=start,
        quote=gold.quote,
        part=gold.part,
        lines=(first, first + gold.quote.count("\n")),
        passages=frozenset(passage.id for passage in passages if finds(passage)),
    )


def _visible(text: str) -> int:
    """The characters that are not white space."""
    return len("".join(text.split()))


def _task(question: GoldQuestion, places: Sequence[GoldExcerpt]) -> Task:
    found_by = {
        part: frozenset(id_ for place in places if place.part == part for id_ in place.passages)
        for part in question.parts
    }
    # Parts found by exactly the same passages make one unit; parts that none finds stay apart.
    together: dict[object, list[int]] = {}
    for part, passages in found_by.items():
        together.setdefault(passages or part, []).append(part)
    unit_of = {
        part: f"part {' and '.join(map(str, parts))}"
        for parts in together.values()
        for part in parts
    }

    def units_of(passage_id: int) -> Sequence[str]:
        units = (unit_of[part] for part, found in found_by.items() if passage_id in found)
        return list(dict.fromkeys(units)) or [str(passage_id)]

    return Task(
        id=question.id,
        question=question.question,
        kind=question.kind,
        answerable=bool(question.gold),
        relevant=dict.fromkeys(unit_of.values(), 1),
        units_of=units_of,
        expected=[
            Expected(place.path, place.lines, place.quote, unit_of[place.part]) for place in places
        ],
        unretrievable=frozenset(unit_of[part] for part in found_by if not found_by[part]),
        answers=[[answer] for answer in question.answer],
        gold=[
            [place for place in places if place.part == part]
            for part in question.parts
            if question.excerpts
        ],
    )
