"""The embeddings of a published generation, read through memory maps.

`vectors.faiss` is a FAISS index with rows numbered from 0; `rows.npy` holds each row's passage id
and note number: int64, (2, rows).

FAISS is imported when the first vector is needed, and reads a file only after the file has been
checked against the manifest.
"""

import mmap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ragqa.stores.disk import naming_file
from ragqa.stores.local.manifest import ROWS, VECTORS
from ragqa.stores.local.vector_draft import FaissIndex, Part, faiss
from ragqa.stores.ranking import Candidate
from ragqa.stores.vectors import UNIT_TOLERANCE, check_question
from ragqa.types import Numbers, Vector, Vectors

Mask = npt.NDArray[np.bool_]
"""Whether each row is selected: bool, (rows,)."""

EXHAUSTIVE_UP_TO = 20_000
"""Up to this many selected rows, search is exhaustive; too many lists would need a visit."""


class VectorFile:
    """The vectors below one folder; the files are held open, and parsed when first needed.

    The caller must have checked the files against the manifest.

    :raises IndexUnusable: here and in every method: a file is malformed or cannot be read.
    """

    def __init__(self, folder: Path, *, dimension: int) -> None:
        self._path = folder / VECTORS
        self._dimension = dimension
        with naming_file(self._path, ValueError), self._path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.owners = _read_rows(folder / ROWS)
        """The passage id of each row and its note's number: int64, (2, rows)."""

    def close(self) -> None:
        """Close the files; a view still in use keeps its file open."""
        self.__dict__.pop("_parsed", None)
        with suppress(BufferError):
            self._map.close()

    def __len__(self) -> int:
        return int(self.owners.shape[1])

    def of_notes(self, notes: Sequence[int]) -> Mask:
        """A mask, (rows,), of the rows of these notes, given by number."""
        mask: Mask = np.isin(self.owners[1], np.array(notes, dtype=np.int64))
        return mask

    @property
    def part(self) -> Part:
        """All rows, as views of the files."""
        return Part(self.owners, self._parsed.matrix)

    @property
    def lists(self) -> FaissIndex:
        """The inverted lists, or None if search is exhaustive."""
        return self._parsed.lists

    @cached_property
    def _order(self) -> Numbers:
        """The row numbers in order of passage id."""
        return np.argsort(self.owners[0])

    @cached_property
    def _parsed(self) -> "_Parsed":
        with naming_file(self._path, RuntimeError, ValueError):
            return _parse(self._map, self._dimension, len(self))

    def find(self, ids: Sequence[int]) -> dict[int, Vector]:
        """Copies of the vectors, (dimension,), of these passages by id; skips unknown ids."""
        if not ids or not len(self):
            return {}
        wanted = np.array(ids, dtype=np.int64)
        places = np.searchsorted(self.owners[0], wanted, sorter=self._order)
        rows = self._order[np.minimum(places, len(self) - 1)]
        there = self.owners[0][rows] == wanted
        vectors = self._parsed.matrix[rows[there]]
        return dict(zip(wanted[there].tolist(), vectors, strict=True))

    def search(self, query: Vector, limit: int, mask: Mask | None) -> list[Candidate]:
        """The `limit` nearest rows by cosine, best first; fewer only if there are no more.

        :param query: shape (dimension,).
        :param mask: the rows to search; None for all.
        :raises EmbedderMismatch: the query's embedding has another dimension or is not finite.
        """
        check_question(query, self._dimension)
        total = len(self) if mask is None else int(np.count_nonzero(mask))
        limit = min(limit, total)
        if not limit:
            return []
        flat, lists, matrix, _ = self._parsed
        query = np.ascontiguousarray(query, dtype=np.float32)
        options = {} if mask is None else {"sel": _selector(mask)}
        rows: Numbers = np.empty(0, np.int64)
        if lists is not None and total > EXHAUSTIVE_UP_TO:
            parameters = faiss().SearchParametersIVF(nprobe=lists.nprobe, **options)
            rows = lists.search(query[None], limit, params=parameters)[1][0]
            # A forged file may have any number in a list.
            rows = rows[(rows >= 0) & (rows < len(matrix))]
            scores = matrix[rows] @ query
            order = np.argsort(-scores)
            rows, scores = rows[order], scores[order]
        if len(rows) < limit:
            parameters = faiss().SearchParameters(**options) if options else None
            (scores,), (rows,) = flat.search(query[None], limit, params=parameters)
            rows, scores = rows[rows >= 0], scores[rows >= 0]
        return list(zip(self.owners[0][rows].tolist(), scores.tolist(), strict=True))

    def bad_rows(self) -> Mask:
        """A mask, (rows,), of the vectors that `check_vectors` would have refused."""
        matrix = self._parsed.matrix
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        bad: Mask = ~(np.abs(lengths - 1.0) <= UNIT_TOLERANCE)
        return bad


