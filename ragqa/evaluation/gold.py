"""Turn questions into tasks: locate gold quotes in the notes and in the passages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ragqa.evaluation.excerpts import Excerpt, count_visible
from ragqa.evaluation.questions import Gold, Question
from ragqa.evaluation.tasks import Expected, Task
from ragqa.types import Note, Passage

ReadNote = Callable[[str], Note | None]
"""Returns a note by its path; None if it is missing or unreadable."""

_Finds = Callable[[Passage, Excerpt], bool]
"""Whether the passage counts as finding the excerpt of the same note."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a gold quote is, and the ids of the passages that find it."""

    gold: Gold
    excerpt: Excerpt
    lines: tuple[int, int]
    passages: frozenset[int]


@dataclass
class _Notes:
    """The notes that questions are about, each read and chunked once."""

    read: ReadNote
    split: Callable[[Note], Sequence[Passage]]
    known: dict[str, tuple[Note, Sequence[Passage]] | None] = field(default_factory=dict)

    def place(self, gold: Gold, finds: _Finds) -> _Place | str:
        """Locate a quote; returns the reason as text if that fails."""
        if gold.note not in self.known:
            note = self.read(gold.note)
            self.known[gold.note] = None if note is None else (note, self.split(note))
        found = self.known[gold.note]
        if found is None:
            return f"there is no note {gold.note}"
        note, passages = found
        count = note.text.count(gold.quote)
        if count != 1:
            return f"its quote occurs {count} times in {gold.note}: {gold.quote[:60]!r}"
        excerpt = Excerpt(gold.note, note.text.index(gold.quote), gold.quote)
        first = note.text.count("\n", 0, excerpt.start) + 1
        return _Place(
            gold=gold,
            excerpt=excerpt,
            lines=(first, first + gold.quote.count("\n")),
            passages=frozenset(p.id for p in passages if finds(p, excerpt)),
        )


def _holds(passage: Passage, excerpt: Excerpt) -> bool:
    return passage.start <= excerpt.start and excerpt.end <= passage.end


def _shares_half(passage: Passage, excerpt: Excerpt) -> bool:
    """Whether the overlap is half of the shorter of the two; either may be the longer one."""
    start, end = (max(0, at - passage.start) for at in (excerpt.start, excerpt.end))
    shorter = min(count_visible(passage.text), count_visible(excerpt.quote))
    return count_visible(passage.text[start:end]) >= max(1, shorter / 2)


def tasks_of(
    questions: Iterable[Question], read: ReadNote, split: Callable[[Note], Sequence[Passage]]
) -> tuple[list[Task], list[str]]:
    """Make a task of each question; returns the tasks, and warnings about gold quotes not found.

    A part whose quotes are all gone is kept, and nothing finds it. A passage finds a quote if it
    contains all of it, and an excerpt if they overlap by at least half of the shorter one.
    """
    notes = _Notes(read, split)
    tasks, warnings = [], []
    for question in questions:
        places: list[_Place] = []
        finds = _shares_half if question.excerpts else _holds
        for gold in question.gold:
            place = notes.place(gold, finds)
            if isinstance(place, str):
                warnings.append(f"question {question.id}: {place}")
            else:
                places.append(place)
        tasks.append(_task(question, places))
    return tasks, warnings


def _task(question: Question, places: Sequence[_Place]) -> Task:
    units = _units(question, places)
    names: dict[int, list[str]] = {}
    for unit in units:
        for id_ in unit.passages:
            names.setdefault(id_, []).append(unit.name)
    return Task(
        id=question.id,
        question=question.question,
        kind=question.kind,
        answerable=bool(question.gold),
        relevant={unit.name: 1 for unit in units},
        units_of=lambda id_: names.get(id_, [str(id_)]),
        expect=partial(_expected, places, units),
        unretrievable=frozenset(unit.name for unit in units if not unit.passages),
        answers=[[answer] for answer in question.answer],
        gold=[[p.excerpt for p in places if p.gold.part == part] for part in question.parts],
    )


@dataclass(frozen=True, slots=True)
class _Unit:
    """Parts of a question that are found together, and the passages that contain them."""

    parts: tuple[int, ...]
    passages: frozenset[int]

    @property
    def name(self) -> str:
        return f"part {' and '.join(map(str, self.parts))}"


def _units(question: Question, places: Sequence[_Place]) -> list[_Unit]:
    """The parts of a question; parts found by exactly the same passages make one unit."""
    together: dict[frozenset[int], tuple[int, ...]] = {}
    units = []
    for part in question.parts:
        held = frozenset(id_ for p in places if p.gold.part == part for id_ in p.passages)
        if held:
            together[held] = (*together.get(held, ()), part)
        else:
            units.append(_Unit((part,), held))
    units += [_Unit(parts, held) for held, parts in together.items()]
    return sorted(units, key=lambda unit: unit.parts)


def _expected(places: Sequence[_Place], units: Sequence[_Unit]) -> list[Expected]:
    unit_of_part = {part: unit.name for unit in units for part in unit.parts}
    return [Expected(p.gold.note, p.gold.quote, p.lines, unit_of_part[p.gold.part]) for p in places]
