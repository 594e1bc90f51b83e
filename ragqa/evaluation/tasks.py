"""One question of an evaluation, and its outcome."""

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
"""The names of all per-question measures where higher is better."""

NOISE = "noise"
"""The one per-question measure where lower is better."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A quote that answers a part of a question; `unit` is its name in rankings."""

    path: str
    quote: str
    lines: tuple[int, int]
    unit: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question, with what a good ranking and a good answer contain.

    A ranking of passages is judged as a ranking of units (documents, passages or parts of the
    question), which `units_of` maps passages to; each counts at its first occurrence. `relevant`
    has the grade of each relevant unit, {} if nothing is judged. With `by_document` documents are
    ranked, each at its best passage, and one relevant document is enough; otherwise every passage
    takes a rank, even one that repeats what was found. `unretrievable` are the units that no
    passage contains. `answers` has the alternative answers to each part of the question, () if the
    set has none; `gold` has the alternative excerpts of each part, for citations. `spans` are the
    gold spans, and `touching` the passages that touch them, for measuring overlap. `expect` returns
    what should have been found, for a missed question.
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
    spans: Spans = ()
    touching: Spans = ()
    gold: Sequence[Sequence[Excerpt]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A passage retrieved for a question."""

    path: str
    lines: tuple[int, int]
    heading: tuple[str, ...]
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A missed question: the stage that lost it, what was expected, and what was found."""

    stage: str
    expected: tuple[Expected, ...]
    found: tuple[Found, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """What an answer cited, scored against the gold excerpts.

    `score` is None for a question that the notes do not answer. `marked` shows the wanted and the
    cited text in the notes.
    """

    cited: tuple[Citation, ...]
    score: Score | None
    marked: tuple[Marked, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one question.

    `measures` and `ranks` are by method. Ranks are those of the relevant units, from 1, None for
    one that is not a candidate. `answer` has answer@1 to 3; it, `confidence` and `answered` are
    None if no answer was composed. `empty` are the methods that found nothing. `quoted` is None if
    citations are not measured.
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
