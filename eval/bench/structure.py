"""How embeddings lie in their space: what makes an approximate search easy or hard."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

from ragqa.types import Vectors

COMPONENTS = (1, 10, 50, 100)
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
PLACES = (1, 10, 100)
PROBES = (1, 2, 4, 8, 16, 32, 64)
_PAIRS = 200_000
_LISTS_PER_ROOT = 4
"""Cells of the inverted file: so many times the square root of the vectors, as is usual."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What was measured of one set of embeddings, and of questions to it.

    `variance` is the share of the variance in the first `COMPONENTS` principal components,
    `cosines` the `QUANTILES` of the cosine of two passages, `neighbours` and `answers` the medians
    of the cosine of the neighbours at `PLACES` of a passage and of a question, `dimension` the
    intrinsic dimension around a passage by Levina and Bickel's estimate, `dimension_asked` around a
    question. `recall` and `recall_asked` are recall@10 of an inverted file at `PROBES`, for
    passages that it does not hold and for questions.
    """

    passages: int
    variance: tuple[float, ...]
    cosines: tuple[float, ...]
    neighbours: tuple[float, ...]
    answers: tuple[float, ...]
    dimension: float
    dimension_asked: float
    recall: tuple[float, ...]
    recall_asked: tuple[float, ...]


def measure(passages: Vectors, held_out: Vectors, questions: Vectors, *, seed: int) -> Structure:
    """Measure embeddings; all are of unit length, and `held_out` are passages not among them."""
    rng = np.random.default_rng(seed)
    near, _ = exact(passages, held_out, max(PLACES))
    asked, _ = exact(passages, questions, max(PLACES))
    places = [place - 1 for place in PLACES]
    curve, curve_asked = _recalls(passages, (held_out, questions))
    return Structure(
        passages=len(passages),
        variance=_variance(passages),
        cosines=_cosines(passages, rng),
        neighbours=_rounded(np.median(near[:, places], axis=0)),
        answers=_rounded(np.median(asked[:, places], axis=0)),
        dimension=_dimension(near),
        dimension_asked=_dimension(asked),
        recall=curve,
        recall_asked=curve_asked,
    )


def exact(passages: Vectors, queries: Vectors, k: int) -> tuple[Vectors, npt.NDArray[np.int64]]:
    """Cosines and rows of the k nearest passages of each query, shapes (len(queries), k)."""
    flat = import_module("faiss").IndexFlatIP(passages.shape[1])
    flat.add(np.ascontiguousarray(passages, np.float32))
    cosines, rows = flat.search(np.ascontiguousarray(queries, np.float32), k)
    return cosines, rows


def recall(found: npt.NDArray[np.int64], true: npt.NDArray[np.int64]) -> float:
    """The share of the true rows that were found, row by row."""
    hits = [np.isin(f, t).sum() for f, t in zip(found, true, strict=True)]
    return float(np.sum(hits) / true.size)


def _recalls(passages: Vectors, sets: Sequence[Vectors]) -> list[tuple[float, ...]]:
    faiss = import_module("faiss")
    dimension = passages.shape[1]
    lists = int(_LISTS_PER_ROOT * len(passages) ** 0.5)
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFFlat(quantizer, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical = True
    index.train(passages)
    index.add(passages)
    curves = []
    for queries in sets:
        _, true = exact(passages, queries, 10)
        curve = []
        for probe in PROBES:
            index.nprobe = probe
            curve.append(recall(index.search(queries, 10)[1], true))
        curves.append(_rounded(curve))
    return curves


def _variance(passages: Vectors) -> tuple[float, ...]:
    centred = passages.astype(np.float64) - passages.mean(axis=0, dtype=np.float64)
    shares = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    return _rounded([shares[:n].sum() / shares.sum() for n in COMPONENTS])


def _cosines(passages: Vectors, rng: np.random.Generator) -> tuple[float, ...]:
    one, other = rng.integers(0, len(passages), (2, _PAIRS))
    apart = one != other
    cosines = np.einsum("ij,ij->i", passages[one[apart]], passages[other[apart]])
    return _rounded(np.quantile(cosines, QUANTILES))


def _dimension(cosines: Vectors) -> float:
    """Levina and Bickel's estimate from neighbours 2 to 100, averaged over the queries' inverses.

    The nearest is left out: a near duplicate would stand for the space around it.
    """
    distances = np.sqrt(np.maximum(2 - 2 * cosines[:, 1:].astype(np.float64), 1e-9))
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)
    return round(float(1 / inverse.mean()), 1)


def _rounded(values: Sequence[float] | npt.NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in values)
