"""Judge whether the excerpts answer: how probably, and which of its words no note has.

Sentences that ask what their note leaves open are near to a question, and no answer.
"""

import json
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources

import numpy as np
from msgspec import Struct, convert

from ragqa.answering.excerpt import Finder, with_embedded
from ragqa.answering.layout import asks
from ragqa.answering.notes import Answering, Notes
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
from ragqa.answering.sentences import candidates_of
from ragqa.answering.stretch import Stretch
from ragqa.embedders import Embedder
from ragqa.search.question import Question
from ragqa.search.question_kind import SHORT, QuestionKind
from ragqa.text.words import index_terms, is_stop_word_anywhere, overlaps, stems
from ragqa.types import Hit, Kind
from ragqa.types.answers import SURE_FROM

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
class Assessment:
    """Whether the notes answer a question, and the answer.

    `confidence` is the probability that the first excerpt is a good answer, by `features`.
    `excerpts` are to be shown, in reading order, if `answered`; `warnings` say what else is not
    shown. `further` are other excerpts to offer. `candidates` are the scored sentences, `others`
    those of another date on the subject of the first excerpt, in the order to be told.
    """

    candidates: Sequence[Stretch] = ()
    excerpts: Sequence[Stretch] = ()
    further: Sequence[Stretch] = ()
    confidence: float = 0.0
    answered: bool = False
    features: Mapping[str, float] = field(default_factory=dict)
    no_note_has: Sequence[str] = ()
    warnings: tuple[str, ...] = ()
    others: Sequence[Stretch] = ()


def assess(
    question: Question, hits: tuple[Hit, ...], embedder: Embedder, answering: Answering
) -> Assessment:
    """Score the candidate sentences of the hits, find the excerpts that answer, and judge them."""
    reading = read(question, hits, embedder)
    candidates = candidates_of(reading.hits, answering.notes, asked=question.terms)
    if not candidates:
        return Assessment()
    together = read_together(answering.reranker, question.text, candidates)
    scored = score(reading, candidates, together)
    may_answer, is_open = without_open_questions(question, scored)
    all_answer = without_other_days(question, may_answer)
    may_answer = of_period(question, all_answer)
    finder = Finder(reading, may_answer, answering)
    excerpts = with_embedded(finder.excerpts(), answering)
    no_note_has = missing(question, answering.notes)
    model = shipped()["terms" if question.by_terms_alone else "all"]
    rivals = [candidate for candidate in may_answer if candidate not in finder.history.others]
    measured = features(reading, rivals, excerpts[0], no_note_has, embedder)
    probability = model.probability(measured)
    most = MOST_CONFIDENT if is_open else MOST_IF_OLD if finder.history.may_be_old else 1.0
    probability = min(probability, most)
    # What is of a day answers a question about the day, whatever words it has.
    answered = probability >= model.threshold or is_of_day(question, excerpts[0])
    if not answered and len(may_answer) < len(all_answer):
        again = assess(replace(question, period=None), hits, embedder, answering)
        return _of_another_time(again) if is_of_another_time(question, again.excerpts[0]) else again
    assessment = Assessment(
        candidates=scored,
        excerpts=excerpts,
        further=finder.further(excerpts) if answered else (),
        others=finder.others(excerpts) if answered else (),
        confidence=round(probability, 4),
        answered=answered,
        features={name: measured[name] for name in model.features},
        no_note_has=no_note_has,
        warnings=finder.rows_left if answered else (),
    )
    another = answered and is_of_another_time(question, excerpts[0])
    return _of_another_time(assessment) if another else assessment


def _of_another_time(assessment: Assessment) -> Assessment:
    """The same with a reserve and, if it is shown, a warning."""
    return replace(
        assessment,
        confidence=min(assessment.confidence, MOST_IF_OLD),
        warnings=(*assessment.warnings, *[ANOTHER_TIME] * assessment.answered),
    )


def without_open_questions(
    question: Question, scored: Sequence[Stretch]
) -> tuple[Sequence[Stretch], bool]:
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


def _is_open(candidate: Stretch) -> bool:
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


def features(
    reading: Reading,
    scored: Sequence[Stretch],
    excerpt: Stretch,
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
    others = (other.unread_score for other in scored if not excerpt.shares_section(other))
    holds = min(1.0, excerpt.signals["holds"])
    has_type = question.kind in SHORT or question.kind is QuestionKind.WHY
    return {
        "meaning": 0.0 if question.by_terms_alone else _meaning(question, excerpt, embedder),
        "words": _second_lowest(reading, scored, excerpt),
        "margin": excerpt.unread_score - max(others, default=0.0),
        "unfit": 1 - holds if has_type else 0.0,
        "missing": missing_share(question, no_note_has),
        "coverage": max(candidate.signals["coverage"] for candidate in scored),
    }


def _meaning(question: Question, excerpt: Stretch, embedder: Embedder) -> float:
    text = f"{excerpt.passage.title}. {excerpt.shown}"
    return float(embedder.embed_sentences([text])[0].pooled @ question.vectors.pooled)


def _second_lowest(reading: Reading, scored: Sequence[Stretch], excerpt: Stretch) -> float:
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


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Model]:
    """The models shipped with ragqa, fitted by `eval/fit_confidence.py`.

    "terms" is for questions that the embedder cannot read, "all" for the others.
    """
    text = resources.files("ragqa.answering").joinpath("confidence.json").read_text("utf-8")
    return convert(json.loads(text)["models"], dict[str, Model])


def missing(question: Question, notes: Notes) -> tuple[str, ...]:
    """The words of a question that no note has, in any like spelling, as typed.

    A note may write a date in another way, and the parts of a compound apart.
    """
    words = () if question.parts else _words(question)
    lacking = (word for word, terms in words if all(map(notes.lack, terms)))
    return tuple(dict.fromkeys(lacking))


def missing_share(question: Question, words: Sequence[str]) -> float:
    """The share of the question's idf that these of its words have."""
    terms = frozenset(index_terms(" ".join(words), question.language))
    lacking = sum(weight for term, weight in question.idf.items() if term in terms)
    return lacking / (sum(question.idf.values()) or 1.0)


def _words(question: Question) -> Iterator[tuple[str, list[str]]]:
    """The words of a question that are not common in English, and the terms of each."""
    days = [day.span for day in question.days]
    for word in question.words:
        text = question.text[word.start : word.end]
        terms = index_terms(text, question.language)
        # "Ben" is a name, and "ben" a stop word of another language.
        is_stop = not word.stem or (text.islower() and is_stop_word_anywhere(text))
        is_stop |= word.negates
        is_day = overlaps((word.start, word.end), days)
        if not (is_stop or is_day or stems("common").issuperset(terms)):
            yield text, terms
