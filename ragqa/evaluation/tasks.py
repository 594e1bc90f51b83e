"""Tasks of an evaluation: a question with the places in the notes and passages that answer it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ragqa.evaluation.measures import Excerpt, count_visible
from ragqa.evaluation.sets import Gold, Question
from ragqa.types import Note, Passage


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

    A ranking of passages is judged as a ranking of units (documents, passages or parts of the
    question), which `units_of` maps passages to; each counts at its first occurrence. `relevant`
    has the grade of each relevant unit, {} if nothing is judged. With `by_document` documents are
    ranked, each at its best passage, and one relevant document is enough; otherwise every passage
    takes a rank, even one that repeats what was found. `unretrievable` are the units that no
    passage contains. `answers` has the alternative answers to each part of the question, () if the
    set has none; `gold` has the alternative excerpts of each part, () unless citations are to be
    compared with them. `expect` returns what should have been found, for a missed question.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    relevant: Mapping[str, int]
    units_of: Callable[[int], Sequence[str]]
    expect: Callable[[], Sequence[Expected]] = tuple
    by_document: bool = False
    unretrievable: frozenset[str] = frozenset()
    answers: Sequence[Sequence[str]] = ()
    gold: Sequence[Sequence[Excerpt]] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a gold quote is, and the ids of the passages that find it."""

    part: int
    excerpt: Excerpt
    lines: tuple[int, int]
    passages: frozenset[int]


def _place(
    gold: Gold, note: Note | None, passages: Sequence[Passage], *, by_overlap: bool
) -> _Place | str:
    """Locate a quote in its note; returns the reason as text if that fails."""
    if note is None:
        return f"there is no note {gold.note}"
    count = note.text.count(gold.quote)
    if count != 1:
        return f"its quote occurs {count} times in {gold.note}: {gold.quote[:60]!r}"
    excerpt = Excerpt(gold.note, note.text.index(gold.quote), gold.quote)
    first = note.text.count("\n", 0, excerpt.start) + 1
    found = frozenset(
        passage.id
        for passage in passages
        if (by_overlap and _shares_half(passage, excerpt))
        or (passage.start <= excerpt.start and excerpt.end <= passage.end)
    )
    return _Place(gold.part, excerpt, (first, first + gold.quote.count("\n")), found)


def _shares_half(passage: Passage, excerpt: Excerpt) -> bool:
    """Whether the overlap is half of the shorter of the two; either may be the longer one."""
    start, end = (max(0, at - passage.start) for at in (excerpt.start, excerpt.end))
    shorter = min(count_visible(passage.text), count_visible(excerpt.quote))
    return count_visible(passage.text[start:end]) >= max(1, shorter / 2)


def tasks_of(
    questions: Iterable[Question],
    read: Callable[[str], Note | None],
    split: Callable[[Note], Sequence[Passage]],
) -> tuple[list[Task], list[str]]:
    """Make a task of each question; returns the tasks, and warnings about gold quotes not found.

    A part whose quotes are all gone is kept, and nothing finds it. A passage finds a quote if it
    contains all of it, and an excerpt if they overlap by at least half of the shorter one.

    :param read: returns a note by its path; None if it is missing or unreadable.
    """

    @cache
    def chunked(path: str) -> tuple[Note | None, Sequence[Passage]]:
        note = read(path)
        return note, () if note is None else split(note)

    tasks, warnings = [], []
    for question in questions:
        places: list[_Place] = []
        for gold in question.gold:
            place = _place(gold, *chunked(gold.note), by_overlap=question.excerpts)
            if isinstance(place, str):
                warnings.append(f"question {question.id}: {place}")
            else:
                places.append(place)
        tasks.append(_task(question, places))
    return tasks, warnings


def _task(question: Question, places: Sequence[_Place]) -> Task:
    units = _units(question, places)
    names: dict[int, list[str]] = {}
    for name, (_, passages) in units.items():
        for id_ in passages:
            names.setdefault(id_, []).append(name)
    unit_of_part = {part: name for name, (parts, _) in units.items() for part in parts}
    return Task(
        id=question.id,
        question=question.question,
        kind=question.kind,
        answerable=bool(question.gold),
        relevant=dict.fromkeys(units, 1),
        units_of=lambda id_: names.get(id_, [str(id_)]),
        expect=lambda: [
            Expected(p.excerpt.path, p.lines, p.excerpt.quote, unit_of_part[p.part]) for p in places
        ],
        unretrievable=frozenset(name for name, (_, passages) in units.items() if not passages),
        answers=[[answer] for answer in question.answer],
        gold=[
            [p.excerpt for p in places if p.part == part]
            for part in question.parts
            if question.excerpts
        ],
    )


def _units(
    question: Question, places: Sequence[_Place]
) -> dict[str, tuple[tuple[int, ...], frozenset[int]]]:
    """The parts of a question with the passages that find them, by name.

    Parts found by exactly the same passages make one unit; parts that none finds stay apart.
    """
    together: dict[frozenset[int], tuple[int, ...]] = {}
    units: list[tuple[tuple[int, ...], frozenset[int]]] = []
    for part in question.parts:
        passages = frozenset(id_ for p in places if p.part == part for id_ in p.passages)
        if passages:
            together[passages] = (*together.get(passages, ()), part)
        else:
            units.append(((part,), passages))
    units += [(parts, passages) for passages, parts in together.items()]
    return {
        f"part {' and '.join(map(str, parts))}": (parts, passages)
        for parts, passages in sorted(units, key=lambda unit: unit[0])
    }