class _Parsed(NamedTuple):
    """A FAISS index over a memory map; `owners` keeps the map alive."""

    flat: FaissIndex
    lists: FaissIndex
    matrix: Vectors
    owners: tuple[Any, ...]


def find_in(files: Iterable[VectorFile], ids: Sequence[int]) -> dict[int, Vector]:
    """The vectors, (dimension,), of passages in any of these files, by id; skips unknown ids."""
    found: dict[int, Vector] = {}
    for file in files:
        found |= file.find([id_ for id_ in ids if id_ not in found])
    return found


def _selector(mask: Mask) -> FaissIndex:
    return faiss().IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _read_rows(path: Path) -> Numbers:
    # NumPy parses a file's header as Python, so a damaged one raises Python's errors.
    with naming_file(
        path, ArithmeticError, EOFError, SyntaxError, TokenError, TypeError, ValueError
    ):
        rows: Numbers = np.load(path, mmap_mode="r", allow_pickle=False)
        if rows.dtype != np.int64 or rows.ndim != 2 or len(rows) != 2:
            raise ValueError(f"it holds {rows.dtype} of shape {rows.shape}")
    return rows


def _parse(data: mmap.mmap, dimension: int, count: int) -> _Parsed:
    """Have FAISS read a memory map without copying the vectors.

    :raises RuntimeError: FAISS cannot read it.
    :raises ValueError: it is not what `make_index` builds from `count` vectors.
    """
    bytes_ = np.frombuffer(data, dtype=np.uint8)
    limit = faiss().get_deserialization_vector_byte_limit()
    faiss().set_deserialization_vector_byte_limit(len(data))
    try:
        reader = faiss().ZeroCopyIOReader(faiss().swig_ptr(bytes_), len(data))
        index = faiss().read_index(reader)
    finally:
        faiss().set_deserialization_vector_byte_limit(limit)
    flat, lists = _unwrap(index)
    for part in (flat, lists):
        if part is not None and (part.d, part.ntotal) != (dimension, count):
            raise ValueError(
                f"it holds {part.ntotal} vectors of {part.d} dimensions "
                f"instead of {count} of {dimension}"
            )
    matrix = faiss().rev_swig_ptr(flat.get_xb(), count * dimension).reshape(count, dimension)
    return _Parsed(flat=flat, lists=lists, matrix=matrix, owners=(data, bytes_, reader, index))


def _unwrap(index: FaissIndex) -> tuple[FaissIndex, FaissIndex]:
    """The exact vectors, and the inverted lists or None.

    :raises ValueError: the index is not one that `make_index` builds.
    """
    flat, lists = index, None
    if type(index) in (faiss().IndexRefine, faiss().IndexRefineFlat):
        flat = faiss().downcast_index(index.refine_index)
        lists = faiss().downcast_index(index.base_index)
        if type(lists) is not faiss().IndexIVFScalarQuantizer or not _is_sound(lists):
            raise ValueError("its inverted lists are of another kind")
    if type(flat) is not faiss().IndexFlatIP:
        raise ValueError("it is not a flat inner-product index")
    return flat, lists


def _is_sound(lists: FaissIndex) -> bool:
    """Whether the parts of inverted lists are consistent, so that no search leaves them."""
    cells = faiss().downcast_index(lists.quantizer)
    return (
        lists.nprobe > 0
        and lists.metric_type == faiss().METRIC_INNER_PRODUCT
        and type(cells) is faiss().IndexFlatIP
        and (cells.d, cells.ntotal) == (lists.d, lists.nlist)
        and lists.sq.d == lists.code_size == lists.d
    )
