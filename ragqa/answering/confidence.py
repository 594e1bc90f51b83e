"""The probability that the first excerpt is a good answer, from logistic models."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ragqa.answering.composing import Excerpt
from ragqa.answering.reading import Reading, best_cosines
from ragqa.answering.scoring import Scored
from ragqa.search.question import Question
from ragqa.search.question_kind import SHORT
from ragqa.text.words import WORD
from ragqa.types import Reason

FEATURES = ("closest", "weakest", "margin", "lead", "unfit", "missing", "coverage")
"""The features a model may use."""


def features(
    reading: Reading, scored: Sequence[Scored], excerpt: Excerpt, missing: Sequence[str]
) -> dict[str, float]:
    """The features of the models, named as in their file.

    `closest` is the highest MaxSim of a passage. `weakest` is
    the match of that word of the question which the excerpt matches least. `margin` is the lead of
    its sentence over the best one of another section, `lead` that of the best passage over the
    second. `unfit` is 1 where a date, number, name or place is asked for and the sentence has none,
    `missing` where words of the question are. `coverage` is the highest of a sentence.

    :param scored: the candidate sentences, at least one.
    :param excerpt: the first excerpt.
    """
    first, second, *_ = (
        *sorted((hit.score for hit in reading.found), reverse=True),
        0.0,
        0.0,
    )
    others = (one.score for one in scored if not excerpt.shares_section(one.candidate))
    holds = min(1.0, excerpt.best.signals["holds"])
    return {
        "closest": reading.closest,
        "weakest": _weakest(reading, scored, excerpt),
        "margin": excerpt.best.score - max(others, default=0.0),
        "lead": first - second,
        "unfit": 1 - holds if reading.question.kind in SHORT else 0.0,
        "missing": float(bool(missing)),
        "coverage": max(one.signals["coverage"] for one in scored),
    }


def _weakest(reading: Reading, scored: Sequence[Scored], excerpt: Excerpt) -> float:
    """The lowest match of a word of the question with the excerpt or its headings.

    A word matches as its tokens' best cosines do in the mean.
    """
    if not len(reading.query):
        return 0.0
    hit, unit = excerpt.best.candidate.hit, excerpt.best.candidate.unit
    _, above = reading.of_unit(hit.passage, unit)
    within = [one.matches for one in scored if excerpt.overlaps(one.candidate)]
    best = np.max([best_cosines(reading.query, above), excerpt.best.matches, *within], axis=0)
    words = defaultdict[int, list[float]](list)
    starts = [word.start() for word in WORD.finditer(reading.question.text)]
    for (start, _), cosine in zip(reading.query_spans, best, strict=True):
        words[sum(begin <= start for begin in starts)].append(float(cosine))
    return min(sum(cosines) / len(cosines) for cosines in words.values())


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic model over named features, each standardised by its mean and deviation.

    A question counts as answered from the confidence `threshold` on.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability for these features, 0 to 1."""
        logit = self.intercept + sum(reason.share for reason in self.reasons(features))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

    def reasons(self, features: Mapping[str, float]) -> tuple[Reason, ...]:
        """The contribution of each feature to the log-odds."""
        return tuple(
            Reason(name, features[name], mean, weight * (features[name] - mean) / deviation)
            for name, mean, deviation, weight in zip(
                self.names, self.means, self.deviations, self.weights, strict=True
            )
        )


@dataclass(frozen=True, slots=True)
class Models:
    """The models for questions that the embedder can read, and for those it cannot."""

    all: Model
    terms: Model

    def of(self, question: Question) -> Model:
        """The model for a question."""
        return self.terms if question.by_terms_alone else self.all


@lru_cache(maxsize=1)
def shipped() -> Models:
    """The models shipped with ragqa, fitted by `eval/fit_confidence.py`."""
    text = resources.files("ragqa.answering").joinpath("confidence.json").read_text("utf-8")
    models = json.loads(text)["models"]
    return Models(all=_model(models["all"]), terms=_model(models["terms"]))


def _model(model: Mapping[str, Any]) -> Model:
    means, deviations, weights = (tuple(model[key]) for key in ("means", "deviations", "weights"))
    names = tuple(model["features"])
    return Model(names, means, deviations, weights, model["intercept"], model["threshold"])
