"""Which FAISS index holds the vectors: an exact one while that is fast, inverted lists above.

Inverted lists (IVF: k-means cells, of which a search visits the nearest) keep each vector in eight
bits a component; what they find is scored again from the exact vectors, which the same file holds.
FAISS never touches the disk: its own way of writing a file loses data in silence when the disk is
full.
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
"""Up to so many vectors every one is compared: 5 ms, and no more than 40 MB to read."""

RECALL = 0.95
"""The share of the true candidates that a search must find. As many lists are visited as that
takes, and where cells that were made for other vectors no longer reach it, new ones are made."""

FaissIndex = Any
"""A FAISS index; its classes are made by SWIG, without types."""

_Rows = npt.NDArray[np.int64]

_TRAINED_ON = 50
_ROUNDS = 10
_SAMPLE = 200
_CANDIDATES = 200
_LEAST_PROBES = 8
_SEED = 1


def make_index(matrix: Vectors, before: FaissIndex = None) -> tuple[FaissIndex, DenseInfo]:
    """Put unit vectors into the FAISS index that fits their number.

    :param matrix: (rows, dimension), float32.
    :param before: inverted lists whose cells are kept while they serve well.
    """
    exact = faiss().IndexFlatIP(matrix.shape[1])
    exact.add(matrix)
    if len(matrix) <= EXACT_UP_TO:
        return exact, DenseInfo("exact")
    count = _lists_for(len(matrix))
    sample = _Sample.of(exact, matrix)
    if before is not None and before.nlist == count:
        lists = _same_cells(before)
        lists.add(matrix)
        if sample.recall(lists, _CANDIDATES) >= RECALL:
            return faiss().IndexRefine(lists, exact), sample.told(lists)
    lists = _new_cells(matrix, count)
    lists.add(matrix)
    lists.nprobe = _LEAST_PROBES
    while lists.nprobe < count and sample.recall(lists, _CANDIDATES) < RECALL:
        lists.nprobe = min(2 * lists.nprobe, count)
    return faiss().IndexRefine(lists, exact), sample.told(lists)


def write_index(index: FaissIndex, write: Callable[[bytes], None]) -> None:
    """Put a FAISS index into a file.

    :param write: writes all it is given, or raises.
    """

    def write_all(data: bytes) -> int:
        write(data)
        return len(data)

    faiss().write_index(index, faiss().PyCallbackIOWriter(write_all))


def faiss() -> ModuleType:
    """Import FAISS when it is needed; by name, since its stubs know half of what it has."""
    return import_module("faiss")


def _lists_for(count: int) -> int:
    """About four times the square root, as FAISS's guidelines have it, as a power of two."""
    return int(2 ** round(np.log2(4 * np.sqrt(count))))


def _new_cells(matrix: Vectors, count: int) -> FaissIndex:
    lists = faiss().index_factory(matrix.shape[1], f"IVF{count},SQ8", faiss().METRIC_INNER_PRODUCT)
    lists.cp.niter = _ROUNDS
    lists.cp.min_points_per_centroid = 1  # fewer are told of by FAISS on the screen
    lists.train(matrix[_some_rows(matrix, _TRAINED_ON * count)])
    return lists


def _same_cells(before: FaissIndex) -> FaissIndex:
    """Empty lists with the cells, and the steps of the eight bits, of others."""
    lists = faiss().IndexIVFScalarQuantizer(
        faiss().clone_index(before.quantizer),
        before.d,
        before.nlist,
        before.sq.qtype,
        before.metric_type,
        before.by_residual,
    )
    faiss().copy_array_to_vector(faiss().vector_to_array(before.sq.trained), lists.sq.trained)
    lists.is_trained = True
    lists.nprobe = before.nprobe
    return lists


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some of the vectors, and which are truly nearest to each; its own row does not count."""

    rows: _Rows
    queries: Vectors
    truth: _Rows

    @classmethod
    def of(cls, exact: FaissIndex, matrix: Vectors) -> "_Sample":
        rows = _some_rows(matrix, _SAMPLE)
        _, truth = exact.search(matrix[rows], _CANDIDATES + 1)
        return cls(rows, matrix[rows], truth)

    def recall(self, lists: FaissIndex, k: int) -> float:
        """The share of the k nearest that the lists find among the candidates."""
        _, found = lists.search(self.queries, _CANDIDATES + 1)
        hits = total = 0
        for row, wanted, got in zip(
            self.rows.tolist(), self.truth[:, : k + 1].tolist(), found.tolist(), strict=True
        ):
            neighbours = set(wanted) - {row}
            hits += len(neighbours.intersection(got))
            total += len(neighbours)
        return round(hits / total, 4)

    def told(self, lists: FaissIndex) -> DenseInfo:
        recall = self.recall(lists, 10)
        return DenseInfo("ivf", lists=lists.nlist, probes=lists.nprobe, recall=recall)


def _some_rows(matrix: Vectors, count: int) -> _Rows:
    chance = np.random.default_rng(_SEED)
    return np.sort(chance.choice(len(matrix), min(count, len(matrix)), replace=False))
