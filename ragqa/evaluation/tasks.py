"""One question as the harness asks it, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragqa.evaluation.excerpts import Excerpt, Score
from ragqa.evaluation.marking import Marked
from ragqa.evaluation.measures import MEASURES, Overlap, Spans
from ragqa.types import Citation

METHODS = ("hybrid", "dense", "terms")
ANSWERS_AT = (1, 2, 3)

ANSWER_MEASURES = tuple(f"answer@{n}" for n in ANSWERS_AT)
OVERLAP_MEASURES = ("recall", "precision", "precision_omega", "iou")
EXCERPT_MEASURES = ("good", "coverage")
NAMES = (
    *(f"{method}.{name}" for method in METHODS for name in MEASURES),
    *ANSWER_MEASURES,
    *OVERLAP_MEASURES,
    *EXCERPT_MEASURES,
)
"""Every measure of a question by name of which more is better."""

NOISE = "noise"
"""The one measure of a question of which less is better."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A place that answers a part of a question; `unit` is how rankings name it."""

    path: str
    quote: str
    lines: tuple[int, int]
    unit: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question, with what a good ranking and a good answer of it hold.

    A ranking of passages is judged as a ranking of units: documents, passages or parts of the
    question, by `units_of`, each counted where it first comes. `relevant` has the grade of each
    unit wanted, {} where nothing is judged. With `by_document` a ranking is one of documents, each
    where its best passage stands, and any relevant one will do for a reader; else every passage
    takes a place, also one that repeats what was found. `unheld` are the units that no passage
    holds. `answers` has for each part of the question texts of which any one answers it, () where
    the set has none. `spans` are the places that answer, and `touching` the passages that touch
    them, for measuring overlap. `gold` has for each part of the question the places of which any
    one answers it, where quotes of notes do. `expect` says what should have been found, for a
    question that was missed.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    relevant: Mapping[str, int]
    units_of: Callable[[int], Sequence[str]]
    expect: Callable[[], Sequence[Expected]] = tuple
    by_document: bool = False
    unheld: frozenset[str] = frozenset()
    answers: Sequence[Sequence[str]] = ()
    spans: Spans = ()
    touching: Spans = ()
    gold: Sequence[Sequence[Excerpt]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was found for a question."""

    path: str
    lines: tuple[int, int]
    heading: tuple[str, ...]
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A question that was missed: the stage that lost it, what was wanted, what was there."""

    stage: str
    expected: tuple[Expected, ...]
    found: tuple[Found, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """What an answer cited, held against the excerpts wanted.

    `score` is None for a question that the notes do not answer. `marked` are the notes' own texts
    around what was wanted and what was cited.
    """

    cited: tuple[Citation, ...]
    score: Score | None
    marked: tuple[Marked, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question.

    `measures` and `ranks` are by method. A rank is that of a relevant unit, from 1, or None where
    it is not among the candidates. `answer` has answer@1 to 3; it, `confidence` and `answered` are
    None where no answer was composed. `empty` are the methods that found nothing. `quoted` is None
    where citations are not measured.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    measures: Mapping[str, Mapping[str, float]]
    ranks: Mapping[str, tuple[int | None, ...]]
    empty: tuple[str, ...]
    search_ms: float | None
    ask_ms: float | None
    answer: tuple[float, ...] | None
    confidence: float | None
    answered: bool | None
    missing: tuple[str, ...]
    overlap: Overlap | None
    missed: Missed | None
    quoted: Quoted | None = None
