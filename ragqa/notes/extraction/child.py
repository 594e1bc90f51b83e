"""The process in which libraries read files that anybody may have made; `parent.py` starts it.

It can write no file and take only so much memory. It speaks JSON, so nothing that it says is run.
"""

import json
import os
import resource
import sys
import time
from importlib import import_module
from typing import BinaryIO

import msgspec

from ragqa.notes.decoding import Unfit
from ragqa.notes.extraction.cache import Kept

MAX_MEMORY = 2 * 2**30
MAX_SECONDS = 600
"""Seconds for one file."""

TOO_LARGE = f"reading it needs more than {MAX_MEMORY // 2**30} GiB of memory"


def main() -> None:
    """Answer requests until there are none.

    Each is a line with a format, a size and the pages to leave out, and then a file's bytes. Each
    reply is a line, a `Kept` in JSON. An empty line before it says that a page is done.
    """
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not be taken for a reply
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    while request := sys.stdin.buffer.readline():
        name, size, left_out = json.loads(request)
        # So that it ends although its parent was killed while a file keeps it busy.
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + MAX_SECONDS)
        reply = _reply(name, sys.stdin.buffer.read(size), left_out, replies)
        replies.write(msgspec.json.encode(reply) + b"\n")


def _limit(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(limit, (most, hard))
    except (OSError, ValueError):
        return  # macOS does not limit memory


def _reply(name: str, data: bytes, left_out: list[int], replies: BinaryIO) -> Kept:
    how = {"left_out": left_out} if left_out else {}
    try:
        convert = import_module(f"ragqa.notes.formats.{name}").convert
        found = Kept(convert(data, lambda: replies.write(b"\n"), **how))
        msgspec.json.encode(found)  # no half of a pair
    except Unfit as exc:
        return Kept(unfit=str(exc))
    except MemoryError:
        return Kept(unfit=TOO_LARGE)
    except Exception as exc:  # noqa: BLE001 - of a library that reads what anybody may have made
        return Kept(unfit=f"it cannot be read: {type(exc).__name__}")
    return found


if __name__ == "__main__":
    main()
