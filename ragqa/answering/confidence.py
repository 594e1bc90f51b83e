"""How probably an excerpt answers a question: a logistic model over a few features."""

import json
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources

import numpy as np
from msgspec import Struct, convert

from ragqa.answering.candidate import Candidate
from ragqa.answering.score import Reading, best_cosines
from ragqa.embedders import Embedder
from ragqa.search.question import Question
from ragqa.search.question_kind import SHORT, QuestionKind
from ragqa.text.words import index_terms


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


def _meaning(question: Question, excerpt: Candidate, embedder: Embedder) -> float:
    text = f"{excerpt.passage.title}. {excerpt.shown}"
    return float(embedder.embed_sentences([text])[0].pooled @ question.vectors.pooled)


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


def missing_share(question: Question, words: Sequence[str]) -> float:
    """The share of the question's idf that these of its words have."""
    terms = frozenset(index_terms(" ".join(words), question.language))
    lacking = sum(weight for term, weight in question.idf.items() if term in terms)
    return lacking / (sum(question.idf.values()) or 1.0)
