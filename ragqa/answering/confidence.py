"""The probability that the notes answer a question: a logistic model, fitted and shipped."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from ragqa.answering.scoring import Signals
from ragqa.types import Reason, Retrieved


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
        logit = self.intercept + sum(reason.share for reason in self.reasons(features))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

    def reasons(self, features: Mapping[str, float]) -> tuple[Reason, ...]:
        """What each feature adds to the log-odds."""
        return tuple(
            Reason(name, features[name], mean, weight * (features[name] - mean) / deviation)
            for name, mean, deviation, weight in zip(
                self.names, self.means, self.deviations, self.weights, strict=True
            )
        )


def confidence(retrieved: Retrieved, signals: Signals) -> tuple[float, bool]:
    """The probability that the notes answer the question, and whether that is enough.

    :param signals: those of the candidate sentences, of which there is at least one.
    """
    model = _shipped()["terms" if retrieved.by_terms_alone else "all"]
    probability = model.probability(features(retrieved, signals))
    return round(probability, 4), probability >= model.threshold


def reasons(retrieved: Retrieved, signals: Signals) -> tuple[Reason, ...]:
    """What the probability that `confidence` gives was told by."""
    model = _shipped()["terms" if retrieved.by_terms_alone else "all"]
    return model.reasons(features(retrieved, signals))


def features(retrieved: Retrieved, signals: Signals) -> dict[str, float]:
    """What the model looks at; the names are those in the shipped file."""
    scored = (hit.dense for hit in retrieved.hits if hit.dense is not None)
    cosines = sorted(scored, reverse=True)
    top = cosines[0] if cosines else 0.0
    rest = cosines[1:5]
    return {
        "passage_cosine": top,
        "passage_gap": top - (sum(rest) / len(rest) if rest else 0.0),
        "sentence_cosine": float(signals.cosine.max()),
        "coverage": float(signals.coverage.max()),
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
