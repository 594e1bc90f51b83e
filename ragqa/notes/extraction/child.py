"""The process that reads files with native code or zip archives; `parent.py` starts it.

It can write no file and take only so much memory. Whatever happens to it, no note is lost but the
one that it was reading. It speaks JSON, so nothing that it says is run.
"""

import json
import os
import resource
import sys
import time
from importlib import import_module
from typing import BinaryIO

from ragqa.notes.decoding import Unfit

MAX_MEMORY = 2 * 2**30
MAX_SECONDS = 600
"""Seconds for one file."""

EXTRACTORS = {"pdf": "ragqa.notes.formats.pdf_pages", "docx": "ragqa.notes.formats.docx_text"}
TOO_LARGE = f"reading it needs more than {MAX_MEMORY // 2**30} GiB of memory"


def main() -> None:
    """Read requests until there are none.

    Each is a line with a format, a size and the pages to leave out, and then a file's bytes. Each
    reply is a line of JSON with `text` or `unfit`. An empty line says that a page is done.
    """
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not be taken for a reply
    for limit, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _limit(limit, most)
    while request := sys.stdin.buffer.readline():
        name, size, left_out = json.loads(request)
        # So that it ends although its parent was killed while a file keeps it busy.
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + MAX_SECONDS)
        reply = _reply(name, sys.stdin.buffer.read(size), left_out, replies)
        replies.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")


def _limit(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    try:
        resource.setrlimit(limit, (most, hard))
    except (OSError, ValueError):
        return  # macOS does not limit memory


def _reply(name: str, data: bytes, left_out: list[int], replies: BinaryIO) -> dict[str, str]:
    how = {"left_out": left_out} if left_out else {}
    try:
        text = import_module(EXTRACTORS[name]).extract(data, lambda: replies.write(b"\n"), **how)
    except Unfit as exc:
        return {"unfit": str(exc)}
    except MemoryError:
        return {"unfit": TOO_LARGE}
    except Exception as exc:  # noqa: BLE001 - of a library that reads what anybody may have made
        return {"unfit": f"it cannot be read: {type(exc).__name__}"}
    return {"text": text}


if __name__ == "__main__":
    main()
