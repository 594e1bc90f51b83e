"""Documents of other formats: converted in a child process, and kept by digest and version.

A hostile file may crash or stop the child, which can write no file and take only so much memory. It
speaks JSON, so nothing that it says is run. What it made lies in the cache folder.
"""

import atexit
import hashlib
import json
import logging
import os
import resource
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock, Timer
from typing import IO, cast

import msgspec

from ragqa.config import cache_folder
from ragqa.notes.formats import FORMATS, Converted, Document, Format, Unfit
from ragqa.safe import write_private

MAX_AGE = 90 * 86_400
"""Entries not used for so many seconds are removed: their index may have been deleted."""

MAX_MEMORY = 2 * 2**30
MAX_REPLY = 250_000_000

logger = logging.getLogger("ragqa")

_children: "list[Popen[bytes]]" = []
"""The child, once a file was read; another is started when it has ended."""

_lock = Lock()


def kept(digest: str, form: Format, data: bytes) -> Document:
    """The document kept for the digest of a file and its format, else a new one; or `Unfit`."""
    path = _folder() / digest
    converted = _read(path)
    if converted is None:
        try:
            converted = convert(form, data)
        except Unfit as exc:
            converted = str(exc)
        body = msgspec.json.encode(converted)
        try:
            write_private(path, f"{_check(path.name, body).decode()}\n{body.decode()}")
        except OSError as exc:
            logger.debug("cannot keep a document in %s: %s", path, exc)
    if isinstance(converted, str):
        raise Unfit(converted)
    return converted


def forget(digests: Collection[str] = (), *, refused: bool = False) -> None:
    """Remove the documents of files that no index has any more, old ones, and those refused."""
    with suppress(OSError):
        for path in _folder().iterdir():
            is_old = time.time() - path.stat().st_mtime > MAX_AGE
            if is_old or path.name in digests or (refused and isinstance(_read(path), str)):
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


def _check(name: str, body: bytes) -> bytes:
    """The digest of an entry's name and body, by which damage is noticed."""
    return hashlib.sha256(f"{name}\n".encode() + body).hexdigest().encode()


def convert(form: Format, data: bytes) -> Document:
    """The document of a file, as the child reads it; or `Unfit`."""
    with _lock:
        if _children and _children[0].poll() is not None:
            stop()
        if not _children:
            _children.append(_start())
        process = _children[0]
        timer = Timer(form.seconds, process.kill)
        timer.start()
        try:
            requests, replies = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
            requests.write(json.dumps([form.name, len(data)]).encode() + b"\n" + data)
            requests.flush()
            converted = msgspec.json.decode(replies.readline(MAX_REPLY), type=Converted)
        except (OSError, ValueError) as exc:
            late = f"it could not be read within {form.seconds} seconds"
            why = "reading it crashed the process that reads it" if timer.is_alive() else late
            stop()
            raise Unfit(why) from exc
        except BaseException:
            # Also after Ctrl-C: the next reply would be to this request.
            stop()
            raise
        finally:
            timer.cancel()
    if isinstance(converted, str):
        raise Unfit(converted)
    return converted


@atexit.register
def stop() -> None:
    """End the child, if there is one."""
    while _children:
        process = _children.pop()
        process.kill()
        process.communicate()


def _start() -> "Popen[bytes]":
    # No secret of the environment is the child's; Python finds the same modules.
    path = os.pathsep.join(filter(None, sys.path))
    environment = {"PYTHONPATH": path, "PYTHONUTF8": "1"}
    environment |= {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return Popen(
        [sys.executable, "-P", "-m", "ragqa.notes.extraction"],
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the parent
    )


def main() -> None:
    """Answer requests, in the child: a line with a format and a size, then a file's bytes."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not be taken for a reply
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    while request := sys.stdin.buffer.readline():
        name, size = json.loads(request)
        # So that it ends although its parent was killed while a file keeps it busy.
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + FORMATS[name].seconds + 1)
        replies.write(_reply(name, sys.stdin.buffer.read(size)) + b"\n")


def _limit(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(limit, (most, hard))
    except (OSError, ValueError):
        return  # macOS does not limit memory


def _reply(name: str, data: bytes) -> bytes:
    converted: Converted
    try:
        converted = FORMATS[name].convert_here(data)
        return msgspec.json.encode(converted)  # no half of a pair
    except Unfit as exc:
        converted = str(exc)
    except MemoryError:
        converted = f"reading it needs more than {MAX_MEMORY // 2**30} GiB of memory"
    except RecursionError:
        converted = "its parts are nested too deeply to be read"
    except Exception as exc:  # noqa: BLE001 - of a library that reads what anybody may have made
        converted = f"it cannot be read: {type(exc).__name__}"
    return msgspec.json.encode(converted)


if __name__ == "__main__":
    main()
