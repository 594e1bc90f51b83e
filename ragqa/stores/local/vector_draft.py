"""Write the embeddings of a generation: a spool while it is a draft, then a FAISS index.

Search is exact while that is fast. Above, inverted lists (IVF: k-means cells, of which a search
visits the nearest) store eight bits per component; their candidates are rescored with the exact
vectors in the same file. FAISS never writes to the disk itself, since it silently loses data when
the disk is full.
"""

import io
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragqa.stores.disk import new_file, step
from ragqa.stores.local.manifest import ROWS, VECTORS
from ragqa.types import DenseInfo, Numbers, Vectors

EXACT_UP_TO = 25_000
"""Up to this many vectors, search is exhaustive: 5 ms, and at most 40 MB to read."""

RECALL = 0.95
"""The recall a search must reach. It sets how many lists are visited; cells trained on earlier
vectors are retrained once they fall below it."""

FaissIndex = Any
"""A FAISS index; SWIG generates its classes without types."""

_TRAINED_ON = 50
_ROUNDS = 10
_SAMPLE = 200
_CANDIDATES = 200
_MIN_PROBES = 8
_SEED = 1


class Part(NamedTuple):
    """Vectors, (rows, dimension), and for each row passage id and note number, (2, rows)."""

    owners: Numbers
    matrix: Vectors

    def select(self, mask: npt.NDArray[np.bool_]) -> "Part":
        """The rows selected by a mask, (rows,); not copied if it selects all."""
        return self if mask.all() else Part(self.owners[:, mask], self.matrix[mask])


def concatenate(parts: Sequence[Part], dimension: int) -> Part:
    """Concatenate parts; a single one is not copied."""
    parts = [part for part in parts if len(part.matrix)]
    if len(parts) == 1:
        return parts[0]
    empty = Part(np.empty((2, 0), np.int64), np.empty((0, dimension), np.float32))
    owners, matrices = zip(empty, *parts, strict=True)
    return Part(np.concatenate(owners, axis=1), np.concatenate(matrices))


class Spool:
    """A nameless file for the vectors of a draft, so that memory does not limit their number."""

    def __init__(self, draft: Path) -> None:
        step("write vectors")
        self._file = tempfile.TemporaryFile(dir=draft)  # noqa: SIM115 - closed with the draft
        self._owners: list[Numbers] = []

    def append(self, ids: Sequence[int], notes: Sequence[int], vectors: Vectors) -> None:
        """Append the vectors of passages, (passages, dimension), and their notes' numbers."""
        if len(ids):
            self._owners.append(np.array([ids, notes], dtype=np.int64))
            self._file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())

    def part(self, dimension: int) -> Part:
        """All vectors, memory-mapped from the file."""
        if not self._owners:
            return concatenate([], dimension)
        self._file.flush()
        owners = np.concatenate(self._owners, axis=1)
        shape = (owners.shape[1], dimension)
        return Part(owners, np.memmap(self._file, np.float32, mode="r", shape=shape))

    def close(self) -> None:
        """Remove the file; do not mask an earlier error."""
        with suppress(OSError):
            self._file.close()


def write_part(part: Part, folder: Path, previous: FaissIndex = None) -> DenseInfo:
    """Write vectors and their passage ids to files; returns how the vectors are indexed.

    :param previous: inverted lists whose cells may be reused.
    """
    index, info = make_index(part.matrix, previous)
    with new_file(folder / VECTORS) as file:
        faiss().write_index(index, faiss().PyCallbackIOWriter(file.write))
    rows = io.BytesIO()  # of a full disk NumPy would say only how many numbers it wrote
    np.save(rows, np.ascontiguousarray(part.owners), allow_pickle=False)
    with new_file(folder / ROWS) as file:
        file.write(rows.getvalue())
    return info


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
    rows = _some_rows(matrix, _SAMPLE)
    _, nearest = exact.search(matrix[rows], _CANDIDATES + 1)
    recall = partial(_recall, rows=rows, queries=matrix[rows], nearest=nearest)
    lists = None
    if previous is not None and previous.nlist == count:
        lists = _reuse_cells(previous)
        lists.add(matrix)
    if lists is None or recall(lists, _CANDIDATES) < RECALL:
        lists = _train_cells(matrix, count)
        lists.add(matrix)
        lists.nprobe = _MIN_PROBES
        while lists.nprobe < count and recall(lists, _CANDIDATES) < RECALL:
            lists.nprobe = min(2 * lists.nprobe, count)
    info = DenseInfo("ivf", lists=lists.nlist, probes=lists.nprobe, recall=recall(lists, 10))
    return faiss().IndexRefine(lists, exact), info


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


def _recall(
    lists: FaissIndex, k: int, *, rows: Numbers, queries: Vectors, nearest: Numbers
) -> float:
    """The share of the k nearest neighbours of sampled vectors that the lists find.

    :param queries: the vectors in these rows, which do not count as their own neighbours.
    :param nearest: the rows that are truly nearest to each, (rows, more than k).
    """
    _, found = lists.search(queries, _CANDIDATES + 1)
    hits = total = 0
    for row, wanted, got in zip(
        rows.tolist(), nearest[:, : k + 1].tolist(), found.tolist(), strict=True
    ):
        neighbours = set(wanted) - {row}
        hits += len(neighbours.intersection(got))
        total += len(neighbours)
    return round(hits / total, 4)


def _some_rows(matrix: Vectors, count: int) -> Numbers:
    rng = np.random.default_rng(_SEED)
    return np.sort(rng.choice(len(matrix), min(count, len(matrix)), replace=False))
