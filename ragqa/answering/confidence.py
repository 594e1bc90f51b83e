"""The probability that the notes answer a question: a logistic model, fitted and shipped."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from ragqa.answering.holding import lacks
from ragqa.answering.kinds import asked_by
from ragqa.answering.scoring import Scored
from ragqa.types import Retrieved


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic model over named features, each standardised by its mean and deviation.

    `threshold` is the confidence from which on a question counts as answered.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The probability for these features, 0 to 1."""
        logit = self.intercept + sum(
            weight * (features[name] - mean) / deviation
            for name, mean, deviation, weight in zip(
                self.names, self.means, self.deviations, self.weights, strict=True
            )
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def confidence(retrieved: Retrieved, scored: Sequence[Scored]) -> tuple[float, bool]:
    """The probability that the notes answer the question, and whether that is enough.

    :param scored: the candidate sentences, of which there is at least one.
    """
    model = _shipped()["terms" if retrieved.by_terms_alone else "all"]
    probability = model.probability(features(retrieved, scored))
    return round(probability, 4), probability >= model.threshold


def features(retrieved: Retrieved, scored: Sequence[Scored]) -> dict[str, float]:
    """What the model looks at; the names are those in the shipped file.

    `score` is the best passage's ranking score and `score_gap` how far it is above the mean of the
    next four; `sentence_cosine` and `coverage` are the highest of any sentence; `match` is the
    highest sum of a sentence's cosine, MaxSim and coverage among those that hold a thing of the
    kind asked for, 0 where none does.
    """
    first, *others = sorted((hit.score for hit in retrieved.hits), reverse=True)
    others = others[:4]
    asked = asked_by(retrieved.question)
    matches = (
        one.signals["cosine"] + one.signals["maxsim"] + one.signals["coverage"]
        for one in scored
        if not lacks(asked, one.candidate.text)
    )
    return {
        "score": first,
        "score_gap": first - sum(others) / len(others) if others else first,
        "sentence_cosine": max(one.signals["cosine"] for one in scored),
        "match": max(matches, default=0.0),
        "coverage": max(one.signals["coverage"] for one in scored),
    }


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Model]:
    text = resources.files("ragqa.answering").joinpath("confidence.json").read_text("utf-8")
    return {
        name: Model(
            names=tuple(model["features"]),
            means=tuple(model["means"]),
            deviations=tuple(model["deviations"]),
            weights=tuple(model["weights"]),
            intercept=model["intercept"],
            threshold=model["threshold"],
        )
        for name, model in json.loads(text)["models"].items()
    }
