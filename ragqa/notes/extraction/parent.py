"""Convert a file in a child process, which a hostile file may crash or stop."""

import atexit
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from selectors import EVENT_READ, DefaultSelector
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock
from typing import IO, TypeAlias, cast

import msgspec

from ragqa.notes.decoding import NotYet, Unfit
from ragqa.notes.extraction.cache import Kept
from ragqa.notes.extraction.child import MAX_SECONDS
from ragqa.notes.formats import Format
from ragqa.notes.formats.document import Document

Pipe: TypeAlias = IO[bytes]

MAX_SILENCE = 60
"""Seconds without a page."""

MAX_REPLY = 250_000_000
MAX_ENDS = 6
"""How often a file may end the child before it is skipped."""

CRASHED = "reading it crashed the process that reads it"
HUNG = f"it could not be read within {MAX_SECONDS} seconds, or a page within {MAX_SILENCE}"


class _Ended(Unfit):
    """The child ended, or was ended, after so many pages of a file."""

    def __init__(self, reason: str, pages: int = 0) -> None:
        super().__init__(reason)
        self.pages = pages


class _Child:
    """The child process; it is started with the first file, and again after it has ended."""

    process: "Popen[bytes] | None" = None

    def ask(self, name: str, data: bytes, left_out: Sequence[int]) -> Kept:
        """Have a file converted, but for these pages, counted from 0.

        :raises _Ended: the child ended, or hung.
        """
        if self.process is not None and self.process.poll() is not None:
            self.stop()
        process = self.process = self.process or _start()
        try:
            requests, replies = cast("Pipe", process.stdin), cast("Pipe", process.stdout)
            requests.write(json.dumps([name, len(data), left_out]).encode() + b"\n" + data)
            requests.flush()
            return msgspec.json.decode(_reply(replies.fileno()), type=Kept)
        except (OSError, ValueError) as exc:
            self.stop()
            raise _Ended(CRASHED) from exc
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


def convert(form: Format, data: bytes) -> Document:
    """The document of a file, but for the pages that ended the child twice.

    :raises NotYet: the format's extra is not installed.
    :raises Unfit: the file cannot be read.
    """
    if not all(map(find_spec, form.needs)):
        raise NotYet(f"reading {form.name} needs an extra: pip install 'ragqa[{form.name}]'")
    ends = Counter[int]()
    while True:
        left_out = [page for page, times in ends.items() if times > 1]
        try:
            with _lock:
                found = _child.ask(form.name, data, left_out)
        except _Ended as exc:
            ends[exc.pages] += 1
            if form.name != "pdf" or ends[exc.pages] > 2 or ends.total() >= MAX_ENDS:
                raise
            continue
        if found.unfit:
            raise Unfit(found.unfit)
        return found.document


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


def _reply(replies: int) -> bytes:
    """The next line that is not empty; each empty one before it is a page.

    :raises _Ended: it does not come.
    """
    reply, pages, end = bytearray(), 0, time.monotonic() + MAX_SECONDS
    with DefaultSelector() as selector:
        selector.register(replies, EVENT_READ)
        while not reply.endswith(b"\n"):
            if time.monotonic() > end or not selector.select(MAX_SILENCE):
                raise _Ended(HUNG, pages)
            piece = os.read(replies, 2**20)
            if not piece or len(reply) > MAX_REPLY:
                raise _Ended(CRASHED, pages)
            text = piece if reply else piece.lstrip(b"\n")
            pages += len(piece) - len(text)
            reply += text
    return bytes(reply)
