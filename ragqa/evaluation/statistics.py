"""Statistics over questions: intervals, significance tests, and the quality of confidence."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

SEED = 20_240_731
"""Fixed, so that resampling is reproducible."""

LEVEL = 0.95
RESAMPLES = 2000
CONFIDENCE_RESAMPLES = 500
BINS = 10

_PERMUTATIONS = 10_000
_PERMUTED_AT_ONCE = 500

Values = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def mean(values: Sequence[float] | Values) -> float:
    """The mean of at least one value, rounded for a document."""
    return round(float(np.mean(values)), 4)


def rounded(values: Iterable[float]) -> list[float]:
    """The values, such as the bounds of an interval, rounded for a document."""
    return [round(value, 4) for value in values]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The bootstrap percentile interval of the mean of at least one value (Efron, 1979)."""
    data = np.asarray(values, dtype=np.float64)
    if len(data) == 1:
        return float(data[0]), float(data[0])
    low, high = stats.bootstrap(
        (data,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(low), float(high)


def share_interval(values: Sequence[float]) -> tuple[float, float]:
    """The interval of the mean of values in [0, 1].

    If all are 0, or all are 1, the bootstrap shows no spread, so Wilson's interval (1927) is used.
    """
    ends = set(values)
    if ends not in ({0.0}, {1.0}):
        return interval(values)
    test = stats.binomtest(int(sum(values)), len(values))
    low, high = test.proportion_ci(confidence_level=LEVEL, method="wilson")
    return float(low), float(high)


def measure_interval(
    measure: Callable[[Values, Bools], float],
    confidence: Sequence[float],
    answerable: Sequence[bool],
) -> tuple[float, float]:
    """The bootstrap percentile interval of a confidence measure, resampling questions.

    :param measure: takes confidence and answerable, both of shape (n,).
    """
    rng = np.random.default_rng(SEED)
    c, a = np.asarray(confidence, dtype=np.float64), np.asarray(answerable, dtype=np.bool_)
    found = []
    for _ in range(CONFIDENCE_RESAMPLES):
        drawn = rng.integers(len(c), size=len(c))
        if a[drawn].any() and not a[drawn].all():
            found.append(measure(c[drawn], a[drawn]))
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def randomisation_p(differences: Sequence[float]) -> float:
    """The two-sided p-value of a mean difference, by Fisher's paired randomisation test.

    See Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for
    Information Retrieval Evaluation", 2007.
    """
    data = np.asarray(differences, dtype=np.float64)
    data = data[data != 0]
    if len(data) < 2:
        return 1.0
    return float(
        stats.permutation_test(
            (data,),
            # Rounding makes sums equal that differ by an error of floating point alone.
            lambda signed, axis: np.round(signed.sum(axis=axis), 9),
            permutation_type="samples",
            vectorized=True,
            n_resamples=_PERMUTATIONS,
            batch=_PERMUTED_AT_ONCE,
            rng=np.random.default_rng(SEED),
        ).pvalue
    )


def auroc(confidence: Sequence[float] | Values, answerable: Sequence[bool] | Bools) -> float:
    """The probability that an answerable question outscores another; ties count half."""
    yes = np.asarray(answerable, dtype=np.float64)
    _, level = np.unique(confidence, return_inverse=True)
    others = np.bincount(level, 1 - yes)
    below = np.cumsum(others) - others / 2
    return float(yes @ below[level] / (yes.sum() * others.sum()))


def calibration(confidence: Sequence[float] | Values, answerable: Sequence[bool] | Bools) -> float:
    """The expected calibration error (Naeini, Cooper and Hauskrecht, 2015), over equal bins.

    It is the mean difference between a bin's confidence and the share of it that is answerable.
    """
    c, a = np.asarray(confidence), np.asarray(answerable, dtype=np.float64)
    which = np.minimum((c * BINS).astype(int), BINS - 1)
    bins = [which == number for number in np.unique(which).tolist()]
    return sum(int(b.sum()) / len(c) * abs(float(c[b].mean()) - float(a[b].mean())) for b in bins)
