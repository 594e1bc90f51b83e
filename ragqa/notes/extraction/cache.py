"""Extracted text, kept by the file's digest and the reader's version.

It lies in the cache folder, readable by its user alone, and also says which files cannot be read
and why. Without it everything works, only slower.
"""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ragqa.config.files import cache_folder
from ragqa.notes.decoding import NotYet, Unfit
from ragqa.private import write_private

MAX_BYTES = 2_000_000_000
"""Over this, what was not used for the longest time goes."""

MAX_AGE = 90 * 86_400
"""What was not used for so many seconds goes; its index may have been deleted."""

_DAY = 86_400
_MAX_HEAD = 200
_TEXT, _UNFIT = "text", "unfit"

logger = logging.getLogger("ragqa")


def kept(digest: str, extract: Callable[[], str]) -> str:
    """The text that was extracted from a file before, else extract it and keep it.

    :param digest: of the file's bytes, with its reader's name and version.
    :raises Unfit: it cannot be read, now or before.
    """
    path = _folder() / digest
    found = _read(path)
    if found is None:
        try:
            found = _TEXT, extract()
        except NotYet:
            raise
        except Unfit as exc:
            found = _UNFIT, str(exc)
        _write(path, *found)
    kind, content = found
    if kind == _UNFIT:
        raise Unfit(content)
    return content


def forget(digests: Iterable[str]) -> None:
    """Remove the text of files that no index has any more, and what is old or too much."""
    for digest in digests:
        with suppress(OSError):
            (_folder() / digest).unlink()
    total, now = 0, time.time()
    with suppress(OSError):
        for used, size, path in sorted(map(_use, _folder().iterdir()), reverse=True):
            total += size
            if total > MAX_BYTES or now - used > MAX_AGE:
                path.unlink()


def try_again() -> None:
    """Remove what says that a file cannot be read: it may have been the machine, not the file."""
    with suppress(OSError):
        for path in _folder().iterdir():
            with path.open("rb") as file:
                is_unfit = file.readline(_MAX_HEAD).endswith(f" {_UNFIT}\n".encode())
            if is_unfit:
                path.unlink()


def _folder() -> Path:
    return cache_folder() / "extracted"


def _use(path: Path) -> tuple[float, int, Path]:
    status = path.stat()
    return status.st_mtime, status.st_size, path


def _read(path: Path) -> tuple[str, str] | None:
    """The kind and content of an entry; None if there is none or it is damaged."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        check, kind = head.decode("ascii").split(" ")
        if check != _check(path.name, kind, body) or kind not in (_TEXT, _UNFIT):
            return None
        if time.time() - path.stat().st_mtime > _DAY:
            if kind == _UNFIT:  # the machine may have been busy, or a library is newer now
                return None
            os.utime(path)
        return kind, body.decode("utf-8")
    except (OSError, ValueError):
        return None


def _write(path: Path, kind: str, content: str) -> None:
    check = _check(path.name, kind, content.encode("utf-8"))
    try:
        write_private(path, f"{check} {kind}\n{content}")
    except OSError as exc:
        logger.debug("cannot keep extracted text in %s: %s", path, exc)


def _check(name: str, kind: str, body: bytes) -> str:
    """The digest of an entry, which its name and kind are part of."""
    return hashlib.sha256(f"{name} {kind}\n".encode() + body).hexdigest()
