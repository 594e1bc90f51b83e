"""Select among the drafts: merge duplicates, drop unsound ones, and balance kinds and notes."""

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

from ragqa.evaluation.generating.cells import draft_cells
from ragqa.evaluation.generating.definitions import draft_definitions
from ragqa.evaluation.generating.headings import draft_headings
from ragqa.evaluation.generating.links import draft_links
from ragqa.evaluation.generating.masked import draft_masked
from ragqa.evaluation.generating.places import Material, Place, occurs_once, read_material
from ragqa.evaluation.generating.wording import Draft, key_of
from ragqa.evaluation.measures import answer_found
from ragqa.evaluation.questions import Gold, Question
from ragqa.text.words import query_terms
from ragqa.types import Note

MIN_QUESTION_TERMS = 2
MAX_QUESTION_CHARS = 200
MAX_GOLD = 5

Drafting: TypeAlias = Callable[[Material, random.Random], Iterator[Draft]]
T = TypeVar("T")

KINDS: Mapping[str, Drafting] = {
    "heading": draft_headings,
    "definition": draft_definitions,
    "cell": draft_cells,
    "masked": draft_masked,
    "link": draft_links,
}


@dataclass(frozen=True, slots=True)
class _Candidate:
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
    drawn = _merged(drafts, _by_quote(material))
    shares = [
        _once(_shuffled_by_note([d for d in drawn if d.kind == kind], rng), material)
        for kind in KINDS
    ]
    return _numbered(islice(_round_robin(shares), max(0, count)))


def _by_quote(material: Material) -> Mapping[str, Sequence[Place]]:
    """The places of each quote: a sentence may occur in several notes."""
    places: defaultdict[str, list[Place]] = defaultdict(list)
    for place in material.all_places():
        places[place.quote].append(place)
    return places


def _merged(
    drafts: Mapping[str, Iterable[Draft]], by_quote: Mapping[str, Sequence[Place]]
) -> list[_Candidate]:
    """Merge questions with the same terms.

    If drafts for different quotes have the same wording and each quote contains the answer, all
    are gold; otherwise the question is ambiguous and is dropped.
    """
    same: defaultdict[tuple[str, ...], list[tuple[str, Draft]]] = defaultdict(list)
    for kind, made in drafts.items():
        for draft in made:
            if _is_sound(draft):
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
        is_exact = all(occurs_once(p.quote, material.notes[p.path].text) for p in one.places)
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


def _numbered(drawn: Iterable[_Candidate]) -> list[Question]:
    numbers: defaultdict[str, int] = defaultdict(int)
    questions = []
    for one in drawn:
        numbers[one.kind] += 1
        questions.append(
            Question(
                id=f"{one.kind}-{numbers[one.kind]:04}",
                question=one.draft.question,
                kind=one.kind,
                gold=tuple(Gold(place.path, place.quote) for place in one.places),
                answer=(one.draft.answer,),
            )
        )
    return questions
