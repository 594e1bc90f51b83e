"""One index kept open for many questions, and threads whose work ends once nobody waits for it."""

import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Self, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread

from ragqa.api import Index
from ragqa.config import Loaded
from ragqa.errors import (
    GivenUp,
    Hint,
    IndexUnusable,
    NeedsRebuild,
    NoIndex,
    NotIndexed,
    RagqaError,
)
from ragqa.generation import Writer
from ragqa.serving.updates import LEAVE_S, Freshness, Updates
from ragqa.types import Answer, Filters

T = TypeVar("T")

PATIENCE_S = 2.0
"""How long a question waits for a running update before it takes the index as it is."""

DEADLINE_S = 60.0
"""How long a request may take."""

_GLANCE_S = 0.2
"""How often a call looks whether the one before it was given up."""

_GIVEN_UP: ContextVar[threading.Event] = ContextVar("given_up")


async def in_thread(
    work: Callable[[], T],
    limiter: CapacityLimiter | None = None,
    deadline_s: float | None = DEADLINE_S,
) -> T:
    """Work in a thread; if this is cancelled, the work ends at the next stage of the index.

    :raises GivenUp: it took too long. No thread can be ended from outside.
    """
    given_up = threading.Event()
    _GIVEN_UP.set(given_up)
    try:
        with fail_after(deadline_s):
            return await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
    except TimeoutError as exc:
        late = f"this took longer than {deadline_s:g} seconds, and was given up"
        raise GivenUp(late, hint=Hint("ask something narrower, or later")) from exc
    finally:
        given_up.set()


def given_up() -> threading.Event:
    """What is set once nobody waits any more for the work of this thread."""
    return _GIVEN_UP.get(threading.Event())


def check_wanted() -> None:
    """Check that somebody waits for the work of this thread.

    :raises GivenUp: nobody does.
    """
    if given_up().is_set():
        raise GivenUp("this is no longer wanted")


class NotReady(NoIndex):
    """The first index is still being built."""


@dataclass
class _Slot:
    """An index that one call has at a time; `given_up` is that of the call that has it."""

    index: Index
    lock: threading.Lock = field(default_factory=threading.Lock)
    given_up: threading.Event = field(default_factory=threading.Event)


class WarmIndex:
    """An index for many threads, which have it one after another.

    A call sees one generation of the index, and of it only passages that its notes still hold, so
    no answer mixes two states. In a `with` statement, updates run beside the calls, but not of a
    shared index.

    :ivar updates: what keeps the index up to date.
    :ivar writer: the LLM that writes answers, None for none.
    :ivar written: the latest answers that it wrote, by generation of the index, question, filters.
    """

    def __init__(self, loaded: Loaded, writer: Writer | None = None) -> None:
        self.loaded = loaded
        self.writer = writer
        self.written: dict[tuple[str, str, Filters], Answer] = {}
        self._first = Index(loaded)  # all others are on the same files and models
        self.updates = Updates(loaded, self._first, self._reopen)
        self._free = self._another()

    def __enter__(self) -> Self:
        if not self._first.kept.is_shared:
            self.updates.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.updates.stop()
        if self._free.lock.acquire(timeout=LEAVE_S):
            self._free.index.close()

    @property
    def freshness(self) -> Freshness:
        """How current the index is."""
        return self.updates.freshness

    def use(
        self, work: Callable[[Index], T], *, patience_s: float = PATIENCE_S, apart: bool = False
    ) -> T:
        """Call `work` with the index, one call at a time.

        A call that nobody waits for any more ends at its next stage, and keeps the index that it
        has until then; whoever comes next gets another.

        :param work: must not refresh the index.
        :param patience_s: how long to wait for an update that is running.
        :param apart: give it an index of its own, since it takes long.
        :raises NotReady: the first index is still being built.
        :raises GivenUp: nobody waits for it any more.
        :raises RagqaError: there is no index, since building it failed; or as `work` does.
        """
        self.updates.settled.wait(patience_s)
        slot = self._another() if apart else self._free
        while not slot.lock.acquire(timeout=_GLANCE_S):
            if slot.given_up.is_set():
                self._free = self._another()
            slot = self._free
        try:
            slot.given_up = given_up()
            check_wanted()
            if slot.index.kept.is_shared:
                slot.index.close()
            return work(slot.index)
        except (NoIndex, NeedsRebuild) as exc:
            raise self._why_none(exc) from exc
        finally:
            if self._free is not slot:
                slot.index.close()
            slot.lock.release()

    def _another(self) -> _Slot:
        return _Slot(Index(
            self.loaded, embedders=self._first.source.embedders, update_with="",
            waiting=lambda: self.freshness.waiting, check=check_wanted,
        ))  # fmt: skip

    def _reopen(self) -> None:
        with suppress(RagqaError):
            self.use(Index.close, patience_s=0)

    def _why_none(self, exc: RagqaError) -> RagqaError:
        now = self.freshness
        if now.running:
            soon = Hint(f"ask again in {'a minute' if now.waiting else 'a few seconds'}")
            return NotReady(f"your notes are being read: {now.running}", hint=soon)
        if now.problem:
            message = f"the index could not be built: {now.problem}"
            return IndexUnusable(message, hint="ragqa index")
        if self._first.kept.is_shared or isinstance(exc, NotIndexed):
            return exc
        self.updates.rebuild()
        soon = Hint("ask again in a few seconds")
        return NotReady("the index is gone or damaged, and is built again", hint=soon)
