"""Which FAISS index holds the vectors: an exact one while that is fast, inverted lists above.

Inverted lists (IVF: k-means cells, of which a search visits the nearest) keep each vector in eight
bits a component; what they find is scored again from the exact vectors, which the same file holds.
FAISS never touches the disk: its own way of writing a file loses data in silence when the disk is
full.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ragqa.types import DenseInfo, Vectors

EXACT_UP_TO = 25_000
"""Up to so many vectors every one is compared: 5 ms, and no more than 40 MB to read."""

RECALL = 0.95
"""The share of the exact nearest that lists must find, or they are made anew."""

FaissIndex = Any
"""A FAISS index; its classes are made by SWIG, without types."""

_Rows = npt.NDArray[np.int64]

_TRAINED_ON = 50
_ROUNDS = 10
_SAMPLE = 200
_CANDIDATES = 200
_SHOWN = 10
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
    if before is not None and before.nlist == count:
        lists = _fill(_same_cells(before), matrix)
        info = _tune(lists, exact, matrix)
        if info.recall >= RECALL:
            return faiss().IndexRefine(lists, exact), info
    lists = _fill(_new_cells(matrix, count), matrix)
    info = _tune(lists, exact, matrix)
    return faiss().IndexRefine(lists, exact), info


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
    return lists


def _fill(lists: FaissIndex, matrix: Vectors) -> FaissIndex:
    lists.add(matrix)
    return lists


def _tune(lists: FaissIndex, exact: FaissIndex, matrix: Vectors) -> DenseInfo:
    """Let a search visit as many lists as it takes to find the candidates of a sample of vectors.

    A vector's own row is easy to find and does not count.
    """
    sample = _some_rows(matrix, _SAMPLE)
    _, truth = exact.search(matrix[sample], _CANDIDATES + 1)
    lists.nprobe = 4
    while True:
        lists.nprobe = min(2 * lists.nprobe, lists.nlist)
        _, found = lists.search(matrix[sample], _CANDIDATES + 1)
        if _recall(sample, truth, found) >= RECALL or lists.nprobe == lists.nlist:
            recall = _recall(sample, truth[:, : _SHOWN + 1], found)
            return DenseInfo("ivf", lists=lists.nlist, probes=lists.nprobe, recall=recall)


def _recall(sample: _Rows, truth: _Rows, found: _Rows) -> float:
    """The share of the true neighbours found, over all of the sample."""
    hits = total = 0
    for row, wanted, got in zip(sample.tolist(), truth.tolist(), found.tolist(), strict=True):
        neighbours = set(wanted) - {row}
        hits += len(neighbours.intersection(got))
        total += len(neighbours)
    return round(hits / total, 4)


def _some_rows(matrix: Vectors, count: int) -> _Rows:
    chance = np.random.default_rng(_SEED)
    return np.sort(chance.choice(len(matrix), min(count, len(matrix)), replace=False))
