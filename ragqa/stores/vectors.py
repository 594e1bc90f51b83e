"""Vectors on their way into a store: checks, and the spool where they wait for the commit."""

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ragqa.errors import IndexUnusable
from ragqa.stores.dense import FaissIndex, make_index, write_index
from ragqa.stores.failures import REBUILD
from ragqa.stores.generations import new_file, step, write_all
from ragqa.stores.manifest import ROWS, VECTORS
from ragqa.types import DenseInfo, IndexInfo, Numbers, Passage, Vectors

UNIT_TOLERANCE = 1e-3

_SPOOL = "vectors.tmp"


class Part(NamedTuple):
    """Vectors, (rows, dimension), with each row's passage id and note number, both (rows,)."""

    ids: Numbers
    notes: Numbers
    matrix: Vectors

    def select(self, mask: npt.NDArray[np.bool_]) -> "Part":
        """The rows selected by a mask, (rows,); not copied if it selects all."""
        if mask.all():
            return self
        return Part(self.ids[mask], self.notes[mask], self.matrix[mask])


def concatenate(parts: Sequence[Part], dimension: int) -> Part:
    """Concatenate parts; a single one is not copied."""
    parts = [part for part in parts if len(part.ids)]
    if len(parts) == 1:
        return parts[0]
    no_numbers = np.empty(0, np.int64)
    return Part(
        np.concatenate([no_numbers, *(part.ids for part in parts)]),
        np.concatenate([no_numbers, *(part.notes for part in parts)]),
        np.concatenate([np.empty((0, dimension), np.float32), *(part.matrix for part in parts)]),
    )


class Spool:
    """A file for the vectors of a draft, so that memory does not limit their number.

    It is removed before the draft is published.
    """

    def __init__(self, draft: Path) -> None:
        self._path = draft / _SPOOL
        step(f"write {_SPOOL}")
        self._file = self._path.open("xb", buffering=0)
        self._ids: list[Numbers] = []
        self._notes: list[int] = []

    def append(self, note: int, ids: Sequence[int], vectors: Vectors) -> None:
        """Append the vectors of a note's passages, shape (passages, dimension)."""
        if len(ids):
            self._ids.append(np.array(ids, dtype=np.int64))
            self._notes.append(note)
            write_all(self._file, np.ascontiguousarray(vectors, dtype=np.float32).tobytes())

    def part(self, dimension: int) -> Part:
        """All vectors, memory-mapped from the file."""
        if not self._ids:
            return concatenate([], dimension)
        counts = [len(ids) for ids in self._ids]
        matrix = np.memmap(self._path, np.float32, mode="r", shape=(sum(counts), dimension))
        notes = np.repeat(np.array(self._notes, dtype=np.int64), counts)
        return Part(np.concatenate(self._ids), notes, matrix)

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
    np.save(rows, np.stack([part.ids, part.notes]), allow_pickle=False)
    with new_file(folder / ROWS) as write:
        write(rows.getvalue())
    return info


def check_vectors(passages: Sequence[Passage], vectors: Vectors, dimension: int | None) -> None:
    """Check that each passage has a unit vector of the right dimension.

    :param vectors: shape (passages, dimension).
    :raises ValueError: the numbers of passages and vectors differ.
    :raises IndexUnusable: a vector is unsuitable; the message names the passage.
    """
    if len(passages) != len(vectors):
        raise ValueError(f"{len(passages)} passages with {len(vectors)} vectors")
    if not passages:
        return
    first = _place(passages[0])
    if vectors.ndim != 2 or (dimension is not None and vectors.shape[1] != dimension):
        raise IndexUnusable(
            f"the embedding of {first} has shape {vectors.shape[1:]}, not ({dimension},)",
            hint=REBUILD,
        )
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    for passage, length in zip(passages, lengths, strict=True):
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            flaw = f"has length {length:.3g}" if np.isfinite(length) else "is not finite"
            raise IndexUnusable(
                f"the embedding of {_place(passage)} {flaw}",
                hint="check the embedder: ragqa doctor",
            )


def check_dimension(info: IndexInfo, dimension: int | None) -> None:
    """Check that a generation's vectors, if any, have the embedder's dimension.

    :raises IndexUnusable: they do not.
    """
    if dimension not in (None, info.embedder.dimension):
        raise IndexUnusable(
            f"the embeddings have {dimension} dimensions, "
            f"but the embedder {info.embedder.name} has {info.embedder.dimension}",
            hint=REBUILD,
        )


def _place(passage: Passage) -> str:
    first, last = passage.lines
    return f"{passage.path}, lines {first} to {last},"
