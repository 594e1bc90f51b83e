"""Bring an index up to date in a process of its own.

A build loads torch and keeps the processor busy. In the server's process it would cost half a
gigabyte for good, and slow down every answer meanwhile.
"""

import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TypeAlias

from ragqa.config import Places, Settings
from ragqa.errors import IndexUnusable, RagqaError
from ragqa.types import IndexReport, Progress

Message: TypeAlias = tuple[str, int, int] | IndexReport | RagqaError


def update(
    settings: Settings, places: Places, progress: Progress, *, ended: Callable[[], bool]
) -> IndexReport | None:
    """Refresh the index in a child process; None if `ended` before it was done.

    :param ended: asked several times a second; once it is true the child is stopped, and the old
        index stays.
    :raises RagqaError: as `Index.refresh` does.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(
        target=_refresh, args=(settings, places, theirs), name="ragqa-update", daemon=True
    )
    child.start()
    theirs.close()
    try:
        while not ended():
            if ours.poll(0.2):
                message: Message = ours.recv()
                if isinstance(message, IndexReport):
                    return message
                if isinstance(message, RagqaError):
                    raise message
                progress(*message)
    except EOFError:
        child.join()
        raise IndexUnusable(
            f"the process that updates the index ended with code {child.exitcode}",
            hint="ragqa index",
        ) from None
    finally:
        child.terminate()
        child.join()
        ours.close()
    return None


def _refresh(settings: Settings, places: Places, pipe: Connection) -> None:
    """What the child does; Ctrl-C is for the server, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from ragqa.api import Index

    def say(stage: str, done: int, total: int) -> None:
        pipe.send((stage, done, total))

    # A parent that is gone reads no more; the refresh then ends by itself.
    with suppress(BrokenPipeError), Index(settings, places) as index:
        try:
            pipe.send(index.refresh(progress=say))
        except RagqaError as exc:
            pipe.send(exc)
