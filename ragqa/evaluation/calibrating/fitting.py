"""Fit a confidence model near the shipped one, set its threshold, and measure its quality."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from scipy.optimize import minimize

from ragqa.answering.confidence import Model
from ragqa.evaluation import statistics
from ragqa.evaluation.calibrating.examples import ExampleKind, Examples, count
from ragqa.evaluation.statistics import Values
from ragqa.evaluation.summary import Document
from ragqa.types import SURE_FROM

PENALTY = 5.0
"""The penalty on moving away from the shipped weights: worth about five questions."""

MAX_WITHHELD = 0.1
"""The threshold is the highest that withholds at most this share of answers."""

MAX_OFF_TOPIC = 0.05
"""At most this share of everyday questions should be answered."""

LIKELY = 0.5
"""From this confidence on nothing is rejected."""

ASSUMED_ANSWERABLE = 0.55
"""The assumed share of answerable questions: about that of the shipped model's training data."""

_FOLDS = 6
_SCALE = 10_000
"""Thresholds are rounded to ten-thousandths."""

_MIN_UNANSWERABLE = 10
_MIN_SHARE = 0.2
_GENERATED = {ExampleKind.UNANSWERABLE: 0.25, ExampleKind.NEAR: 0.25, ExampleKind.EVERYDAY: 0.5}
_OWN = {ExampleKind.UNANSWERABLE: 0.6, ExampleKind.NEAR: 0.2, ExampleKind.EVERYDAY: 0.2}


@dataclass(frozen=True, slots=True)
class Mixture:
    """The share of answerable questions, and the weight of each kind among the others.

    `is_own` is whether that share is the one among the user's own questions.
    """

    answerable: float
    is_own: bool
    others: dict[ExampleKind, float]

    @classmethod
    def of(cls, examples: Examples) -> "Mixture":
        """The mixture of the user's questions if enough are unanswerable, else the assumed one.

        A list of answerable questions with a few others says nothing about their real share.
        """
        counts = count(examples)
        answerable, others = counts[ExampleKind.ANSWERABLE], counts[ExampleKind.UNANSWERABLE]
        is_own = others >= max(_MIN_UNANSWERABLE, _MIN_SHARE * (answerable + others))
        share = answerable / (answerable + others) if is_own else ASSUMED_ANSWERABLE
        return cls(share, is_own, _OWN if is_own else _GENERATED)

    def weights(self, examples: Examples) -> Values:
        """The weight of each example, shape (n,); their sum is the number of own questions."""
        counts = count(examples)
        there = {kind: share for kind, share in self.others.items() if counts[kind]}
        rest = (1 - self.answerable) / sum(there.values())
        shares = {kind: share * rest for kind, share in there.items()}
        shares[ExampleKind.ANSWERABLE] = self.answerable
        total = counts[ExampleKind.ANSWERABLE] + counts[ExampleKind.UNANSWERABLE]
        return np.array([total * shares[one.kind] / counts[one.kind] for one in examples])


def probabilities(model: Model, examples: Examples) -> Values:
    """The confidence in each example, shape (n,)."""
    return np.array([model.probability(one.features) for one in examples], dtype=np.float64)


def answerable(examples: Examples) -> Values:
    """1 for an example that the notes answer, else 0; shape (n,)."""
    return np.array([one.kind is ExampleKind.ANSWERABLE for one in examples], dtype=np.float64)


def refit(model: Model, examples: Examples, weights: Values, *, penalty: float = PENALTY) -> Model:
    """Minimise the weighted log-loss plus the squared distance to the model's coefficients.

    Features are standardised by the model's own means and deviations, so that one penalty fits
    all. The loss is convex, with a single minimum.

    :param weights: of the examples, shape (n,).
    """
    features = np.array([[one.features[name] for name in model.names] for one in examples])
    standard = (features - np.array(model.means)) / np.array(model.deviations)
    x = np.column_stack([standard, np.ones(len(examples))])
    y = answerable(examples)
    start = np.array([*model.weights, model.intercept])

    def loss(w: Values) -> tuple[float, Values]:
        logits, away = x @ w, w - start
        wrong = 1 / (1 + np.exp(-np.clip(logits, -30, 30))) - y
        value = weights @ (np.logaddexp(0, logits) - y * logits) + penalty * (away @ away)
        return float(value), x.T @ (weights * wrong) + 2 * penalty * away

    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    *fitted, intercept = (round(float(value), 5) for value in found)
    return replace(model, weights=tuple(fitted), intercept=intercept)


