"""The embeddings of one generation: a FAISS index over passage ids, read through a memory map.

FAISS is imported when the first vector is asked for, and it never touches the disk: its own way
of writing a file loses data in silence when the disk is full, and what it reads is given to it
only after the file was compared with the manifest.
"""

import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ragqa.errors import EmbedderMismatch, IndexUnusable
from ragqa.stores.failures import REBUILD, naming
from ragqa.stores.ranking import Candidate, best
from ragqa.types import IndexInfo, Passage, Vector, Vectors

Ids = npt.NDArray[np.int64]

Part = tuple[Ids, Vectors]
"""Passage ids and their vectors, row by row."""

_UNIT_TOLERANCE = 1e-3


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
        if not abs(length - 1.0) <= _UNIT_TOLERANCE:
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


def write_vectors(parts: Iterable[Part], dimension: int, write: Callable[[bytes], None]) -> None:
    """Put vectors into a vectors file, each part's under its passages' ids.

    :param write: writes all it is given, or raises.
    """
    faiss = _faiss()
    index = faiss.IndexIDMap(faiss.IndexFlatIP(dimension))
    for ids, vectors in parts:
        if len(ids):
            index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)

    def write_all(data: bytes) -> int:
        write(data)
        return len(data)

    faiss.write_index(index, faiss.PyCallbackIOWriter(write_all))


class VectorFile:
    """The vectors of a published generation; the file is held open, and parsed when first needed.

    The caller has compared the file with the manifest.
    """

    def __init__(self, path: Path, *, dimension: int, count: int) -> None:
        self._path = path
        self._dimension = dimension
        self._count = count
        with naming(path, ValueError), path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._parsed: _Parsed | None = None

    def close(self) -> None:
        """Let go of the file; a view of it that is still in use keeps it open."""
        self._parsed = None
        with suppress(BufferError):
            self._map.close()

    def ids(self) -> Ids:
        """The passage id of each row."""
        return self._open().ids

    def all_but(self, ids: Sequence[int]) -> Iterator[Part]:
        """All other passages, as views of the file."""
        parsed = self._open()
        left_out = np.flatnonzero(np.isin(parsed.ids, np.array(ids, dtype=np.int64)))
        start = 0
        for end in (*left_out.tolist(), self._count):
            yield parsed.ids[start:end], parsed.matrix[start:end]
            start = end + 1

    def rows(self, ids: Ids) -> Vectors:
        """Copies of the vectors of these passages, all of which are there."""
        parsed = self._open()
        order = np.argsort(parsed.ids)
        return parsed.matrix[order[np.searchsorted(parsed.ids, ids, sorter=order)]]

    def search(self, query: Vector, k: int, among: Sequence[int] | None) -> list[Candidate]:
        """The k nearest by cosine, of all passages or of those `among` which to look.

        :raises EmbedderMismatch: the query's embedding is of another dimension, or not finite.
        """
        if query.shape != (self._dimension,) or not np.isfinite(query).all():
            raise EmbedderMismatch(
                f"the question's embedding, of the shape {query.shape}, is not a finite vector of "
                f"the index's {self._dimension} dimensions",
                hint=REBUILD,
            )
        parsed = self._open()
        if among is None:
            chosen, total = None, self._count
        else:
            chosen = np.isin(parsed.ids, np.array(among, dtype=np.int64))
            total = int(chosen.sum())
        return best(lambda limit: parsed.nearest(query, limit, chosen), k, total)

    def problems(self) -> list[str]:
        """Look for vectors that `check_vectors` would not have let in."""
        parsed = self._open()
        lengths = np.sqrt(np.einsum("ij,ij->i", parsed.matrix, parsed.matrix))
        bad = int(np.count_nonzero(~(np.abs(lengths - 1.0) <= _UNIT_TOLERANCE)))
        return [f"the index file {self._path} holds {bad} bad vectors"] if bad else []

    def _open(self) -> "_Parsed":
        if self._parsed is None:
            with naming(self._path, RuntimeError, ValueError):
                self._parsed = _parse(self._map, self._dimension, self._count)
        return self._parsed


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A FAISS index over the bytes of a map, which it keeps alive."""

    flat: Any
    ids: Ids
    matrix: Vectors
    owners: tuple[Any, ...]

    def nearest(
        self, query: Vector, limit: int, chosen: npt.NDArray[np.bool_] | None
    ) -> list[Candidate]:
        """The nearest rows, as (passage id, cosine), of all or of the chosen ones."""
        parameters = None
        if chosen is not None:
            selector = _faiss().IDSelectorBitmap(np.packbits(chosen, bitorder="little"))
            parameters = _faiss().SearchParameters(sel=selector)
        scores, rows = self.flat.search(
            np.ascontiguousarray(query[None], dtype=np.float32), limit, params=parameters
        )
        there = rows[0] >= 0
        return list(zip(self.ids[rows[0][there]].tolist(), scores[0][there].tolist(), strict=True))


def _parse(data: mmap.mmap, dimension: int, count: int) -> _Parsed:
    """Let FAISS read a map without copying the vectors.

    :raises RuntimeError: FAISS cannot make sense of it.
    :raises ValueError: it is not what `write_vectors` wrote for so many vectors.
    """
    faiss = _faiss()
    bytes_ = np.frombuffer(data, dtype=np.uint8)
    limit = faiss.get_deserialization_vector_byte_limit()
    faiss.set_deserialization_vector_byte_limit(len(data))
    try:
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(bytes_), len(data))
        index = faiss.read_index(reader)
    finally:
        faiss.set_deserialization_vector_byte_limit(limit)
    flat: Any = faiss.downcast_index(index.index) if type(index) is faiss.IndexIDMap else None
    if type(flat) is not faiss.IndexFlatIP or flat.d != dimension:
        raise ValueError(f"it is not a flat index of {dimension} dimensions")
    ids = faiss.vector_to_array(index.id_map)
    if not flat.ntotal == len(ids) == count:
        raise ValueError(f"it holds {flat.ntotal} vectors instead of {count}")
    matrix = faiss.rev_swig_ptr(flat.get_xb(), count * dimension).reshape(count, dimension)
    return _Parsed(flat=flat, ids=ids, matrix=matrix, owners=(data, bytes_, reader, index))


def _place(passage: Passage) -> str:
    first, last = passage.lines
    return f"{passage.path}, lines {first} to {last},"


def _faiss() -> ModuleType:
    """Import FAISS; by name, since its stubs know half of what it has."""
    return import_module("faiss")
