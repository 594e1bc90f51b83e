"""The lock of an index's one writer, and what it tells others of the build.

What stands in the file is for people alone: nothing depends on it, and it may fail to be written.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ragqa.errors import WriterBusy
from ragqa.stores.failures import cannot_write, explaining
from ragqa.stores.generations import LOCK, PRIVATE, step, sync
from ragqa.types import Building

_PRIVATE_FILE = 0o600
_MAX_BYTES = 64
_SMALL_BYTES = 2**20


@contextmanager
def locked(root: Path, *, wait: bool) -> Iterator[None]:
    """Be the one writer of an index; the kernel frees the lock when the process ends.

    :raises WriterBusy: another process is, and `wait` is False.
    :raises IndexUnusable: the folder cannot be written or cannot be locked.
    """
    with explaining(root, lambda: _SMALL_BYTES):
        _make_folder(root)
        step("lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(root / LOCK, flags, _PRIVATE_FILE)
    try:
        _flock(descriptor, root, wait=wait)
        try:
            _clear(descriptor)  # it may be of a writer that was killed
            yield
        finally:
            _clear(descriptor)
    finally:
        os.close(descriptor)


def tell_embedded(root: Path, embedded: int) -> None:
    """Let others know how many passages the writer has embedded; for the writer alone."""
    with suppress(OSError):
        descriptor = os.open(root / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            told = _read(descriptor)
            since = told.since if told else datetime.now(UTC).isoformat(timespec="seconds")
            data = f"{since}\n{embedded}\n".encode("ascii")
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)


def building(root: Path) -> Building | None:
    """What another process that writes the index has done; None where none does or is known of."""
    try:
        descriptor = os.open(
            root / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except OSError:
        return None
    try:
        told = _read(descriptor)
        # Only where a writer has said so, since this could be in the way of one that begins now.
        if told is not None:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return told
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None  # what stands there is of a writer that was killed


def _make_folder(root: Path) -> None:
    """Make the folder and those above it, each known to the disk before anything is in it."""
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    for folder in reversed(missing):
        step(f"make {folder.name}")
        folder.mkdir(PRIVATE, exist_ok=True)
        with suppress(PermissionError):  # one may write to a folder that one may not read
            sync(folder.parent)


def _flock(descriptor: int, root: Path, *, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as exc:
        told = _read(descriptor)
        raise WriterBusy(
            f"another process is writing the index in {root}{f', {told}' if told else ''}",
            hint="wait until it is done, or: ragqa index --wait",
        ) from exc
    except OSError as exc:
        raise cannot_write(root, f"it cannot be locked: {exc.strerror}") from exc


def _clear(descriptor: int) -> None:
    """Leave nothing there, and the file as it is where nothing was."""
    with suppress(OSError):
        if os.fstat(descriptor).st_size:
            os.ftruncate(descriptor, 0)


def _read(descriptor: int) -> Building | None:
    data = os.pread(descriptor, _MAX_BYTES, 0)
    since, _, embedded = data.decode("ascii", "replace").partition("\n")
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(since).astimezone(UTC)
        return Building(moment.isoformat(timespec="seconds"), max(0, int(embedded)))
    return None
