"""The probability that the notes answer a question, from logistic models."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from ragqa.answering.answer_type import may_answer
from ragqa.answering.reading import Reading
from ragqa.answering.scoring import Scored
from ragqa.search.question import Question
from ragqa.types import Reason

FEATURES = ("score", "score_gap", "closest", "match", "coverage")
"""The features a model may use."""


def features(reading: Reading, scored: Sequence[Scored]) -> dict[str, float]:
    """The features of the models, named as in their file.

    `score` is the best passage's ranking score, `score_gap` its lead over the mean of the next
    four, `closest` the highest MaxSim of a passage, and `coverage` the highest coverage of a
    sentence. `match` is the highest sum of cosine, MaxSim and coverage of a sentence with an answer
    of the type asked for, 0 where none has one.

    :param scored: the candidate sentences, at least one.
    """
    first, *others = sorted((hit.score for hit in reading.found), reverse=True)
    others = others[:4]
    matches = (
        one.signals["cosine"] + one.signals["maxsim"] + one.signals["coverage"]
        for one in scored
        if may_answer(reading.question, one.candidate.text, one.candidate.language)
    )
    return {
        "score": first,
        "score_gap": first - sum(others) / len(others) if others else first,
        "closest": reading.closest,
        "match": max(matches, default=0.0),
        "coverage": max(one.signals["coverage"] for one in scored),
    }


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
