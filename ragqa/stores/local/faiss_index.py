"""Build the FAISS index: exact search while that is fast, inverted lists above.

Inverted lists (IVF: k-means cells, of which a search visits the nearest) store eight bits per
component; their candidates are rescored with the exact vectors in the same file. FAISS never
writes to the disk itself, since it silently loses data when the disk is full.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ragqa.types import DenseInfo, Vectors

EXACT_UP_TO = 25_000
"""Up to this many vectors, search is exhaustive: 5 ms, and at most 40 MB to read."""

RECALL = 0.95
"""The recall a search must reach. It sets how many lists are visited; cells trained on earlier
vectors are retrained once they fall below it."""

FaissIndex = Any
"""A FAISS index; SWIG generates its classes without types."""

_Rows = npt.NDArray[np.int64]

_TRAINED_ON = 50
_ROUNDS = 10
_SAMPLE = 200
_CANDIDATES = 200
_MIN_PROBES = 8
_SEED = 1


def make_index(matrix: Vectors, previous: FaissIndex = None) -> tuple[FaissIndex, DenseInfo]:
    """Build the FAISS index that suits the number of vectors; returns it with its description.

    :param matrix: unit vectors, float32, shape (rows, dimension).
    :param previous: inverted lists whose cells are reused while they reach `RECALL`.
    """
    exact = faiss().IndexFlatIP(matrix.shape[1])
    exact.add(matrix)
    if len(matrix) <= EXACT_UP_TO:
        return exact, DenseInfo("exact")
    count = _list_count(len(matrix))
    sample = _Sample.of(exact, matrix)
    if previous is not None and previous.nlist == count:
        lists = _reuse_cells(previous)
        lists.add(matrix)
        if sample.recall(lists, _CANDIDATES) >= RECALL:
            return faiss().IndexRefine(lists, exact), sample.info(lists)
    lists = _train_cells(matrix, count)
    lists.add(matrix)
    lists.nprobe = _MIN_PROBES
    while lists.nprobe < count and sample.recall(lists, _CANDIDATES) < RECALL:
        lists.nprobe = min(2 * lists.nprobe, count)
    return faiss().IndexRefine(lists, exact), sample.info(lists)


def write_index(index: FaissIndex, write: Callable[[bytes], None]) -> None:
    """Serialize a FAISS index.

    :param write: writes all the bytes it is given, or raises.
    """

    def write_all(data: bytes) -> int:
        write(data)
        return len(data)

    faiss().write_index(index, faiss().PyCallbackIOWriter(write_all))


def faiss() -> ModuleType:
    """Import FAISS when it is first needed; by name, since its stubs are incomplete."""
    return import_module("faiss")


def _list_count(count: int) -> int:
    """About four times the square root, per FAISS's guidelines, as a power of two."""
    return int(2 ** round(np.log2(4 * np.sqrt(count))))


def _train_cells(matrix: Vectors, count: int) -> FaissIndex:
    lists = faiss().index_factory(matrix.shape[1], f"IVF{count},SQ8", faiss().METRIC_INNER_PRODUCT)
    lists.cp.niter = _ROUNDS
    lists.cp.min_points_per_centroid = 1  # fewer make FAISS print warnings
    lists.train(matrix[_some_rows(matrix, _TRAINED_ON * count)])
    return lists


def _reuse_cells(previous: FaissIndex) -> FaissIndex:
    """Empty lists with the cells and the quantizer of other lists."""
    lists = faiss().IndexIVFScalarQuantizer(
        faiss().clone_index(previous.quantizer),
        previous.d,
        previous.nlist,
        previous.sq.qtype,
        previous.metric_type,
        previous.by_residual,
    )
    faiss().copy_array_to_vector(faiss().vector_to_array(previous.sq.trained), lists.sq.trained)
    lists.is_trained = True
    lists.nprobe = previous.nprobe
    return lists


@dataclass(frozen=True, slots=True)
class _Sample:
    """Sampled vectors with their true nearest neighbours, themselves excluded."""

    rows: _Rows
    queries: Vectors
    truth: _Rows

    @classmethod
    def of(cls, exact: FaissIndex, matrix: Vectors) -> "_Sample":
        rows = _some_rows(matrix, _SAMPLE)
        _, truth = exact.search(matrix[rows], _CANDIDATES + 1)
        return cls(rows, matrix[rows], truth)

    def recall(self, lists: FaissIndex, k: int) -> float:
        """The share of the k nearest neighbours among the candidates the lists find."""
        _, found = lists.search(self.queries, _CANDIDATES + 1)
        hits = total = 0
        for row, wanted, got in zip(
            self.rows.tolist(), self.truth[:, : k + 1].tolist(), found.tolist(), strict=True
        ):
            neighbours = set(wanted) - {row}
            hits += len(neighbours.intersection(got))
            total += len(neighbours)
        return round(hits / total, 4)

    def info(self, lists: FaissIndex) -> DenseInfo:
        recall = self.recall(lists, 10)
        return DenseInfo("ivf", lists=lists.nlist, probes=lists.nprobe, recall=recall)


def _some_rows(matrix: Vectors, count: int) -> _Rows:
    rng = np.random.default_rng(_SEED)
    return np.sort(rng.choice(len(matrix), min(count, len(matrix)), replace=False))
