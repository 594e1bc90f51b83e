"""Whether the notes answer a question, and with what: read it from top to bottom.

The sentences of the best passages are candidates. They are scored; excerpts around the best are
chosen; and it is judged how probably these answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragqa.answering.candidate import Candidate
from ragqa.answering.confidence import features, shipped
from ragqa.answering.evidence import Evidence
from ragqa.answering.excerpt import Finder, with_embedded
from ragqa.answering.layout import asks
from ragqa.answering.score import (
    NEAR_SHARE,
    Reading,
    is_of_another_time,
    is_of_day,
    of_period,
    read,
    read_together,
    score,
    without_other_days,
)
from ragqa.answering.sentences import candidates_of
from ragqa.embedders import Embedder
from ragqa.rerankers import Reranker
from ragqa.search.question import Question
from ragqa.text.words import index_terms
from ragqa.types import Kind
from ragqa.types.answers import FURTHER, SURE_FROM

SURE_SHARE = 0.75
"""One below this share may be about something else, and is quoted with reserve."""

MOST_IF_OLD = SURE_FROM - 0.01
"""What a later note may have changed is not given without reserve."""

MOST_CONFIDENT = 0.3
"""Where a note only asks, what it says is probably no answer."""

ANOTHER_TIME = "nothing of the time that you name seems to answer; this is of another"

_FOR_QUESTIONS = frozenset(index_terms("questions ask asked"))
_QUOTED = (Kind.PARAGRAPH, Kind.ITEM, Kind.HEADING)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The excerpts that may answer, in reading order, and what else there is to show.

    `others` are candidates of other dates on the subject of the first one, in the order to be told;
    it `may_be_old` if a later one answers half as well. `further` are other excerpts to offer;
    `warnings` say what is not shown.
    """

    excerpts: Sequence[Candidate] = ()
    others: Sequence[Candidate] = ()
    may_be_old: bool = False
    further: Sequence[Candidate] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """Whether the notes answer a question, and what is chosen of the scored `candidates`.

    `confidence` is the probability that the first excerpt is a good answer, by `features`.
    """

    chosen: Chosen = Chosen()
    confidence: float = 0.0
    answered: bool = False
    features: Mapping[str, float] = field(default_factory=dict)
    candidates: Sequence[Candidate] = ()


def assess(
    question: Question,
    evidence: Evidence,
    embedder: Embedder,
    *,
    reranker: Reranker = Reranker(),  # noqa: B008 - it has no state
    further: int = FURTHER,
) -> Assessment:
    """Find the excerpts that answer a question, and judge them.

    Where nothing of the time that it names answers, what is of another time may, with reserve.

    :param further: how many further excerpts are offered; one more is found, if there are more.
    """
    reading = read(question, evidence.hits, embedder)
    found = candidates(reading, evidence)
    if not found:
        return Assessment()
    every = scored(reading, found, reranker)
    may_answer, is_open = without_open_questions(question, every)
    may_answer = without_other_days(question, may_answer)
    of_time = of_period(question, may_answer)
    choice = chosen(reading, of_time, evidence, further)
    assessment = judged(reading, of_time, choice, evidence, embedder, is_open=is_open)
    if not assessment.answered and len(of_time) < len(may_answer):
        reading = replace(reading, question=replace(question, period=None))
        choice = chosen(reading, may_answer, evidence, further)
        assessment = judged(reading, may_answer, choice, evidence, embedder, is_open=is_open)
    if is_of_another_time(question, choice.excerpts[0]):
        choice = replace(choice, warnings=(*choice.warnings, ANOTHER_TIME))
        confidence = min(assessment.confidence, MOST_IF_OLD)
        assessment = replace(assessment, chosen=choice, confidence=confidence)
    return replace(assessment, candidates=every)


def candidates(reading: Reading, evidence: Evidence) -> list[Candidate]:
    """The sentences of the best passages that may answer."""
    return candidates_of(reading.hits, evidence, asked=reading.question.terms)


def scored(reading: Reading, found: Sequence[Candidate], reranker: Reranker) -> list[Candidate]:
    """The candidates, each with its score, to which a reranker of the user's own may add."""
    return score(reading, found, read_together(reranker, reading.question.text, found))


def chosen(
    reading: Reading, may_answer: Sequence[Candidate], evidence: Evidence, further: int
) -> Chosen:
    """The excerpts around the best candidates.

    :param may_answer: the scored candidates to choose from, at least one.
    """
    finder = Finder(reading, may_answer, evidence)
    excerpts, history = with_embedded(finder.excerpts(), evidence), finder.history
    others = finder.further(excerpts, further + 1)
    return Chosen(excerpts, history.others, history.may_be_old, others, finder.rows_left)


def judged(
    reading: Reading,
    may_answer: Sequence[Candidate],
    choice: Chosen,
    evidence: Evidence,
    embedder: Embedder,
    *,
    is_open: bool,
) -> Assessment:
    """What was chosen, with the probability that it answers, and whether that is enough.

    :param may_answer: the scored candidates that it was chosen from.
    :param is_open: whether they only ask, or a question is nearer than any of them.
    """
    question, best = reading.question, choice.excerpts[0]
    model = shipped()["terms" if question.by_terms_alone else "all"]
    rivals = [candidate for candidate in may_answer if candidate not in choice.others]
    measured = features(reading, rivals, best, evidence.no_note_has, embedder)
    most = MOST_CONFIDENT if is_open else MOST_IF_OLD if choice.may_be_old else 1.0
    probability = min(model.probability(measured), most)
    # What is of a day answers a question about the day, whatever words it has.
    answered = probability >= model.threshold or is_of_day(question, best)
    used = {name: measured[name] for name in model.features}
    return Assessment(choice, round(probability, 4), answered, used)


def without_open_questions(
    question: Question, scored: Sequence[Candidate]
) -> tuple[Sequence[Candidate], bool]:
    """The sentences that may answer, and whether they do so with reserve.

    One that asks is among them only where no statement is near, or where questions are wanted
    ("what should I ask a landlord?").

    :param scored: the candidate sentences, at least one.
    """
    if not question.terms.isdisjoint(_FOR_QUESTIONS):
        return scored, False
    asking = [candidate for candidate in scored if _is_open(candidate)]
    stating = [candidate for candidate in scored if candidate not in asking]
    if not asking:
        return scored, False
    most = max(candidate.score for candidate in asking)
    best = max(stating, key=lambda candidate: candidate.score, default=None)
    if best is None or best.score < NEAR_SHARE * most:
        return scored, True
    return stating, best.score < SURE_SHARE * most


def _is_open(candidate: Candidate) -> bool:
    """Whether a sentence asks what the note leaves open; a list does if each of its items asks."""
    layout, (first, last) = candidate.layout, candidate.sentence
    if not asks(candidate.text):
        return False
    if candidate.is_list:
        kinds = [layout.pieces[i].kind for i in range(first, last + 1)]
        pieces = [i for i, kind in enumerate(kinds, first) if kind is Kind.ITEM]
    elif first == last and candidate.kind in _QUOTED:
        pieces = [first]
    else:
        return False
    return all(map(layout.leaves_open, pieces))
