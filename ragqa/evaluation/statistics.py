"""Statistics over questions: intervals and a significance test."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

SEED = 20_240_731
"""Fixed, so that resampling is reproducible."""

LEVEL = 0.95
RESAMPLES = 2000

_PERMUTATIONS = 10_000
_PERMUTED_AT_ONCE = 500

Values = npt.NDArray[np.float64]


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
