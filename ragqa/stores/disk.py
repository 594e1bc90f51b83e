"""Actions on the disk, and what their failures mean.

Each action is announced, so that tests can kill or fail a writer there.
"""

import errno
import math
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable

REBUILD = "ragqa index --rebuild"
REPAIR = "ragqa doctor --repair"

# Permissions and temporary shortages: they say nothing about the file itself.
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM})

_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SYSTEM_FAILED = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
# Of these SQLite gives one fixed text; others quote statements, which a forged file may hold.
_PLAIN = _SYSTEM_FAILED | {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY}


def _no_hook(name: str) -> None:
    """Do nothing."""


_hook: Callable[[str], None] = _no_hook


def step(name: str) -> None:
    """Announce the next action; does nothing unless a test is watching."""
    _hook(name)


@contextmanager
def stepping(hook: Callable[[str], None]) -> Iterator[None]:
    """Call `hook` with the name of each step; `step` raises what it raises."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


def open_existing(path: Path, access: int = os.O_RDONLY) -> int:
    """Open a file, but follow no link and wait for no pipe; returns its descriptor."""
    return os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


@contextmanager
def new_file(path: Path) -> Iterator[BufferedWriter]:
    """Yield a new file to write to; sync it at the end."""
    step(f"write {path.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file
        step(f"sync {path.name}")
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Sync a file, or a folder's entries, to the disk."""
    step(f"sync {path.name}")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def naming_file(path: Path, *foreign: type[Exception]) -> Iterator[None]:
    """Translate these errors, and OSError, into one that names the file.

    :raises IndexUnusable: one of them was raised.
    """
    translated: tuple[type[Exception], ...] = (OSError, *foreign)
    try:
        yield
    except translated as exc:
        raise unusable(path, exc) from exc


def unusable(path: Path, exc: BaseException) -> IndexUnusable:
    """The error to raise for an index file that failed, and why."""
    reason = (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
    if isinstance(exc, sqlite3.Error) and _code(exc) not in _PLAIN:
        reason = f"SQLite says {getattr(exc, 'sqlite_errorname', type(exc).__name__)}"
    if isinstance(exc, OSError) and exc.errno in _REFUSED:
        return IndexNotReadable(
            f"the index file {path} cannot be read: {reason}",
            hint="fix that, and try again: ragqa doctor",
        )
    return IndexUnusable(f"the index file {path} is unusable: {reason}", hint=REPAIR)


def cannot_write(folder: Path, reason: str) -> IndexNotWritable:
    """The error to raise if an index folder cannot take a new generation, and why."""
    return IndexNotWritable(
        f"cannot write the index in {folder}: {reason}",
        hint="make the folder writable, or keep the index elsewhere: --index DIR",
    )


@contextmanager
def explaining_failure(folder: Path, needed: Callable[[], int]) -> Iterator[None]:
    """Explain why a new generation could not be written; recognize a full disk.

    :param needed: returns a lower bound of the bytes needed.
    :raises IndexNotWritable: the system failed, or the disk was full.
    """
    try:
        yield
    except (OSError, IndexUnusable) as exc:
        size = needed()
        if _disk_was_full(exc, folder, size):
            raise IndexNotWritable(
                f"disk full: a new generation of the index in {folder} needs more "
                f"than {math.ceil(size / 1e6)} MB",
                hint="free some space, or keep the index elsewhere: --index DIR",
            ) from exc
        if isinstance(exc, OSError):
            raise cannot_write(folder, exc.strerror or str(exc)) from exc
        if isinstance(exc.__cause__, sqlite3.Error) and _code(exc.__cause__) in _SYSTEM_FAILED:
            raise cannot_write(folder, str(exc.__cause__)) from exc
        raise


def _disk_was_full(exc: BaseException, folder: Path, needed: int) -> bool:
    """Whether an error was caused by a full disk, a quota or a file size limit.

    SQLite and tantivy do not always say why a write failed; then the disk itself is checked.
    """
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL_ERRNOS:
            return True
        if isinstance(cause, sqlite3.Error):
            return _code(cause) == sqlite3.SQLITE_FULL or not _has_room(folder, needed)
        if isinstance(cause, ValueError):
            return not _has_room(folder, needed)
        cause = cause.__cause__
    return False


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary error code; None if the Python module raised the error itself."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _has_room(folder: Path, needed: int) -> bool:
    try:
        # A file size limit shows only beyond the largest file.
        largest = max((path.lstat().st_size for path in folder.rglob("*")), default=0)
        with tempfile.TemporaryFile(dir=folder) as probe:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(probe.fileno(), 0, largest + needed)
        return shutil.disk_usage(folder).free >= needed
    except OSError as exc:
        return exc.errno not in _FULL_ERRNOS
