"""One index kept open and up to date, for many questions.

The folder is watched, and a process of its own updates the index: a build loads torch and keeps the
processor busy, which would slow down every answer meanwhile and cost half a gigabyte for good.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Self, TypeVar

from anyio import CapacityLimiter, fail_after, to_thread
from watchfiles import watch

from ragqa import errors
from ragqa.api import Index
from ragqa.config import Loaded, Origin
from ragqa.errors import Hint, IndexUnusable, NoCorpus, NoIndex, RagqaError
from ragqa.generation.answer import Writer
from ragqa.index.source import Source
from ragqa.safe import safe_line
from ragqa.types import Answer, Filters, Waiting, counted

T = TypeVar("T")

logger = logging.getLogger("ragqa")

PATIENCE_S = 2.0
"""How long a question waits for a running update before it takes the index as it is."""

RETRY_S, RETRY_FAILED_S = 5.0, 60.0
"""Pauses before a failed update is tried again: if another process was writing, and otherwise."""

DEADLINE_S = 60.0
"""How long a request may take."""

_GLANCE_S = 0.2
"""How often the progress of an update is looked up, and whether an index is free."""

_FAILED = "error: "
"""The beginning of the line in which a command says why it failed."""

LEAVE_S = 5.0
"""How long the end of the server waits for an update to stop."""

_QUIET_MS, _LONGEST_MS = 400, 3_000
"""How long a folder must be quiet before a change is reported, and how long a burst may last."""

_LOOK_MS = 1_000
"""How long a watch that hears nothing waits; a watch ends after `_LOOKS` of them."""

_LOOKS = 60
_POLL_S = 10.0
"""How often notes are walked that cannot be watched."""

_GIVEN_UP: ContextVar[threading.Event] = ContextVar("given_up")
"""An event that is set once nobody waits for the work of this thread."""


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
        raise errors.GivenUp(late, hint=Hint("ask something narrower, or later")) from exc
    finally:
        given_up.set()


def given_up() -> Callable[[], bool]:
    """What tells any thread whether nobody waits any more for the work of this one."""
    return _GIVEN_UP.get(threading.Event()).is_set


def check_wanted() -> None:
    """Check that somebody waits for the work of this thread.

    :raises GivenUp: nobody does.
    """
    if given_up()():
        raise errors.GivenUp("this is no longer wanted")


class NotReady(NoIndex):
    """The first index is still being built."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How current the index is.

    `updated` is when it was last brought up to date, None if not since the start; `running` is how
    far the update is that runs now, "" for none, and `waiting` what it reads, if that takes long;
    `problem` is why the last one failed, "" if it did not.
    """

    updated: datetime | None = None
    running: str = ""
    problem: str = ""
    waiting: Waiting | None = None

    @property
    def line(self) -> str:
        """The same in a sentence."""
        if self.running:
            return f"An update is running ({self.running})."
        if self.problem:
            return f"The last update failed: {safe_line(self.problem)}."
        if self.updated:
            return f"Up to date as of {self.updated:%H:%M}."
        return "It is used as it is."


@dataclass
class _Slot:
    """An index that one call has at a time; `is_given_up` tells of the call that has it."""

    index: Index
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_given_up: Callable[[], bool] = lambda: False


class WarmIndex:
    """An index for many threads, which have it one after another.

    A call sees one generation of the index, and of it only passages that its notes still hold, so
    no answer mixes two states. Updates run beside the calls.

    :ivar freshness: how current the index is.
    :ivar writer: the LLM that writes answers, None for none.
    :ivar written: the latest answers that it wrote, by generation of the index, question, filters.
    """

    def __init__(self, loaded: Loaded, writer: Writer | None = None) -> None:
        self.loaded = loaded
        self.writer = writer
        self.written: dict[tuple[str, str, Filters], Answer] = {}
        self._described = Index(loaded)  # all others are on the same files and models
        self._free = self._another()
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._wanted = threading.Event()
        self.freshness = Freshness()
        self._is_damaged = False
        self._threads = [
            threading.Thread(target=work, name=f"ragqa-{name}", daemon=True)
            for name, work in (("update", self._keep_fresh), ("watch", self._watch))
        ]

    def __enter__(self) -> Self:
        if not self._described.kept.is_shared:
            self._wanted.set()
            for thread in self._threads:
                thread.start()
        else:
            self._settled.set()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wanted.set()
        # Ctrl-C during an import can leave Python's import lock locked for all other threads, so
        # none is waited for without end; they end with the process.
        for thread in self._threads:
            if thread.is_alive():
                thread.join(LEAVE_S)
        if self._free.lock.acquire(timeout=LEAVE_S):
            self._free.index.close()

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
        self._settled.wait(patience_s)
        slot = self._another() if apart else self._free
        while not slot.lock.acquire(timeout=_GLANCE_S):
            if slot.is_given_up():
                self._free = self._another()
            slot = self._free
        try:
            slot.is_given_up = given_up()
            check_wanted()
            if slot.index.kept.is_shared:
                slot.index.close()
            return work(slot.index)
        except (NoIndex, errors.NeedsRebuild) as exc:
            self._is_damaged = self._is_damaged or isinstance(exc, errors.NeedsRebuild)
            raise self._why_none(exc) from exc
        finally:
            if self._free is not slot:
                slot.index.close()
            slot.lock.release()

    def _another(self) -> _Slot:
        """An index of its own on the same files and models, which this keeps up to date."""
        embedders, waiting = self._described.source.embedders, lambda: self.freshness.waiting
        return _Slot(Index(
            self.loaded, embedders=embedders, update_with="", waiting=waiting, check=check_wanted,
        ))  # fmt: skip

    def _why_none(self, exc: RagqaError) -> RagqaError:
        now = self.freshness
        if now.running:
            soon = Hint(f"ask again in {'a minute' if now.waiting else 'a few seconds'}")
            return NotReady(f"your notes are being read: {now.running}", hint=soon)
        if now.problem:
            message = f"the index could not be built: {now.problem}"
            return IndexUnusable(message, hint="ragqa index")
        if self._described.kept.is_shared or isinstance(exc, errors.NotIndexed):
            return exc
        self._wanted.set()
        soon = Hint("ask again in a few seconds")
        return NotReady("the index is gone or damaged, and is built again", hint=soon)

    def _keep_fresh(self) -> None:
        """Update when something changed, until the end."""
        # The child inherits it: Ctrl-C is for the server, which ends the child.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        pause = None
        while not self._stop.is_set():
            self._wanted.wait(pause)
            self._wanted.clear()
            if self._stop.is_set():
                return
            self._settled.clear()
            try:
                self._update()
                self.freshness, pause = Freshness(datetime.now().astimezone()), None
            except Exception as exc:  # noqa: BLE001 - the next change is still to be followed
                unexpected = f"{type(exc).__name__}: {exc}"
                problem = exc.message if isinstance(exc, RagqaError) else unexpected
                logger.warning("the index could not be updated: %s", problem)
                self.freshness = Freshness(self.freshness.updated, problem=problem)
                pause = RETRY_S if isinstance(exc, errors.WriterBusy) else RETRY_FAILED_S
            finally:
                self._settled.set()

    def _update(self) -> None:
        """Run `ragqa index` if there is anything to read, or the index cannot be opened."""
        self.freshness = Freshness(self.freshness.updated, "looking for changes")
        with suppress(RagqaError):
            if not (self._is_damaged or self.use(self._has_changes, patience_s=0)):
                return
        self._is_damaged = False
        run_index(self.loaded, self._embedded, ended=self._stop.is_set)
        with suppress(RagqaError):
            self.use(Index.close, patience_s=0)

    def _has_changes(self, index: Index) -> bool:
        """Whether there is anything to read; how much is noted in the freshness."""
        index.close()
        ahead = index.ahead()
        if ahead.files:
            running = f"{counted(ahead.files, 'file')} to read"
            waiting = ahead if ahead.is_long else None
            self.freshness = replace(self.freshness, running=running, waiting=waiting)
        return ahead.is_long or bool(index.pending())

    def _embedded(self) -> None:
        """Note in the freshness how many passages a running update has embedded."""
        if building := self._described.building():
            files, _, _ = self.freshness.running.partition(";")
            running = f"{files}; {counted(building.embedded, 'passage')} embedded so far"
            self.freshness = replace(self.freshness, running=running)

    def _watch(self) -> None:
        for _ in changes(self._described.source, self._stop):
            self._wanted.set()


def run_index(loaded: Loaded, tell: Callable[[], None], *, ended: Callable[[], bool]) -> None:
    """Run `ragqa index --json`, with the places that this process was given.

    :param tell: called several times a second.
    :param ended: asked as often; once it is true the child is stopped, and the old index stays.
    :raises WriterBusy: another process is writing the index.
    :raises IndexUnusable: it could not be written.
    """
    given = {name for name, origin in loaded.origins.items() if origin == Origin.FLAG}
    folders = loaded.places.corpus.folders if "corpus" in given else ()
    places = [f"--corpus={folder}" for folder in folders]
    places += [f"--index={loaded.places.index}"] if "index" in given else []
    command = [sys.executable, "-P", "-m", "ragqa", "index", "--json", *places]
    with Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, text=True) as child:  # noqa: S603 - this program
        while True:
            try:
                _, printed = child.communicate(timeout=_GLANCE_S)
                break
            except TimeoutExpired:
                tell()
            if ended():
                child.terminate()
    if child.returncode and not ended():
        last = f"the process that updates the index ended with code {child.returncode}"
        failed = (line for line in printed.splitlines() if line.startswith(_FAILED))
        why = next(failed, last).removeprefix(_FAILED)
        busy = child.returncode == errors.WriterBusy.exit_code
        raise (errors.WriterBusy if busy else IndexUnusable)(why, hint="ragqa index")


def changes(source: Source, stop: threading.Event) -> Iterator[None]:
    """Yield whenever the notes may have changed, until `stop` is set.

    Each folder of the walk is watched alone: a watch of all below it would follow links out of it.
    What changes before the watch has begun is seen at its first look; where none can begin, now and
    then is a change.
    """
    while not stop.is_set():
        # The notes may be gone, the name of a folder or file no text, or no watches left.
        try:
            heard = watch(
                *source.walk().folders, watch_filter=None, debounce=_LONGEST_MS, step=_QUIET_MS,
                stop_event=stop, rust_timeout=_LOOK_MS, yield_on_timeout=True, debug=False,
                force_polling=False, recursive=False, ignore_permission_denied=True,
            )  # fmt: skip
            with closing(heard):
                for look, found in zip(range(_LOOKS), heard, strict=False):
                    if found or look == 0:
                        yield
                    if found:
                        break
        except (NoCorpus, OSError, ValueError, RuntimeError):
            yield
            stop.wait(_POLL_S)