def cross_validated(model: Model, examples: Examples, mixture: Mixture, *, seed: int) -> Values:
    """The six-fold cross-validated confidence in each example, shape (n,).

    A question, with and without its answer, stays in one fold.
    """
    questions = sorted({one.question for one in examples})
    order = np.random.default_rng(seed).permutation(len(questions))
    part_of = {question: at % _FOLDS for question, at in zip(questions, order, strict=True)}
    parts = np.array([part_of[one.question] for one in examples])
    weights, found = mixture.weights(examples), np.zeros(len(examples))
    for part in range(_FOLDS):
        seen = [one for one, its in zip(examples, parts, strict=True) if its != part]
        rest = [one for one, its in zip(examples, parts, strict=True) if its == part]
        fitted = refit(model, seen, weights[parts != part])
        found[parts == part] = probabilities(fitted, rest)
    return found


def answering_threshold(confidence: Values, examples: Examples) -> float:
    """The highest threshold, rounded down, that nearly all answerable questions pass."""
    with_answer = np.sort(confidence[answerable(examples) == 1])
    lowest = float(with_answer[int(MAX_WITHHELD * len(with_answer))])
    return math.floor(lowest * _SCALE) / _SCALE


def raise_threshold(model: Model, examples: Examples) -> float:
    """The model's threshold, raised just enough to reject nearly all everyday questions.

    It stays low enough for nearly all generated questions, which are easy, to be answered, and
    never rejects what is likelier than not to be answered.
    """
    confidence = probabilities(model, examples)
    everyday = np.sort(confidence[[one.kind is ExampleKind.EVERYDAY for one in examples]])[::-1]
    if not len(everyday):
        return model.threshold
    highest = float(everyday[int(MAX_OFF_TOPIC * len(everyday))])
    above = (math.floor(highest * _SCALE) + 1) / _SCALE
    return max(model.threshold, min(above, answering_threshold(confidence, examples), LIKELY))


def quality(confidence: Values, examples: Examples, weights: Values) -> Document:
    """AUROC and calibration error with their 95% intervals, and the reliability diagram.

    `confidence` and `weights` have shape (examples,).
    """
    y = answerable(examples)
    which, gap = statistics.bins_of(confidence), confidence - y

    def ece(w: Values) -> float:
        return float(np.abs(np.bincount(which, w * gap)).sum() / w.sum())

    bins = map(asdict, statistics.reliability(confidence, y, weights))
    document: Document = {
        "reliability": [{key: round(value, 4) for key, value in one.items()} for one in bins]
    }
    for name, measure in (("auroc", partial(statistics.auroc, confidence, y)), ("ece", ece)):
        document[name] = round(measure(weights), 4)
        document[f"{name}_interval"] = statistics.rounded(_interval(measure, examples, weights))
    return document


def answered(confidence: Values, threshold: float, examples: Examples) -> Document:
    """How many questions of each kind are answered, and how many with `SURE_FROM` or more."""
    kinds = np.array([one.kind for one in examples])
    return {
        str(kind): {
            "answered": int((confidence[here] >= threshold).sum()),
            "confident": int((confidence[here] >= max(threshold, SURE_FROM)).sum()),
        }
        for kind in ExampleKind
        if (here := kinds == kind).any()
    }


def _interval(
    measure: Callable[[Values], float], examples: Examples, weights: Values
) -> tuple[float, float]:
    """The bootstrap percentile interval, resampling questions with all their examples."""
    _, question = np.unique([one.question for one in examples], return_inverse=True)
    n = int(question.max()) + 1
    rng = np.random.default_rng(statistics.SEED)
    draws = rng.multinomial(n, np.full(n, 1 / n), size=statistics.CONFIDENCE_RESAMPLES)
    low, high = np.quantile([measure(weights * times[question]) for times in draws], [0.025, 0.975])
    return float(low), float(high)
