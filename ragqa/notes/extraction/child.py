"""The process in which libraries read files that anybody may have made; `parent.py` starts it.

It can write no file and take only so much memory. It speaks JSON, so nothing that it says is run.
"""

import json
import os
import resource
import sys
import time

import msgspec

from ragqa.notes.formats import FORMATS, Converted, Unfit

MAX_MEMORY = 2 * 2**30
MAX_SECONDS = 300
"""Seconds for one file."""


def main() -> None:
    """Answer requests until there are none.

    Each is a line with a format and a size, then a file's bytes; a reply is a line.
    """
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not be taken for a reply
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    while request := sys.stdin.buffer.readline():
        name, size = json.loads(request)
        # So that it ends although its parent was killed while a file keeps it busy.
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + MAX_SECONDS)
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
