"""Index files: how they are opened and locked, and what a failure to read or write one means."""

import errno
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from ragqa.errors import (
    IndexNotReadable,
    IndexNotWritable,
    IndexUnusable,
    NeedsRebuild,
    WriterBusy,
)
from ragqa.safe import open_private, private_folder
from ragqa.types import Building

REBUILD = "ragqa index --rebuild"

# Permissions and temporary shortages: they say nothing about the file itself.
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_REFUSED_BY_SQLITE = frozenset({sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM})

_IN_USE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SYSTEM_FAILED = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
)

_PROBE_BYTES = 2**20

LOCK = "LOCK"
_MAX_BYTES = 64


class IndexInUse(IndexNotReadable, WriterBusy):
    """Another program has locked the files of the index, which may be sound."""

    exit_code = WriterBusy.exit_code


@contextmanager
def naming_file(path: Path, *foreign: type[Exception]) -> Iterator[None]:
    """Translate these errors, and OSError, into one that names the file.

    :raises NeedsRebuild: one of them was raised, and so the file is damaged.
    :raises IndexNotReadable: the system or another program refused to have it read.
    """
    translated: tuple[type[Exception], ...] = (OSError, *foreign)
    try:
        yield
    except translated as exc:
        raise unusable(path, exc) from exc


def unusable(path: Path, exc: BaseException) -> IndexUnusable:
    """The error to raise for an index file that failed, and why."""
    reason, refused = str(exc), False
    if isinstance(exc, OSError):
        reason, refused = exc.strerror or reason, exc.errno in _REFUSED
    elif isinstance(exc, sqlite3.Error) and sqlite_code(exc) in _IN_USE:
        what = f"the index file {path} is in use by another program"
        return IndexInUse(what, hint="wait until that program is done, or end it, and try again")
    elif isinstance(exc, sqlite3.Error):  # its words may quote statements, which a file may hold
        reason = f"SQLite says {getattr(exc, 'sqlite_errorname', type(exc).__name__)}"
        refused = sqlite_code(exc) in _REFUSED_BY_SQLITE
    if refused:
        return IndexNotReadable(
            f"the index file {path} cannot be read: {reason}",
            hint="fix that, and try again",
        )
    return NeedsRebuild(f"the index file {path} is damaged: {reason}", hint=REBUILD)


def cannot_write(folder: Path, reason: str) -> IndexNotWritable:
    """The error to raise if an index folder cannot be written, and why."""
    return IndexNotWritable(
        f"cannot write the index in {folder}: {reason}",
        hint="make the folder writable, or keep the index elsewhere: --index DIR",
    )


@contextmanager
def explaining_failure(folder: Path) -> Iterator[None]:
    """Raise `IndexNotWritable` where the system failed or the disk was full."""
    try:
        yield
    except (OSError, sqlite3.Error, IndexUnusable) as exc:
        if isinstance(exc, IndexNotWritable | IndexInUse):
            raise
        cause = exc.__cause__ if isinstance(exc, IndexUnusable) else exc
        if _was_full(cause, folder):
            raise IndexNotWritable(
                f"disk full: the index in {folder} needs more space than there is",
                hint="free some space, or keep the index elsewhere: --index DIR",
            ) from exc
        if isinstance(cause, OSError):
            raise cannot_write(folder, cause.strerror or str(cause)) from exc
        if isinstance(cause, sqlite3.Error) and sqlite_code(cause) in _SYSTEM_FAILED:
            raise cannot_write(folder, str(cause)) from exc
        raise


def _was_full(cause: BaseException | None, folder: Path) -> bool:
    """Whether a full disk, a quota or a file size limit was the cause of an error."""
    if isinstance(cause, OSError):
        return cause.errno in _FULL
    if isinstance(cause, sqlite3.Error) and sqlite_code(cause) == sqlite3.SQLITE_FULL:
        return True
    # SQLite and tantivy do not always say why a write failed.
    return isinstance(cause, sqlite3.Error | ValueError) and not _has_room(folder)


def sqlite_code(error: sqlite3.Error) -> int | None:
    """SQLite's primary error code; None if the Python module raised the error itself."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _has_room(folder: Path) -> bool:
    try:
        # A file size limit shows only beyond the largest file.
        largest = max((path.lstat().st_size for path in folder.rglob("*")), default=0)
        with tempfile.TemporaryFile(dir=folder) as probe:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(probe.fileno(), 0, largest + _PROBE_BYTES)
        return shutil.disk_usage(folder).free >= _PROBE_BYTES
    except OSError as exc:
        return exc.errno not in _FULL


@contextmanager
def locked(root: Path, *, wait: bool) -> Iterator[Callable[[int], None]]:
    """Hold the writer lock of an index; gives what publishes how many passages are embedded.

    :raises WriterBusy: another process holds it and `wait` is False.
    :raises IndexUnusable: the folder cannot be written or locked.
    """
    with explaining_failure(root):
        private_folder(root)
        descriptor = open_private(root / LOCK, os.O_RDWR)
    with FileIO(descriptor, "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as exc:
            progress = _read(lock)
            so_far = f", {progress}" if progress else ""
            raise WriterBusy(
                f"another process is writing the index in {root}{so_far}",
                hint="wait until it is done, or: ragqa index --wait",
            ) from exc
        except OSError as exc:
            raise cannot_write(root, f"it cannot be locked: {exc.strerror}") from exc
        since = datetime.now(UTC).isoformat(timespec="seconds")

        def report(embedded: int) -> None:
            data = f"{since}\n{embedded}\n".encode("ascii")
            with suppress(OSError):
                os.pwrite(lock.fileno(), data, 0)
                lock.truncate(len(data))

        report(0)
        try:
            yield report
        finally:
            with suppress(OSError):
                lock.truncate(0)


def building(root: Path) -> Building | None:
    """The progress of another process writing the index; None if none is known."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # no link, no waiting pipe
    with suppress(OSError), FileIO(os.open(root / LOCK, flags)) as lock:
        # Only if a writer has published progress: testing the lock could block one that starts now.
        if progress := _read(lock):
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return progress
    return None  # or the progress is that of a killed writer


def _read(lock: FileIO) -> Building | None:
    data = os.pread(lock.fileno(), _MAX_BYTES, 0)
    since, _, embedded = data.decode("ascii", "replace").partition("\n")
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(since).astimezone(UTC)
        return Building(moment.isoformat(timespec="seconds"), max(0, int(embedded)))
    return None
