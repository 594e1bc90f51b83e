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
from ragqa.types import Reason, Retrieved

FEATURES = ("score", "score_gap", "closest", "match", "coverage")
"""The features a model may use."""

_MAX_FEATURES = 20
_MAX_NUMBER = 1e6
_MIN_DEVIATION = 1e-6


def features(reading: Reading, scored: Sequence[Scored]) -> dict[str, float]:
    """The features of the models, named as in their files.

    `score` is the best passage's ranking score, `score_gap` its lead over the mean of the next
    four, `closest` the highest MaxSim of a passage, and `coverage` the highest coverage of a
    sentence. `match` is the highest sum of cosine, MaxSim and coverage of a sentence with an answer
    of the type asked for, 0 where none has one.

    :param scored: the candidate sentences, at least one.
    """
    first, *others = sorted((hit.score for hit in reading.retrieved.hits), reverse=True)
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

    def of(self, retrieved: Retrieved) -> Model:
        """The model for what was retrieved."""
        return self.terms if retrieved.by_terms_alone else self.all


@lru_cache(maxsize=1)
def shipped() -> Models:
    """The models shipped with ragqa."""
    return read_models(shipped_text())


def shipped_text() -> str:
    """The text of the shipped models' file."""
    return resources.files("ragqa.answering").joinpath("confidence.json").read_text("utf-8")


def read_models(text: str) -> Models:
    """Read the models from the text of a file.

    :raises ValueError: it is not such a file, or has an invalid number.
    """
    document = json.loads(text)
    try:
        models = document["models"]
        return Models(all=_model(models["all"]), terms=_model(models["terms"]))
    except (KeyError, TypeError) as exc:
        raise ValueError(f"{exc} is missing or invalid") from exc


def models_document(models: Models) -> dict[str, Any]:
    """A document that `read_models` reads."""
    return {"models": {"all": _document(models.all), "terms": _document(models.terms)}}


def _model(model: Mapping[str, Any]) -> Model:
    names = tuple(map(str, model["features"]))
    columns = [tuple(map(_number, model[key])) for key in ("means", "deviations", "weights")]
    if not 0 < len(names) <= _MAX_FEATURES or any(len(column) != len(names) for column in columns):
        raise ValueError("the lists of a model differ in length")
    means, deviations, weights = columns
    if len(set(names)) < len(names):
        raise ValueError("a model has a feature twice")
    if min(deviations) < _MIN_DEVIATION:
        raise ValueError("a deviation is not above 0")
    intercept, threshold = _number(model["intercept"]), _number(model["threshold"])
    if not 0 <= threshold <= 1:
        raise ValueError("a threshold is not from 0 to 1")
    return Model(names, means, deviations, weights, intercept, threshold)


def _number(value: object) -> float:
    # The comparison also refuses NaN, and integers too large for a float.
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) <= _MAX_NUMBER
    ):
        raise ValueError(f"a model has {str(value)[:40]!r} instead of a number")
    return float(value)


def _document(model: Model) -> dict[str, Any]:
    return {
        "features": list(model.names),
        "means": list(model.means),
        "deviations": list(model.deviations),
        "weights": list(model.weights),
        "intercept": model.intercept,
        "threshold": model.threshold,
    }
