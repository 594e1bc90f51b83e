"""Work in a forked child: it may be killed, starved or crash, and costs milliseconds to start.

The parent only imports: threads of FAISS or tantivy, once started, would not be in its children.
"""

import multiprocessing
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Generic, NamedTuple, TypeVar
from unittest.mock import patch

T = TypeVar("T")

FORK = multiprocessing.get_context("fork")
MAX_SECONDS = 300
"""A child that takes longer is ended by SIGALRM, unless it says otherwise; none comes near it."""


class End(NamedTuple, Generic[T]):
    """How a child ended: what its work gave, or the traceback or the signal that ended it.

    `output` is what it wrote to stdout and stderr.
    """

    value: T | None = None
    error: str = ""
    output: str = ""
    signal: int = 0


class Child(Generic[T]):
    """A process that does some work; what it returns must be possible to pickle."""

    def __init__(self, work: Callable[[], T], *, seconds: int = MAX_SECONDS) -> None:
        self._result, given = FORK.Pipe(duplex=False)
        self._process = FORK.Process(target=_do, args=(work, given, seconds))
        self._process.start()
        given.close()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()

    def end(self) -> End[T]:
        """Wait for its end."""
        end: End[T] = End()
        with suppress(EOFError, OSError), self._result:
            end = End(*self._result.recv())
        self._process.join()
        return end._replace(signal=max(0, -(self._process.exitcode or 0)))


def run(work: Callable[[], T], *, seconds: int = MAX_SECONDS) -> End[T]:
    """Do some work in a child and wait for it."""
    return Child(work, seconds=seconds).end()


def must(work: Callable[[], T]) -> T:
    """What work in a child gives, which has to succeed."""
    end = run(work)
    if end.value is None:
        raise RuntimeError(str(end))
    return end.value


def preload(work: Callable[[], object]) -> None:
    """Import and compile what this work does, by doing it in a child, so that others need not."""

    def loaded() -> tuple[list[str], list[tuple[str, int]]]:
        with patch("re.compile", wraps=re.compile) as compiling:
            work()
        return sorted(sys.modules), [call.args for call in compiling.call_args_list]

    modules, patterns = must(loaded)
    for name in modules:
        with suppress(ImportError):
            import_module(name)
    for pattern in patterns:
        re.compile(*pattern)


def _do(work: Callable[[], T], given: Connection, seconds: int) -> None:
    signal.alarm(seconds)
    value, error = None, ""
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        try:
            value = work()
        except BaseException:  # noqa: BLE001 - a panic of tantivy is no Exception, and all are told
            error = traceback.format_exc()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        output.seek(0)
        given.send((value, error, output.read().decode(errors="replace")))
    os._exit(0)
