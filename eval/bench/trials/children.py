"""Work in a forked child: it may be killed, starved or crash, and costs milliseconds to start.

The parent only imports: threads of FAISS or tantivy, once started, would not be in its children.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_SECONDS = 120
"""A child that takes longer is ended by SIGALRM, unless it says otherwise; none comes near it."""

_CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class End(Generic[T]):
    """How a child ended.

    `value` is what its work gave, None if it did not get so far. `output` is what it wrote to
    stdout and stderr, `error` the traceback of what it raised, `signal` what killed it, or 0.
    """

    value: T | None
    output: str
    error: str
    signal: int

    @property
    def traceback(self) -> str:
        """The traceback, or what ragqa says in place of one, that a user would have seen."""
        told = "Traceback" in self.output or "this is a bug" in self.output
        return self.error or (self.output if told else "")


def run(work: Callable[[], T], *, seconds: int = MAX_SECONDS) -> End[T]:
    """Do some work in a child and wait for it; what it returns must be possible to pickle."""
    sys.stdout.flush()
    sys.stderr.flush()
    output, written = os.pipe()
    result, given = os.pipe()
    pid = os.fork()
    if pid:
        os.close(written)
        os.close(given)
        told = _read_all(output).decode(errors="replace")
        data = _read_all(result)
        _, status = os.waitpid(pid, 0)
        value, error = pickle.loads(data) if data else (None, "")  # noqa: S301 - from our own child
        return End(value, told, error, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
    try:
        signal.alarm(seconds)
        # What runs in the background of a shell may have been told to ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _work(work, written, given)
    finally:
        os._exit(0)


def must(work: Callable[[], T]) -> T:
    """What work in a child gives, which has to succeed."""
    end = run(work)
    if end.value is None:
        raise RuntimeError(f"signal {end.signal}\n{end.output}\n{end.error}")
    return end.value


def preload(work: Callable[[], object]) -> None:
    """Import what this work imports, by doing it in a child, so that later children need not."""

    def imported() -> list[str]:
        work()
        return sorted(sys.modules)

    for name in must(imported):
        with suppress(ImportError):
            import_module(name)


def _work(work: Callable[[], T], written: int, given: int) -> None:
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(written)
    value, error = None, ""
    try:
        value = work()
    except BaseException:  # noqa: BLE001 - a panic of tantivy is no Exception, and all are told
        error = traceback.format_exc()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    # The parent reads the output to its end first.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with os.fdopen(given, "wb") as file:
        pickle.dump((value, error), file)


def _read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        return b"".join(iter(lambda: file.read(_CHUNK), b""))
