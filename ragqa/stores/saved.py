"""Saved embeddings of an unfinished build, from which an interrupted build resumes.

They are kept in one append-only file: a header with the embedder's fingerprint, then batches, each
with a checksum. Whatever follows the last intact batch is ignored and overwritten.
"""

import hashlib
import json
import os
import stat
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ragqa.errors import IndexUnusable
from ragqa.stores.disk import explaining_failure, open_existing, step
from ragqa.stores.vectors import UNIT_TOLERANCE, check_vectors
from ragqa.types import EmbedderInfo, IndexInfo, Numbers, Passage, Vector, Vectors

SAVED = "saved-embeddings"
"""The file of a refresh; separate, so that a small refresh does not discard a rebuild's file."""

SAVED_ANEW = "saved-embeddings-anew"
"""The file of a build from nothing."""

SYNC_BYTES = 4 * 2**20
"""Bytes between syncs: the most that a power failure can lose."""

MAX_BATCH = 4096
"""Embeddings per batch at most, so that no batch takes much memory to read."""

_MAGIC = b"ragqa saved embeddings 1\n"
_COUNT = struct.Struct("<I")
_KEY, _NUMBER = np.dtype("<i8"), np.dtype("<f4")
_CHECKSUM_BYTES = 32


class SavedEmbeddings:
    """The embeddings saved with one embedder, by embedding key; only an index's writer uses it.

    A file that is missing, damaged, of another embedder or not ours counts as empty and is
    replaced when the first embeddings are saved.
    """

    def __init__(self, path: Path, embedder: EmbedderInfo, dtype: str) -> None:
        self._path = path
        self._dimension = embedder.dimension
        self._fingerprint = _fingerprint(embedder, dtype)
        self._offsets: dict[int, int] = {}
        self._end = len(_MAGIC) + len(self._fingerprint)
        self._unsynced = 0
        self._file = self._open()

    def __len__(self) -> int:
        return len(self._offsets)

    def vectors(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        """The saved ones among these embeddings, each of shape (dimension,), by key."""
        found = {}
        for key in embedding_keys:
            offset = self._offsets.get(key)
            data = b"" if offset is None else self._read(offset, self._row_bytes)
            if data:
                found[key] = np.frombuffer(data, _NUMBER).astype(np.float32)
        return found

    def add(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save more embeddings, shape (keys, dimension).

        :raises OSError: they cannot be written; earlier ones stay.
        """
        if self._path.is_dir():
            return  # a user's own folder: leave it alone
        step(f"write {self._path.name}")
        if self._file is None:
            self._file = self._begin()
        for first in range(0, len(embedding_keys), MAX_BATCH):
            keys = np.array(embedding_keys[first : first + MAX_BATCH], _KEY)
            numbers = np.ascontiguousarray(vectors[first : first + MAX_BATCH], _NUMBER)
            body = _COUNT.pack(len(keys)) + keys.tobytes() + numbers.tobytes()
            data = body + self._checksum(body)
            _write_all(self._file, data, self._end)
            self._register(keys, numbers)
            self._unsynced += len(data)
        if self._unsynced >= SYNC_BYTES:
            step(f"sync {self._path.name}")
            os.fsync(self._file)
            self._unsynced = 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def _row_bytes(self) -> int:
        return self._dimension * _NUMBER.itemsize

    def _open(self) -> int | None:
        """Open an existing file, if it is this embedder's, and register its intact batches."""
        try:
            self._file = open_existing(self._path, os.O_RDWR)
        except OSError:
            return None
        is_file = stat.S_ISREG(os.fstat(self._file).st_mode)
        if not is_file or self._read(0, self._end) != _MAGIC + self._fingerprint:
            self.close()
            return None
        while self._register_next():
            pass
        return self._file

    def _register_next(self) -> bool:
        """Register the batch that follows; False if none does, or not an intact one."""
        count = int.from_bytes(self._read(self._end, _COUNT.size), "little")
        if not 0 < count <= MAX_BATCH:
            return False
        body_bytes = _COUNT.size + count * (_KEY.itemsize + self._row_bytes)
        data = self._read(self._end, body_bytes + _CHECKSUM_BYTES)
        if not data or self._checksum(data[:body_bytes]) != data[body_bytes:]:
            return False
        keys = np.frombuffer(data, _KEY, count, _COUNT.size)
        rest = memoryview(data)[_COUNT.size + keys.nbytes : body_bytes]
        self._register(keys, np.frombuffer(rest, _NUMBER))
        return True

    def _register(self, keys: Numbers, numbers: Vectors) -> None:
        """Record the offsets of the batch that ends the file; skip rows not of unit length."""
        rows = numbers.reshape(len(keys), self._dimension)
        lengths = np.linalg.norm(rows, axis=1)
        first = self._end + _COUNT.size + keys.nbytes
        for row in np.flatnonzero(np.abs(lengths - 1.0) <= UNIT_TOLERANCE).tolist():
            self._offsets[int(keys[row])] = first + row * self._row_bytes
        self._end = first + numbers.nbytes + _CHECKSUM_BYTES

    def _begin(self) -> int:
        step(f"begin {self._path.name}")
        self._path.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        _write_all(descriptor, _MAGIC + self._fingerprint, 0)
        return descriptor

    def _read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes at an offset; b"" if they cannot all be read."""
        if self._file is None:
            return b""
        try:
            data = os.pread(self._file, length, offset)
        except OSError:
            return b""
        return data if len(data) == length else b""

    def _checksum(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=_CHECKSUM_BYTES, key=self._fingerprint).digest()


class ResumableWriter(ABC):
    """What writers share: embeddings that are saved on this machine until the commit.

    :param root: the folder for them.
    :param base: what the index has before; None if the writer builds on nothing.
    """

    def __init__(self, root: Path, base: IndexInfo | None) -> None:
        self._root = root
        self._fresh = base is None
        self._dimension = base.embedder.dimension if base else None
        self._saved: SavedEmbeddings | None = None
        self._closed = False

    def resume(self, embedder: EmbedderInfo, dtype: str) -> int:
        """Reuse what an interrupted writer saved with this embedder; returns their number."""
        name = SAVED_ANEW if self._fresh else SAVED
        self._saved = SavedEmbeddings(self._root / name, embedder, dtype)
        return len(self._saved)

    def save(self, embedding_keys: Sequence[int], vectors: Vectors) -> None:
        """Save embeddings, shape (keys, dimension), until the next commit."""
        if self._saved is None:
            raise ValueError("save was called before resume")
        with explaining_failure(self._root, lambda: self._bytes_needed() or 2 * vectors.nbytes):
            self._saved.add(embedding_keys, vectors)

    def vectors(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings that are saved or in the base snapshot, by embedding key."""
        keys = set(embedding_keys)
        saved = self._saved.vectors(keys) if self._saved else {}
        return saved | self._in_base(keys - saved.keys())

    def close(self) -> None:
        """Close the file."""
        if self._saved is not None:
            self._saved.close()

    @abstractmethod
    def _in_base(self, embedding_keys: Iterable[int]) -> dict[int, Vector]:
        """The embeddings in the base snapshot among these, by key."""

    def _bytes_needed(self) -> int:
        """A lower bound of what is still to be written to the folder; 0 if unknown."""
        return 0

    def _check(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Check the vectors of a note to add, as `check_vectors` does."""
        check_vectors(passages, vectors, self._dimension)
        if passages:
            self._dimension = vectors.shape[1]

    @contextmanager
    def _changing(self, index: str) -> Iterator[None]:
        """End the writer on an error, since a note may be half written.

        :param index: which index it is, for messages.
        """
        if self._closed:
            raise IndexUnusable(
                f"the next generation of the index {index} is finished or abandoned"
            )
        self._closed = True
        yield
        self._closed = False

    def _finish(self) -> None:
        """End the writer after its commit: the saved embeddings are in the index now."""
        self._closed = True
        for name in (SAVED, SAVED_ANEW) if self._fresh else (SAVED,):
            remove_saved(self._root / name)


def remove_saved(path: Path) -> None:
    """Remove a file of saved embeddings, if possible."""
    with suppress(OSError):
        if os.path.lexists(path):
            step(f"remove {path.name}")
            path.unlink()


def _fingerprint(embedder: EmbedderInfo, dtype: str) -> bytes:
    """A digest shared by all embeddings that may be mixed; the embedder's name may differ."""
    content = {"embedder": asdict(replace(embedder, name="")), "dtype": dtype}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
