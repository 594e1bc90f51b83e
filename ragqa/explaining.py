"""Explain why a note is or is not in an answer: how far it came, and what was weighed there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ragqa.addresses import Target, notes_of
from ragqa.answering import Answering, Assessment, assess, cite
from ragqa.answering.sentences import PASSAGES, sources_of
from ragqa.answering.stretch import Stretch
from ragqa.api import MIN_POOL, Index
from ragqa.api.finding import Retrieval
from ragqa.clock import Clock
from ragqa.search.retrieve import find_legs, hits_of, ranked
from ragqa.stages import STAGES as LOST_STAGES
from ragqa.stages import losing_leg
from ragqa.stores.filters import passing
from ragqa.text.dates import passage_terms
from ragqa.text.words import query_terms, tokenize
from ragqa.types import Citation, Filters, Hit, NoteRecord, Passage, Progress, Span

SAID = "said"

STAGES = LOST_STAGES | {
    "not indexed": "it is not in the index",
    "filters": "--tag, --path, --since, --until or --where excludes it",
    "changed": "its text has changed since it was indexed",
    "confidence": "no answer was given, so nothing was quoted",
    SAID: "it is in the answer",
}
"""How far a note came: the stages that can lose a question, and those specific to a note."""

_MAX_MISSING = 8


class Lost(StrEnum):
    """Why a candidate sentence is not in the answer; `FURTHER` ones are shown below it.

    One that scores as high as the best excerpt is passed over where another paragraph defines the
    term asked for, or a newer note says what holds.
    """

    FURTHER = "further"
    WEAK = "weak"
    PASSED_OVER = "passed over"


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage of the note, with its fused rank among all passages.

    `rank` is None, and the score 0, if it is not a candidate. The ranks of the legs in `hit` go
    beyond the candidates. `read` is whether sentences were taken from it.
    """

    hit: Hit
    rank: int | None
    read: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A candidate sentence of the note; `lost` is why it was not said, None if it was.

    `rank` is among all candidate sentences.
    """

    citation: Citation
    rank: int
    lost: Lost | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a note came on the way into the answer to a question.

    `filters` are those that exclude it; ranks are then unfiltered. `places` are its passages, or
    those that touch the target's lines, best first. `sentences` are the candidates of these, best
    first. `said` has the citations of the answer, even of one that was withheld. `missing` has the
    words of the question that the best place lacks. A note that is not indexed has an
    empty `assessment`.
    """

    target: Target
    asked: Retrieval
    stage: str = "not indexed"
    assessment: Assessment = field(default_factory=Assessment)
    filters: tuple[str, ...] = ()
    places: tuple[RankedPassage, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    said: tuple[Citation, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    waiting: int = 0


def explain(
    index: Index,
    question: str,
    *,
    target: str,
    filters: Filters | None = None,
    refresh: bool = True,
    progress: Progress | None = None,
) -> Explanation:
    """Ask a question and explain how far a note came on the way into the answer.

    :param target: a note by its path, file name, title or alias, and a part of it (`readings`).
    :raises UsageError: no note or several have this name, or the note has no such part.
    :raises RagqaError: as `Index.ask` does.
    """
    filters = filters or Filters()
    asked = index.find(question, filters, refresh=refresh, progress=progress, clock=Clock())
    note = notes_of(index, index.snapshot().notes().values(), asked.info).find(target)
    explanation = Explanation(
        note, asked, warnings=tuple(asked.warnings), waiting=index.files_waiting
    )
    if note.reason:
        return explanation
    notes, answering = asked.notes, index.answering_from(asked.notes)
    assessment = assess(asked.question, asked.hits, index.source.embedders.asking, answering)
    places, left_out = _ranked_places(index, asked, note, filters)
    current = {hit.passage.id: hit for hit in notes.keep([place.hit for place in places])[0]}
    explanation = replace(
        explanation,
        assessment=assessment,
        filters=left_out,
        places=tuple(
            replace(place, hit=current.get(place.hit.passage.id, place.hit)) for place in places
        ),
        sentences=tuple(_weighed(assessment, places, note.lines, answering)),
        said=tuple(cite(each, n, answering) for n, each in enumerate(assessment.excerpts, 1)),
    )
    stage = _stage(explanation, is_current=bool(current))
    missing: tuple[str, ...] = ()
    if places and stage not in (SAID, "filters", "changed"):
        missing = missing_words(asked.question.spelled, places[0].hit.passage)
    return replace(explanation, stage=stage, missing=missing)


def _ranked_places(
    index: Index, asked: Retrieval, target: Target, filters: Filters
) -> tuple[tuple[RankedPassage, ...], tuple[str, ...]]:
    """Rank a note's passages, or those that touch the target's lines, among all passages.

    :returns: the passages, best first, and the filters that exclude the note. If there are any, the
        ranks are unfiltered.
    """
    snapshot, ranking = index.snapshot(), index.ranking
    of_note = snapshot.passages(at=[target.path])
    passages = [passage.id for passage in of_note if _touches(passage.lines, target.lines)]
    left_out = _excluding(filters, snapshot.notes()[target.path]) if passages else ()
    searched = Filters() if left_out else filters
    # The legs have every passage; they are fused as `ask` does it, with its limit from each.
    most = max(snapshot.info.passages, ranking.candidates)
    legs = find_legs(snapshot, asked.question, most=most, filters=searched)
    dense, terms = legs
    pool = max(index.settings.top_k, MIN_POOL, ranking.candidates)
    fused = ranked(snapshot, asked.question, (dense[:pool], terms[:pool]), ranking)
    ranks = {id_: rank for rank, (id_, _) in enumerate(fused, start=1)}
    scores = dict(fused)
    hits = hits_of(snapshot, legs, [(id_, scores.get(id_, 0.0)) for id_ in passages])
    read = set() if left_out else {hit.passage.id for hit in sources_of(asked.hits)}
    places = [RankedPassage(hit, ranks.get(hit.passage.id), hit.passage.id in read) for hit in hits]

    def order(place: RankedPassage) -> tuple[float, float]:
        ranks = place.rank, place.hit.dense_rank, place.hit.terms_rank
        fused, *of_legs = (float("inf") if rank is None else rank for rank in ranks)
        return fused, min(of_legs)

    return tuple(sorted(places, key=order)), left_out


def _excluding(filters: Filters, note: NoteRecord) -> tuple[str, ...]:
    """The command-line options of the filters that exclude a note."""
    options = {f"--tag {tag}": Filters(tags=(tag,)) for tag in filters.tags}
    options[" ".join(f"--path {path}" for path in filters.paths)] = Filters(paths=filters.paths)
    options[f"--since {filters.since}"] = Filters(since=filters.since)
    options[f"--until {filters.until}"] = Filters(until=filters.until)
    options[f"--where {filters.where!r}"] = Filters(where=filters.where)
    return tuple(option for option, single in options.items() if not passing([note], single))


def _weighed(
    assessment: Assessment,
    places: Sequence[RankedPassage],
    lines: Span | None,
    answering: Answering,
) -> Iterator[Sentence]:
    """The candidate sentences of these places, on these lines if given, best first."""
    own = {place.hit.passage.id for place in places}
    in_order = sorted(assessment.candidates, key=lambda candidate: -candidate.score)
    for rank, candidate in enumerate(in_order, start=1):
        if candidate.passage.id not in own:
            continue
        citation = cite(candidate, rank, answering, is_excerpt=False)
        if _touches(citation.lines, lines):
            lost = why_lost(candidate, assessment.excerpts, assessment.further)
            yield Sentence(citation, rank, lost)


def _touches(lines: Span, wanted: Span | None) -> bool:
    return wanted is None or (lines[0] <= wanted[1] and wanted[0] <= lines[1])


def why_lost(
    candidate: Stretch, excerpts: Sequence[Stretch], further: Sequence[Stretch] = ()
) -> Lost | None:
    """Why a candidate is not in the answer; None where an excerpt has it."""
    if any(excerpt.overlaps(candidate) for excerpt in excerpts):
        return None
    if any(excerpt.overlaps(candidate) for excerpt in further):
        return Lost.FURTHER
    best = max((excerpt.score for excerpt in excerpts), default=float("inf"))
    return Lost.PASSED_OVER if candidate.score >= best else Lost.WEAK


def _stage(explanation: Explanation, *, is_current: bool) -> str:
    """The first stage that the note did not pass."""
    places = explanation.places
    if not places:
        return "chunking"
    if explanation.filters:
        return "filters"
    if not is_current:
        return "changed"
    best = places[0]
    near = best.rank is not None and best.rank <= PASSAGES
    if not near and not any(place.read for place in places):
        if explanation.asked.question.by_terms_alone:
            return "terms"
        return losing_leg(best.hit.dense_rank, best.hit.terms_rank)
    if not explanation.assessment.answered:
        return "confidence"
    return SAID if any(sentence.lost is None for sentence in explanation.sentences) else "composer"


def missing_words(question: str, passage: Passage) -> tuple[str, ...]:
    """The question's words that a passage lacks."""
    language = passage.language
    lacking = set(query_terms(question, [language])).difference(passage_terms(passage))
    words = dict.fromkeys(tokenize(question, pairs_only=True))
    return tuple(word for word in words if lacking.issuperset(query_terms(word, [language])))[
        :_MAX_MISSING
    ]
