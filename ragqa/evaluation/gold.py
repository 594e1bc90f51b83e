"""Golden questions to tasks: where quotes stand in the notes, and which passages hold them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ragqa.evaluation.questions import Gold, Question
from ragqa.evaluation.tasks import Expected, Task
from ragqa.types import Note, Passage

ReadNote = Callable[[str], Note | None]
"""Gives a note by its path; None where it is not there or cannot be read."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a gold quote stands, and the ids of the passages that hold all of it."""

    gold: Gold
    lines: tuple[int, int]
    passages: frozenset[int]


@dataclass
class _Notes:
    """The notes that questions are about, each read and split once."""

    read: ReadNote
    split: Callable[[Note], Sequence[Passage]]
    known: dict[str, tuple[Note, Sequence[Passage]] | None] = field(default_factory=dict)

    def place(self, gold: Gold) -> _Place | str:
        """Find a quote; a text says why it cannot be found."""
        if gold.note not in self.known:
            note = self.read(gold.note)
            self.known[gold.note] = None if note is None else (note, self.split(note))
        found = self.known[gold.note]
        if found is None:
            return f"there is no note {gold.note}"
        note, passages = found
        count = note.text.count(gold.quote)
        if count != 1:
            return f"its quote stands {count} times in {gold.note}: {gold.quote[:60]!r}"
        start = note.text.index(gold.quote)
        end = start + len(gold.quote)
        first = note.text.count("\n", 0, start) + 1
        return _Place(
            gold=gold,
            lines=(first, first + gold.quote.count("\n")),
            passages=frozenset(p.id for p in passages if p.start <= start and end <= p.end),
        )


def tasks_of(
    questions: Iterable[Question], read: ReadNote, split: Callable[[Note], Sequence[Passage]]
) -> tuple[list[Task], list[str]]:
    """Make a task of each question; the second value tells of gold that does not stand any more.

    A part whose quotes are all gone stays, as one that nothing finds.
    """
    notes = _Notes(read, split)
    tasks, warnings = [], []
    for question in questions:
        places: list[_Place] = []
        for gold in question.gold:
            place = notes.place(gold)
            if isinstance(place, str):
                warnings.append(f"question {question.id}: {place}")
            else:
                places.append(place)
        tasks.append(_task(question, places))
    return tasks, warnings


def _task(question: Question, places: Sequence[_Place]) -> Task:
    holders = {
        part: frozenset().union(*(p.passages for p in places if p.gold.part == part))
        for part in question.parts
    }
    units = _units(holders)
    unit_of_passage = {id_: unit for unit, ids in units.items() for id_ in ids}
    return Task(
        id=question.id,
        question=question.question,
        kind=question.kind,
        answerable=bool(question.gold),
        relevant=dict.fromkeys(units, 1),
        unit_of=lambda id_: unit_of_passage.get(id_, str(id_)),
        expect=partial(_expected, places, units),
        unheld=frozenset(unit for unit, ids in units.items() if not ids),
        answers=[[answer] for answer in question.answer],
    )


def _units(holders: Mapping[int, frozenset[int]]) -> dict[str, frozenset[int]]:
    """The parts by name, with the passages that hold them; parts held by one passage are one."""
    units: dict[tuple[int, ...], frozenset[int]] = {}
    for part, ids in holders.items():
        with_it = next((other for other, theirs in units.items() if theirs & ids), None)
        if with_it is None:
            units[(part,)] = ids
        else:
            units[(*with_it, part)] = units.pop(with_it) & ids
    return {f"part {' and '.join(map(str, parts))}": ids for parts, ids in units.items()}


def _expected(places: Sequence[_Place], units: Mapping[str, frozenset[int]]) -> list[Expected]:
    expected = []
    for place in places:
        held = (unit for unit, ids in units.items() if place.passages & ids)
        unit = next(held, f"part {place.gold.part}")
        expected.append(Expected(place.gold.note, place.gold.quote, place.lines, unit))
    return expected
