"""Whether the notes answer a question, and with what: read it from top to bottom.

The sentences of the best passages are candidates. They are scored; excerpts around the best are
chosen; and it is judged how probably these answer, by a logistic model over a few features.
"""

import json
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from itertools import compress

import numpy as np
from msgspec import Struct, convert

from ragqa.answering.candidates import Candidate, candidates_of
from ragqa.answering.evidence import Evidence
from ragqa.answering.excerpt import Finder, with_embedded
from ragqa.answering.history import stated_on
from ragqa.answering.layout import asks
from ragqa.answering.score import (
    NEAR_SHARE,
    Reading,
    best_cosines,
    is_of_another_time,
    is_of_day,
    of_period,
    read,
    read_together,
    score,
    without_other_days,
)
from ragqa.embedders import Embedder
from ragqa.rerankers import Reranker
from ragqa.search.question import Question
from ragqa.search.question_kind import SHORT, QuestionKind
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
    candidates = candidates_of(reading.hits, evidence, asked=question.terms)
    if evidence.within:
        within, dates = evidence.within, evidence.dates
        days = [stated_on(one.passage, one.unit, dates[one.path]) for one in candidates]
        candidates = list(compress(candidates, map(within.covers, days)))
    if not candidates:
        return Assessment()
    scored = score(reading, candidates, read_together(reranker, question.text, candidates))
    may_answer, is_open = without_open_questions(question, scored)
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
    return replace(assessment, candidates=scored)


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


class Model(Struct, frozen=True):
    """A logistic model over named features, each standardised by its mean and deviation.

    A question counts as answered from the confidence `threshold` on.
    """

    features: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability for these features, 0 to 1."""
        fitted = zip(self.features, self.means, self.deviations, self.weights, strict=True)
        logit = self.intercept + sum(
            weight * (features[name] - mean) / deviation for name, mean, deviation, weight in fitted
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


@cache
def shipped() -> Mapping[str, Model]:
    """The models shipped with ragqa, fitted by `eval/fit_confidence.py`.

    "terms" is for questions that the embedder cannot read, "all" for the others.
    """
    text = resources.files("ragqa.answering").joinpath("confidence.json").read_text("utf-8")
    return convert(json.loads(text)["models"], dict[str, Model])


def features(
    reading: Reading,
    scored: Sequence[Candidate],
    excerpt: Candidate,
    no_note_has: Sequence[str],
    embedder: Embedder,
) -> dict[str, float]:
    """The features of the models, named as in their file.

    `meaning` is the cosine of the question and the whole excerpt with its note's title. `words` is
    the second lowest match of a word of the question with the excerpt: one may be said otherwise.
    `margin` is the lead of its sentence over the best one of another section, without a reranker's
    say. `unfit` is 1 where a date, number, name, place or reason is asked for and the sentence has
    none, `missing` the share of its words, by idf, that no note has. `coverage` is the highest of a
    sentence.

    :param scored: the candidate sentences, at least one.
    :param excerpt: the first excerpt.
    """
    question = reading.question
    meaning = 0.0
    if not question.by_terms_alone:
        encoded = embedder.embed_sentences([f"{excerpt.passage.title}. {excerpt.shown}"])[0]
        meaning = float(encoded.pooled @ question.vectors.pooled)
    lacking = frozenset(index_terms(" ".join(no_note_has), question.language))
    missing = sum(weight for term, weight in question.idf.items() if term in lacking)
    others = (other.unread_score for other in scored if not excerpt.shares_section(other))
    holds = min(1.0, excerpt.signals["holds"])
    has_type = question.kind in SHORT or question.kind is QuestionKind.WHY
    return {
        "meaning": meaning,
        "words": _second_lowest(reading, scored, excerpt),
        "margin": excerpt.unread_score - max(others, default=0.0),
        "unfit": 1 - holds if has_type else 0.0,
        "missing": missing / (sum(question.idf.values()) or 1.0),
        "coverage": max(candidate.signals["coverage"] for candidate in scored),
    }


def _second_lowest(reading: Reading, scored: Sequence[Candidate], excerpt: Candidate) -> float:
    """The second lowest match of a word of the question with the excerpt or its headings.

    A word matches as its tokens' best cosines do in the mean.
    """
    if not len(reading.query):
        return 0.0
    _, above = reading.of(excerpt.alone)
    within = [candidate.matches for candidate in scored if excerpt.overlaps(candidate)]
    best = np.max([best_cosines(reading.query, above), excerpt.matches, *within], axis=0)
    words = defaultdict[int, list[float]](list)
    starts = [word.start for word in reading.question.words]
    for (start, _), cosine in zip(reading.query_spans, best, strict=True):
        words[bisect_right(starts, start)].append(float(cosine))
    return sorted(sum(cosines) / len(cosines) for cosines in words.values())[:2][-1]


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
        items = (i for i in range(first, last + 1) if layout.pieces[i].kind is Kind.ITEM)
        return all(map(layout.leaves_open, items))
    return first == last and candidate.kind in _QUOTED and layout.leaves_open(first)
