"""Vectors on their way into a store: what they must be like, and where they wait for the commit."""

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
    """Vectors, row by row, with each row's passage id and the number of its note."""

    ids: Numbers
    notes: Numbers
    matrix: Vectors

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Part":
        """The rows that are chosen; all of them without copying."""
        if chosen.all():
            return self
        return Part(self.ids[chosen], self.notes[chosen], self.matrix[chosen])


def joined(parts: Sequence[Part], dimension: int) -> Part:
    """One part after the other; a single one is not copied."""
    parts = [part for part in parts if len(part.ids)]
    if len(parts) == 1:
        return parts[0]
    none = np.empty(0, np.int64)
    return Part(
        np.concatenate([none, *(part.ids for part in parts)]),
        np.concatenate([none, *(part.notes for part in parts)]),
        np.concatenate([np.empty((0, dimension), np.float32), *(part.matrix for part in parts)]),
    )


class Spool:
    """Vectors of a generation in the making, in a file, so that memory does not bound their number.

    The file is the draft's alone and is taken out before the draft is published.
    """

    def __init__(self, draft: Path) -> None:
        self._path = draft / _SPOOL
        step(f"write {_SPOOL}")
        self._file = self._path.open("xb", buffering=0)
        self._ids: list[Numbers] = []
        self._notes: list[int] = []

    def append(self, note: int, ids: Sequence[int], vectors: Vectors) -> None:
        """Put down the vectors of a note's passages."""
        if len(ids):
            self._ids.append(np.array(ids, dtype=np.int64))
            self._notes.append(note)
            write_all(self._file, np.ascontiguousarray(vectors, dtype=np.float32).tobytes())

    def part(self, dimension: int) -> Part:
        """All of it, mapped from the file."""
        if not self._ids:
            return joined([], dimension)
        counts = [len(ids) for ids in self._ids]
        matrix = np.memmap(self._path, np.float32, mode="r", shape=(sum(counts), dimension))
        notes = np.repeat(np.array(self._notes, dtype=np.int64), counts)
        return Part(np.concatenate(self._ids), notes, matrix)

    def remove(self) -> None:
        """Take the file out.

        :raises OSError: it cannot be.
        """
        if not self._file.closed:
            self._file.close()
            step(f"remove {_SPOOL}")
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the file out as far as it can be: what went wrong before is what is told."""
        with suppress(OSError):
            self.remove()


def write_part(part: Part, folder: Path, before: FaissIndex = None) -> DenseInfo:
    """Write vectors, and which passage each is, to their files.

    :param before: inverted lists whose cells may be kept.
    """
    index, info = make_index(part.matrix, before)
    with new_file(folder / VECTORS) as write:
        write_index(index, write)
    rows = io.BytesIO()
    np.save(rows, np.stack([part.ids, part.notes]), allow_pickle=False)
    with new_file(folder / ROWS) as write:
        write(rows.getvalue())
    return info


def check_vectors(passages: Sequence[Passage], vectors: Vectors, dimension: int | None) -> None:
    """Make sure that there is a unit vector of the right dimension for each passage.

    :raises IndexUnusable: there is not; the message names the passage.
    """
    if len(passages) != len(vectors):
        raise ValueError(f"{len(passages)} passages with {len(vectors)} vectors")
    if not passages:
        return
    first = _place(passages[0])
    if vectors.ndim != 2 or (dimension is not None and vectors.shape[1] != dimension):
        raise IndexUnusable(
            f"the embedding of {first} has the shape {vectors.shape[1:]}, not ({dimension},)",
            hint=REBUILD,
        )
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    for passage, length in zip(passages, lengths, strict=True):
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            flaw = f"has the length {length:.3g}" if np.isfinite(length) else "is not finite"
            raise IndexUnusable(
                f"the embedding of {_place(passage)} {flaw}",
                hint="look for what is wrong with the embedder: ragqa doctor",
            )


def check_dimension(info: IndexInfo, dimension: int | None) -> None:
    """Make sure that the vectors of a generation, if it has any, are its embedder's.

    :raises IndexUnusable: they have another dimension.
    """
    if dimension not in (None, info.embedder.dimension):
        raise IndexUnusable(
            f"the embeddings have {dimension} dimensions, "
            f"the embedder {info.embedder.name} has {info.embedder.dimension}",
            hint=REBUILD,
        )


def _place(passage: Passage) -> str:
    first, last = passage.lines
    return f"{passage.path}, lines {first} to {last},"
