"""The probability that a claim is supported, from its coverage and the doubts about it.

Signals must agree: each doubt takes a share of the remaining probability, as causes do in a
noisy-or (Pearl, "Probabilistic Reasoning in Intelligent Systems", 1988). In a weighted sum, good
coverage could make up for a wrong figure.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources


class About(StrEnum):
    """What a doubt is about."""

    FIGURE = "figure"
    DATE = "date"
    NAME = "name"
    QUOTE = "quote"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Evidence against a claim: `strength` is from 0 to 1, `phrase` describes it."""

    about: About
    strength: float
    phrase: str


def strengths(doubts: Iterable[Doubt]) -> dict[About, float]:
    """The strongest doubt of each kind, 0 where there is none."""
    found = dict.fromkeys(About, 0.0)
    for doubt in doubts:
        found[doubt.about] = max(found[doubt.about], doubt.strength)
    return found


@dataclass(frozen=True, slots=True)
class Model:
    """A probability logistic in the claim's coverage, less the share of each doubt.

    `weights` apply to the coverage of the weakest window and of the whole claim. From `threshold`
    on a claim counts as supported.
    """

    intercept: float
    weights: tuple[float, float]
    shares: Mapping[str, float]
    threshold: float

    def probability(self, coverage: tuple[float, float], doubts: Mapping[About, float]) -> float:
        """The probability that a claim is supported, 0 to 1.

        :param coverage: of its weakest window, and of all of it.
        """
        terms = (w * part for w, part in zip(self.weights, coverage, strict=True))
        logit = self.intercept + sum(terms)
        left = 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
        for about, strength in doubts.items():
            left *= 1 - self.shares[about] * strength
        return left


@dataclass(frozen=True, slots=True)
class Models:
    """The models with and without token vectors of claim and sources."""

    all: Model
    terms: Model


@lru_cache(maxsize=1)
def shipped() -> Models:
    """The models shipped with ragqa, fitted by `eval/fit_grounding.py`."""
    text = resources.files("ragqa.claims").joinpath("support.json").read_text("utf-8")
    models = json.loads(text)["models"]
    return Models(all=Model(**models["all"]), terms=Model(**models["terms"]))
