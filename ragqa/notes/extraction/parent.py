"""Extract the text of a file in a child process, which a hostile file may crash or stop."""

import atexit
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from selectors import EVENT_READ, DefaultSelector
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock
from typing import IO, TypeAlias, cast

from ragqa.notes.decoding import NotYet, Unfit
from ragqa.notes.extraction.child import MAX_SECONDS
from ragqa.notes.formats import LIBRARIES

Pipe: TypeAlias = IO[bytes]

MAX_SILENCE = 60
"""Seconds without a page."""

MAX_REPLY = 250_000_000
MAX_ENDS = 6
"""How often a file may end the child before it is skipped."""

PAGED = frozenset({"pdf"})
"""The formats that can be read without some of their pages."""

CRASHED = "reading it crashed the process that reads it"
HUNG = f"it could not be read within {MAX_SECONDS} seconds, or a page within {MAX_SILENCE}"


class _Ended(Unfit):
    """The child ended, or was ended, after so many pages of a file."""

    def __init__(self, reason: str, pages: int) -> None:
        super().__init__(reason)
        self.pages = pages


@dataclass(slots=True)
class _Child:
    """The child process; it is started with the first file, and again after it has ended."""

    process: "Popen[bytes] | None" = None

    def ask(self, name: str, data: bytes, left_out: Sequence[int]) -> dict[str, str]:
        """Have a file read, but for these pages, counted from 0.

        :raises Unfit: the child ended or hung; `_Ended` if that was while it read.
        """
        if self.process is not None and self.process.poll() is not None:
            self.stop()
        process = self.process = self.process or _start()
        try:
            requests, replies = cast("Pipe", process.stdin), cast("Pipe", process.stdout)
            requests.write(json.dumps([name, len(data), left_out]).encode() + b"\n")
            requests.write(data)
            requests.flush()
            return _reply(replies)
        except OSError as exc:
            self.stop()
            raise Unfit(CRASHED) from exc
        except BaseException:
            # Also after Ctrl-C: the next reply would be to this request.
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()


_child = _Child()
_lock = Lock()
atexit.register(_child.stop)


def extract(name: str, data: bytes) -> str:
    """The text of a file in the format of this name.

    :raises NotYet: the format's extra is not installed.
    :raises Unfit: the file cannot be read.
    """
    if find_spec(LIBRARIES[name]) is None:
        raise NotYet(f"reading {name} needs an extra: pip install 'ragqa[{name}]'")
    with _lock:
        reply = _read(name, data)
    if "unfit" in reply:
        raise Unfit(reply["unfit"])
    return reply["text"]


def _read(name: str, data: bytes) -> dict[str, str]:
    """Have a file read, but for the pages that ended the child twice.

    :raises Unfit: the child ended too often, or not because of a page.
    """
    ends = Counter[int]()
    while True:
        left_out = [page for page, times in ends.items() if times > 1]
        try:
            return _child.ask(name, data, left_out)
        except _Ended as exc:
            ends[exc.pages] += 1
            if name not in PAGED or ends[exc.pages] > 2 or ends.total() >= MAX_ENDS:
                raise


def _start() -> "Popen[bytes]":
    # No secret of the environment is the child's; Python finds the same modules.
    path = os.pathsep.join(filter(None, sys.path))
    environment = {"PYTHONPATH": path, "PYTHONUTF8": "1"}
    environment |= {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return Popen(
        [sys.executable, "-P", "-m", "ragqa.notes.extraction.child"],
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the parent
    )


def _reply(replies: Pipe) -> dict[str, str]:
    """The next line that is not empty; each empty one before it is a page.

    :raises _Ended: it does not come.
    """
    pieces: list[bytes] = []
    pages, size, end = 0, 0, time.monotonic() + MAX_SECONDS
    with DefaultSelector() as selector:
        selector.register(replies, EVENT_READ)
        while not pieces or not pieces[-1].endswith(b"\n"):
            if time.monotonic() > end or not selector.select(MAX_SILENCE):
                raise _Ended(HUNG, pages)
            piece = os.read(replies.fileno(), 2**20)
            size += len(piece)
            if not piece or size > MAX_REPLY:
                raise _Ended(CRASHED, pages)
            text = piece if pieces else piece.lstrip(b"\n")
            pages += len(piece) - len(text)
            pieces += [text] if text else []
    reply = json.loads(b"".join(pieces))
    if not isinstance(reply, dict) or not all(isinstance(one, str) for one in reply.values()):
        raise Unfit(CRASHED)
    return reply
