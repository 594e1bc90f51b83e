"""Generate questions from the user's notes, without an LLM, to measure retrieval on them.

`places` splits notes into quotable places and `drafts` drafts questions about them. Of these, the
duplicates are merged here, unsound ones dropped, and kinds and notes balanced.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, TypeVar

from ragqa.evaluation.generating.drafts import (
    Draft,
    draft_cells,
    draft_definitions,
    draft_headings,
)
from ragqa.evaluation.generating.places import Material, Place, read_material
from ragqa.evaluation.generating.wording import key_of
from ragqa.evaluation.measures import answer_found
from ragqa.evaluation.questions import Gold, Question
from ragqa.text.words import query_terms
from ragqa.types import Note

MIN_QUESTION_TERMS = 2
MAX_QUESTION_CHARS = 200
MAX_GOLD = 5
KINDS = {"heading": draft_headings, "definition": draft_definitions, "cell": draft_cells}

T = TypeVar("T")


class _Candidate(NamedTuple):
    """A candidate question, with all the places that answer it."""

    kind: str
    draft: Draft
    places: tuple[Place, ...]


def generate_questions(notes: Iterable[Note], count: int, *, seed: int) -> list[Question]:
    """Generate up to `count` questions whose answers follow from the structure of the notes.

    The same notes, count and seed give the same questions. Kinds get equal shares and notes take
    turns, as far as the material goes; with too little there are fewer questions.
    """
    material = read_material(notes)
    rng = random.Random(seed)  # noqa: S311 - drawing questions, not secrets
    drafts = {kind: list(drafting(material, rng)) for kind, drafting in KINDS.items()}
    candidates = _merged(drafts, material)
    shares = [
        _once(_shuffled_by_note([one for one in candidates if one.kind == kind], rng), material)
        for kind in KINDS
    ]
    numbers: Counter[str] = Counter()
    questions = []
    for kind, draft, places in islice(_round_robin(shares), max(0, count)):
        numbers[kind] += 1
        gold = tuple(Gold(place.path, place.quote) for place in places)
        id_ = f"{kind}-{numbers[kind]:04}"
        questions.append(Question(id_, draft.question, kind, gold, (draft.answer,)))
    return questions


def _merged(drafts: Mapping[str, Iterable[Draft]], material: Material) -> list[_Candidate]:
    """Merge questions with the same terms.

    If drafts for different quotes have the same wording and each quote contains the answer, all
    are gold, wherever they occur; otherwise the question is ambiguous and is dropped.
    """
    by_quote: defaultdict[str, list[Place]] = defaultdict(list)
    for place in material.places:
        by_quote[place.quote].append(place)
    same: defaultdict[tuple[str, ...], list[tuple[str, Draft]]] = defaultdict(list)
    for kind, made in drafts.items():
        for draft in filter(_is_sound, made):
            same[key_of(draft.question)].append((kind, draft))
    merged = []
    for (kind, first), *others in same.values():
        apart = [draft for _, draft in others if draft.place.quote != first.place.quote]
        quotes = dict.fromkeys(draft.place.quote for draft in (first, *apart))
        places = tuple(place for quote in quotes for place in by_quote[quote])
        is_one = all(
            draft.question.casefold() == first.question.casefold()
            and answer_found([draft.place.quote], [first.answer])
            for draft in apart
        )
        if is_one and len(places) <= MAX_GOLD:
            merged.append(_Candidate(kind, first, places))
    return merged


def _is_sound(draft: Draft) -> bool:
    return (
        len(set(query_terms(draft.question))) >= MIN_QUESTION_TERMS
        and len(draft.question) <= MAX_QUESTION_CHARS
        and answer_found([draft.place.quote], [draft.answer])
    )


def _shuffled_by_note(drawn: Iterable[_Candidate], rng: random.Random) -> Iterator[_Candidate]:
    """The questions, shuffled, with the notes taking turns."""
    by_note: defaultdict[str, list[_Candidate]] = defaultdict(list)
    for one in drawn:
        by_note[one.draft.place.path].append(one)
    turns = list(by_note.values())
    rng.shuffle(turns)
    for questions in turns:
        rng.shuffle(questions)
    return _round_robin(turns)


def _once(drawn: Iterable[_Candidate], material: Material) -> Iterator[_Candidate]:
    """The questions whose quotes occur once in their notes, at most one for each place."""
    asked: set[Place] = set()
    for one in drawn:
        is_exact = all(material.notes[p.path].text.count(p.quote) == 1 for p in one.places)
        if is_exact and asked.isdisjoint(one.places):
            asked.update(one.places)
            yield one


def _round_robin(many: Iterable[Iterable[T]]) -> Iterator[T]:
    """Round-robin: the first of each, then the second of each, and so on."""
    waiting = deque(map(iter, many))
    while waiting:
        turn = waiting.popleft()
        for one in turn:
            yield one
            waiting.append(turn)
            break
