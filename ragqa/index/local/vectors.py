"""Inverted lists over the embeddings of a large index, in a FAISS file that is read through a map.

The lists (IVF: k-means cells, of which a search visits the nearest) hold eight bits per component;
what they find is scored again with the embeddings in the database.
"""

import os
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ragqa.index.disk import naming_file
from ragqa.types import DenseInfo, Numbers, Vector, Vectors

RECALL = 0.95  # is to be reached, by which the number of lists to visit is set
EXHAUSTIVE_UP_TO = 20_000  # allowed rows: all lists are visited; else too few might be found

FaissIndex = Any
"""A FAISS index; SWIG generates its classes without types."""

_TRAINED_ON = 50
_ROUNDS = 10
_SAMPLE = 200
_CANDIDATES = 200
_MIN_PROBES = 8
_SEED = 1


class Lists:
    """Inverted lists in a file that the caller has checked.

    :param upto: the row of the last embedding in them.
    """

    def __init__(self, path: Path, *, upto: int) -> None:
        self.upto = upto
        with naming_file(path, RuntimeError, ValueError):
            flags = faiss().IO_FLAG_MMAP | faiss().IO_FLAG_READ_ONLY
            self.index = faiss().read_index(os.fspath(path), flags)
            # Starting threads that read ahead takes longer than they save.
            faiss().downcast_InvertedLists(self.index.invlists).prefetch_nthread = 0

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def search(self, query: Vector, limit: int, allowed: Numbers | None) -> list[int]:
        """The rows nearest to a query, shape (dimension,); fewer than `limit` if there are no more.

        :param allowed: the only rows to find, sorted; None for all.
        """
        options: dict[str, object] = {}
        probes = self.index.nprobe
        if allowed is not None:
            bits = np.zeros(self.upto + 1, np.bool_)
            bits[allowed[allowed <= self.upto]] = True
            options["sel"] = faiss().IDSelectorBitmap(np.packbits(bits, bitorder="little"))
            if len(allowed) <= EXHAUSTIVE_UP_TO:
                probes = self.index.nlist
        query = np.ascontiguousarray(query, dtype=np.float32)[None]
        while True:
            parameters = faiss().SearchParametersIVF(nprobe=probes, **options)
            numbers = self.index.search(query, limit, params=parameters)[1][0]
            rows = numbers[numbers >= 0].tolist()
            if len(rows) >= limit or probes >= self.index.nlist:
                return list(rows)
            probes = self.index.nlist


def make_lists(rows: Sequence[int], matrix: Vectors) -> tuple[FaissIndex, DenseInfo]:
    """Make and describe inverted lists of the embeddings in rows, shape (rows, dimension)."""
    numbers, sample = np.array(rows, np.int64), _some_rows(matrix, _SAMPLE)
    queries = matrix[sample]
    _, nearest = faiss().knn(queries, matrix, _CANDIDATES + 1, faiss().METRIC_INNER_PRODUCT)
    recall = partial(_recall, rows=numbers[sample], queries=queries, nearest=numbers[nearest])
    # About four times the square root, per FAISS's guidelines, as a power of two.
    count = int(2 ** round(np.log2(4 * np.sqrt(len(matrix)))))
    lists = faiss().index_factory(matrix.shape[1], f"IVF{count},SQ8", faiss().METRIC_INNER_PRODUCT)
    lists.cp.niter = _ROUNDS
    lists.cp.min_points_per_centroid = 1  # fewer make FAISS print warnings
    lists.train(matrix[_some_rows(matrix, _TRAINED_ON * count)])
    lists.add_with_ids(matrix, numbers)
    lists.nprobe = _MIN_PROBES
    while lists.nprobe < count and recall(lists, _CANDIDATES) < RECALL:
        lists.nprobe = min(2 * lists.nprobe, count)
    return lists, DenseInfo("ivf", lists=lists.nlist, probes=lists.nprobe, recall=recall(lists, 10))


def faiss() -> ModuleType:
    """Import FAISS when it is first needed; by name, since its stubs are incomplete."""
    return import_module("faiss")


def _recall(
    lists: FaissIndex, k: int, *, rows: Numbers, queries: Vectors, nearest: Numbers
) -> float:
    """The share of the k nearest neighbours of sampled vectors that the lists find.

    :param nearest: the rows that are truly nearest to each, itself included, (rows, more than k).
    """
    _, listed = lists.search(queries, _CANDIDATES + 1)
    hits = total = 0
    near = nearest[:, : k + 1].tolist()
    for row, wanted, got in zip(rows.tolist(), near, listed.tolist(), strict=True):
        neighbours = set(wanted) - {row}
        hits += len(neighbours.intersection(got))
        total += len(neighbours)
    return round(hits / total, 4)


def _some_rows(matrix: Vectors, count: int) -> Numbers:
    rng = np.random.default_rng(_SEED)
    return np.sort(rng.choice(len(matrix), min(count, len(matrix)), replace=False))
