"""Documents, kept by the file's digest and its format's version.

It lies in the cache folder, readable by its user alone, and also says which files cannot be read
and why. Without it everything works, only slower.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from ragqa.config.files import cache_folder
from ragqa.notes.formats import Converted, Document, Format, NotYet, Unfit
from ragqa.safe import write_private

MAX_AGE = 90 * 86_400
"""Entries not used for so many seconds are removed: their index may have been deleted."""

logger = logging.getLogger("ragqa")


def kept(digest: str, form: Format, data: bytes) -> Document:
    """A file's document: the one kept when it was converted before, else a new one, then kept.

    :param digest: of the file's bytes, with its format's name and version.
    :raises Unfit: it cannot be read, now or before.
    """
    path = _folder() / digest
    converted = _read(path)
    if converted is None:
        from ragqa.notes.extraction.parent import convert

        try:
            converted = convert(form, data)
        except NotYet:
            raise
        except Unfit as exc:
            converted = str(exc)
        _write(path, converted)
    if isinstance(converted, str):
        raise Unfit(converted)
    return converted


def forget(digests: Iterable[str]) -> None:
    """Remove the documents of files that no index has any more, and old ones."""
    for digest in digests:
        with suppress(OSError):
            (_folder() / digest).unlink()
    with suppress(OSError):
        for path in _folder().iterdir():
            if time.time() - path.stat().st_mtime > MAX_AGE:
                path.unlink()


def try_again() -> None:
    """Remove the entries of files that could not be read: the machine may have been at fault."""
    with suppress(OSError):
        for path in _folder().iterdir():
            if isinstance(_read(path), str):
                path.unlink()


def _folder() -> Path:
    return cache_folder() / "extracted"


def _read(path: Path) -> Converted | None:
    """An entry; None if there is none, or it is damaged."""
    try:
        check, _, body = path.read_bytes().partition(b"\n")
        if check != _check(path.name, body):
            return None
        converted = msgspec.json.decode(body, type=Converted)
        if time.time() - path.stat().st_mtime > 86_400:
            # The machine may have been busy, or a library is newer.
            if isinstance(converted, str):
                return None
            os.utime(path)
    except (OSError, ValueError):
        return None
    return converted


def _write(path: Path, converted: Converted) -> None:
    body = msgspec.json.encode(converted)
    try:
        write_private(path, f"{_check(path.name, body).decode()}\n{body.decode()}")
    except OSError as exc:
        logger.debug("cannot keep a document in %s: %s", path, exc)


def _check(name: str, body: bytes) -> bytes:
    """The digest of an entry's name and body, by which damage is noticed."""
    return hashlib.sha256(f"{name}\n".encode() + body).hexdigest().encode()
