"""Measure the quality of confidence over weighted examples, with intervals."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from ragqa.evaluation.calibrating.examples import Examples, Kind
from ragqa.evaluation.calibrating.fitting import answerable
from ragqa.evaluation.statistics import (
    CONFIDENCE_RESAMPLES,
    SEED,
    Values,
    bins_of,
    reliability,
    rounded,
)
from ragqa.types import SURE_FROM

Document = dict[str, Any]


def quality(confidence: Values, examples: Examples, weights: Values) -> Document:
    """AUROC and calibration error with their 95% intervals, and the reliability diagram.

    `confidence` and `weights` have shape (examples,).
    """
    y = answerable(examples)
    bins = map(asdict, reliability(confidence, y, weights))
    document: Document = {
        "reliability": [{key: round(value, 4) for key, value in one.items()} for one in bins]
    }
    for name, measure in (("auroc", _auroc(confidence, y)), ("ece", _ece(confidence, y))):
        document[name] = round(measure(weights), 4)
        document[f"{name}_interval"] = rounded(_interval(measure, examples, weights))
    return document


def answered(confidence: Values, threshold: float, examples: Examples) -> Document:
    """How many questions of each kind are answered, and how many with 0.5 or more."""
    kinds = np.array([one.kind for one in examples])
    return {
        str(kind): {
            "answered": int((confidence[here] >= threshold).sum()),
            "confident": int((confidence[here] >= max(threshold, SURE_FROM)).sum()),
        }
        for kind in Kind
        if (here := kinds == kind).any()
    }


def _ece(confidence: Values, y: Values) -> Callable[[Values], float]:
    which, gap = bins_of(confidence), confidence - y

    def measure(weights: Values) -> float:
        return float(np.abs(np.bincount(which, weights * gap)).sum() / weights.sum())

    return measure


def _auroc(confidence: Values, y: Values) -> Callable[[Values], float]:
    yes, no = confidence[y == 1], confidence[y == 0]
    wins = (yes[:, None] > no) + 0.5 * (yes[:, None] == no)

    def measure(weights: Values) -> float:
        of_yes, of_no = weights[y == 1], weights[y == 0]
        return float(of_yes @ wins @ of_no / (of_yes.sum() * of_no.sum()))

    return measure


def _interval(
    measure: Callable[[Values], float], examples: Examples, weights: Values
) -> tuple[float, float]:
    """The bootstrap percentile interval, resampling questions with all their examples."""
    _, question = np.unique([one.question for one in examples], return_inverse=True)
    n = int(question.max()) + 1
    rng = np.random.default_rng(SEED)
    draws = rng.multinomial(n, np.full(n, 1 / n), size=CONFIDENCE_RESAMPLES)
    low, high = np.quantile([measure(weights * times[question]) for times in draws], [0.025, 0.975])
    return float(low), float(high)
