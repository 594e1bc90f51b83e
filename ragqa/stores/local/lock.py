"""The writer lock of an index, and the build progress that it shows to others.

The file's contents are only for display: nothing depends on them, and writing them may fail.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ragqa.errors import WriterBusy
from ragqa.safe import private_folder
from ragqa.stores.disk import cannot_write, explaining_failure, open_existing
from ragqa.types import Building

LOCK = "LOCK"
_PRIVATE_FILE = 0o600
_MAX_BYTES = 64


@contextmanager
def locked(root: Path, *, wait: bool) -> Iterator[None]:
    """Hold the writer lock of an index; the kernel frees it when the process ends.

    :raises WriterBusy: another process holds it and `wait` is False.
    :raises IndexUnusable: the folder cannot be written or locked.
    """
    with explaining_failure(root):
        private_folder(root)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(root / LOCK, flags, _PRIVATE_FILE)
    try:
        _flock(descriptor, root, wait=wait)
        try:
            _clear(descriptor)  # a killed writer may have left its progress
            yield
        finally:
            _clear(descriptor)
    finally:
        os.close(descriptor)


def report_embedded(root: Path, embedded: int) -> None:
    """Publish how many passages the writer has embedded; only the lock holder may call this."""
    with suppress(OSError):
        descriptor = open_existing(root / LOCK, os.O_RDWR)
        try:
            progress = _read(descriptor)
            since = progress.since if progress else datetime.now(UTC).isoformat(timespec="seconds")
            data = f"{since}\n{embedded}\n".encode("ascii")
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)


def building(root: Path) -> Building | None:
    """The progress of another process writing the index; None if none is known."""
    try:
        descriptor = open_existing(root / LOCK)
    except OSError:
        return None
    try:
        progress = _read(descriptor)
        # Only if a writer has published progress: testing the lock could block one that starts now.
        if progress is not None:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return progress
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None  # the progress is that of a killed writer


def _flock(descriptor: int, root: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as exc:
        progress = _read(descriptor)
        raise WriterBusy(
            f"another process is writing the index in {root}{f', {progress}' if progress else ''}",
            hint="wait until it is done, or: ragqa index --wait",
        ) from exc
    except OSError as exc:
        raise cannot_write(root, f"it cannot be locked: {exc.strerror}") from exc


def _clear(descriptor: int) -> None:
    with suppress(OSError):
        os.ftruncate(descriptor, 0)


def _read(descriptor: int) -> Building | None:
    data = os.pread(descriptor, _MAX_BYTES, 0)
    since, _, embedded = data.decode("ascii", "replace").partition("\n")
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(since).astimezone(UTC)
        return Building(moment.isoformat(timespec="seconds"), max(0, int(embedded)))
    return None
