"""From how far a claim is met, and what speaks against it, to the probability that it is supported.

Signals must agree: each doubt takes a share of the probability that is left, as causes do in a
noisy-or (Pearl, "Probabilistic Reasoning in Intelligent Systems", 1988). A sum of weights would let
a claim that is met well make up for a wrong figure.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from ragqa.grounding.contradictions import About


@dataclass(frozen=True, slots=True)
class Model:
    """The probability is logistic in how far a claim is met, less the share of each doubt.

    `weights` are those of how far its weakest stretch is met, and of how far all of it is.

    `threshold` is the probability from which on a claim counts as supported.
    """

    intercept: float
    weights: tuple[float, float]
    shares: Mapping[About, float]
    threshold: float

    def probability(self, met: tuple[float, float], doubts: Mapping[About, float]) -> float:
        """The probability that a claim is supported, 0 to 1."""
        logit = self.intercept + sum(w * far for w, far in zip(self.weights, met, strict=True))
        left = 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
        for about, strength in doubts.items():
            left *= 1 - self.shares[about] * strength
        return left


@dataclass(frozen=True, slots=True)
class Models:
    """The model where the embedder reads claim and sources, and that where it does not."""

    all: Model
    terms: Model


@lru_cache(maxsize=1)
def shipped() -> Models:
    """The models that come with ragqa, fitted by `eval/fit_grounding.py`."""
    text = resources.files("ragqa.grounding").joinpath("grounding.json").read_text("utf-8")
    models = json.loads(text)["models"]
    return Models(all=_model(models["all"]), terms=_model(models["terms"]))


def _model(document: Mapping[str, object]) -> Model:
    shares, weights = document["shares"], document["weights"]
    if not isinstance(shares, dict) or not isinstance(weights, list):
        raise TypeError("a model has no shares or weights")
    weakest, whole = map(_number, weights)
    return Model(
        intercept=_number(document["intercept"]),
        weights=(weakest, whole),
        shares={about: _number(shares[about]) for about in About},
        threshold=_number(document["threshold"]),
    )


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"a model has {value!r} for a number")
    return float(value)
