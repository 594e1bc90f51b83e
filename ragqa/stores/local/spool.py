"""Vectors on their way into the local store: the spool where they wait for the commit."""

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragqa.stores.disk import new_file, step, write_all
from ragqa.stores.local.faiss_index import FaissIndex, make_index, write_index
from ragqa.stores.local.manifest import ROWS, VECTORS
from ragqa.types import DenseInfo, Numbers, Vectors

_SPOOL = "vectors.tmp"


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
    """A file for the vectors of a draft, so that memory does not limit their number.

    It is removed before the draft is published.
    """

    def __init__(self, draft: Path) -> None:
        self._path = draft / _SPOOL
        step(f"write {_SPOOL}")
        self._file = self._path.open("xb", buffering=0)
        self._owners: list[Numbers] = []

    def append(self, note: int, ids: Sequence[int], vectors: Vectors) -> None:
        """Append the vectors of a note's passages, shape (passages, dimension)."""
        if len(ids):
            self._owners.append(np.array([ids, [note] * len(ids)], dtype=np.int64))
            write_all(self._file, np.ascontiguousarray(vectors, dtype=np.float32).tobytes())

    def part(self, dimension: int) -> Part:
        """All vectors, memory-mapped from the file."""
        if not self._owners:
            return concatenate([], dimension)
        owners = np.concatenate(self._owners, axis=1)
        shape = (owners.shape[1], dimension)
        return Part(owners, np.memmap(self._path, np.float32, mode="r", shape=shape))

    def remove(self) -> None:
        """Remove the file.

        :raises OSError: it cannot be removed.
        """
        if not self._file.closed:
            self._file.close()
            step(f"remove {_SPOOL}")
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the file if possible; do not mask an earlier error."""
        with suppress(OSError):
            self.remove()


def write_part(part: Part, folder: Path, previous: FaissIndex = None) -> DenseInfo:
    """Write vectors and their passage ids to files; returns how the vectors are indexed.

    :param previous: inverted lists whose cells may be reused.
    """
    index, info = make_index(part.matrix, previous)
    with new_file(folder / VECTORS) as write:
        write_index(index, write)
    rows = io.BytesIO()
    np.save(rows, np.ascontiguousarray(part.owners), allow_pickle=False)
    with new_file(folder / ROWS) as write:
        write(rows.getvalue())
    return info
