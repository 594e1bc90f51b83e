"""One index kept open and up to date, for many questions.

The folder is watched, and a process of its own updates the index: a build loads torch and keeps the
processor busy, which would slow down every answer meanwhile and cost half a gigabyte for good.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import monotonic
from typing import Self, TypeAlias, TypeVar

from anyio import CapacityLimiter, to_thread
from watchfiles._rust_notify import RustNotify

from ragqa import errors
from ragqa.api import Index, index_from
from ragqa.config import Loaded, Places, Settings
from ragqa.errors import Hint, IndexUnusable, NoCorpus, NoIndex, RagqaError
from ragqa.generation import Writer
from ragqa.indexing.source import Source
from ragqa.types import Answer, Filters, IndexReport, Progress, Waiting, counted

T = TypeVar("T")
Message: TypeAlias = tuple[str, int, int] | IndexReport | RagqaError

logger = logging.getLogger("ragqa")

PATIENCE_S = 2.0
"""How long a question waits for a running update before it takes the index as it is."""

RETRY_S, RETRY_FAILED_S = 5.0, 60.0
"""After these, an index is tried again: one that another process was writing, any other."""

DEADLINE_S = 60.0
"""How long a call may wait for the index, and then have it."""

_GLANCE_S = 0.1
"""How often a call that waits for the index looks whether it was given up."""

LEAVE_S = 5.0
"""How long the end of the server waits for an update to stop."""

_QUIET_MS, _LONGEST_MS = 400, 3_000
"""How long a folder must be quiet before a change is reported, and how long a burst may last."""

_POLL_S, _SURE_MS = 1.0, 60_000
"""How often notes are walked that cannot be watched, if that is fast, and those that are."""

_GIVEN_UP: ContextVar[threading.Event] = ContextVar("given_up")
"""Set once nobody waits for what this thread works on."""


async def in_thread(work: Callable[[], T], limiter: CapacityLimiter | None = None) -> T:
    """Work in a thread; if this is cancelled, the work has the index for no further stage."""
    given_up = threading.Event()
    _GIVEN_UP.set(given_up)
    try:
        return await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=True)
    finally:
        given_up.set()


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


class WarmIndex:
    """An index for many threads: questions wait for each other, updates run beside them.

    A question sees one generation of the index, and of it only passages that its notes still hold,
    so no answer mixes two states.

    :ivar writer: the LLM that writes answers, None for none.
    :ivar written: the latest answers that it wrote, by generation of the index, question, filters.
    """

    def __init__(self, loaded: Loaded, writer: Writer | None = None) -> None:
        self.loaded = loaded
        self.writer = writer
        self.written: dict[tuple[str, str, Filters], Answer] = {}
        self._index = index_from(loaded)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._wanted = threading.Event()
        self._freshness = Freshness()
        self._read = 0, 0
        self._threads = [
            threading.Thread(target=work, name=f"ragqa-{name}", daemon=True)
            for name, work in (("update", self._keep_fresh), ("watch", self._watch))
        ]

    def __enter__(self) -> Self:
        if not self._index.kept.is_shared:
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
        # neither is waited for without end; both end with the process.
        for thread in self._threads:
            if thread.is_alive():
                thread.join(LEAVE_S)
        if self._lock.acquire(timeout=LEAVE_S):
            self._index.close()
            self._lock.release()

    @property
    def freshness(self) -> Freshness:
        """How current the index is."""
        return self._freshness

    def use(self, work: Callable[[Index], T], *, patience_s: float = PATIENCE_S) -> T:
        """Call `work` with the index, one call at a time.

        :param work: must not refresh the index.
        :param patience_s: how long to wait for an update that is running.
        :raises NotReady: the first index is still being built.
        :raises GivenUp: others had the index for too long, or `work` has.
        :raises RagqaError: there is no index, since building it failed; or as `work` does.
        """
        given_up = _GIVEN_UP.get(None) or threading.Event()
        self._settled.wait(patience_s)
        end = monotonic() + DEADLINE_S
        while not self._lock.acquire(timeout=_GLANCE_S):
            if given_up.is_set() or monotonic() > end:
                why = "other questions are still being answered"
                raise errors.GivenUp(why, hint=Hint("ask again later"))
        try:
            if self._index.kept.is_shared:
                self._index.close()
            self._lend(self._index, given_up)
            return self._in_time(work, given_up)
        except (NoIndex, errors.OtherFormat) as exc:
            raise self._why_none(exc) from exc
        finally:
            self._lock.release()

    def _in_time(self, work: Callable[[Index], T], given_up: threading.Event) -> T:
        """Call `work` with the index in a thread of its own.

        No thread can be ended from outside. One that is late ends at its next stage, and keeps the
        index that it has until then; whoever comes next gets another.

        :raises GivenUp: it takes too long.
        """
        index, done, limit = self._index, Future[T](), DEADLINE_S

        def call() -> None:
            try:
                done.set_result(work(index))
            except BaseException as exc:  # noqa: BLE001 - it is raised where it is waited for
                done.set_exception(exc)

        threading.Thread(target=call, name="ragqa-call", daemon=True).start()
        wait([done], limit)
        if done.done():
            return done.result()
        given_up.set()
        self._index = index_from(self.loaded)
        self._index.source = index.source
        done.add_done_callback(lambda _: index.close())
        raise errors.GivenUp(
            f"this took longer than {limit:g} seconds, and was given up",
            hint=Hint("ask something narrower"),
        )

    @contextmanager
    def apart(self) -> Iterator[Index]:
        """A second index on the same files and models, for what takes long: nobody waits for it."""
        self._settled.wait(PATIENCE_S)
        with index_from(self.loaded) as index:
            index.source = self._index.source
            self._lend(index, _GIVEN_UP.get(None))
            try:
                yield index
            except (NoIndex, errors.OtherFormat) as exc:
                raise self._why_none(exc) from exc

    def _lend(self, index: Index, given_up: threading.Event | None) -> None:
        """Let the index say what it does not have yet; no command is needed to read it."""
        index.waiting, index.update_with = self._freshness.waiting, ""
        index.given_up = given_up

    def _why_none(self, exc: RagqaError) -> RagqaError:
        freshness = self._freshness
        if freshness.running:
            soon = "a minute" if freshness.waiting else "a few seconds"
            return NotReady(
                f"your notes are being read: {freshness.running}", hint=Hint(f"ask again in {soon}")
            )
        if freshness.problem:
            return IndexUnusable(
                f"the index could not be built: {freshness.problem}", hint="ragqa index"
            )
        if self._index.kept.is_shared or isinstance(exc, errors.NotIndexed):
            return exc
        self._wanted.set()
        return NotReady(
            "the index is gone, and is built again", hint=Hint("ask again in a few seconds")
        )

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
                self._freshness, pause = Freshness(datetime.now().astimezone()), None
            except Exception as exc:  # noqa: BLE001 - the next change is still to be followed
                said = f"{type(exc).__name__}: {exc}"
                problem = exc.message if isinstance(exc, RagqaError) else said
                logger.warning("the index could not be updated: %s", problem)
                self._freshness = Freshness(self._freshness.updated, problem=problem)
                pause = RETRY_S if isinstance(exc, errors.WriterBusy) else RETRY_FAILED_S
            finally:
                self._settled.set()

    def _update(self) -> None:
        self._freshness = Freshness(self._freshness.updated, "looking for changes")
        self._read = 0, 0
        if self._has_changes():
            settings, places = self.loaded.settings, self.loaded.places
            if update(settings, places, self._progress, ended=self._stop.is_set):
                with self._lock:
                    self._index.close()

    def _has_changes(self) -> bool:
        with self._lock:
            self._index.close()
            try:
                ahead = self._index.ahead()
                if ahead.is_long:
                    self._freshness = replace(self._freshness, waiting=ahead)
                    return True
                return bool(self._index.pending())
            except RagqaError:
                return True

    def _progress(self, stage: str, done: int, total: int) -> None:
        """Tell how many of the notes that an update reads are embedded."""
        embedded, notes = self._read
        if stage == "splitting":
            notes = total
        elif stage == "embedding" and total:  # in kilobytes of the same notes
            embedded = notes * done // total
        if notes:
            self._read = embedded, notes
            running = f"{embedded} of {counted(notes, 'note')} so far"
            self._freshness = replace(self._freshness, running=running)

    def _watch(self) -> None:
        for _ in changes(self._index.source, self._stop):
            self._wanted.set()


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
    """What the child does."""

    def say(stage: str, done: int, total: int) -> None:
        pipe.send((stage, done, total))

    # A parent that is gone reads no more; the refresh then ends by itself.
    with suppress(BrokenPipeError), Index(settings, places) as index:
        try:
            pipe.send(index.refresh(progress=say))
        except RagqaError as exc:
            pipe.send(exc)


def changes(source: Source, stop: threading.Event) -> Iterator[None]:
    """Yield at first, and whenever the notes may have changed, until `stop` is set.

    Each folder of the walk is watched alone: a watch of all below it would follow links out of it.
    Where that is impossible, one walk is compared with the next.
    """
    before, heard = None, True
    tops = {f"{folder}/" for _, folder in source.corpus.prefixed}
    while not stop.is_set():
        began, now, watcher = monotonic(), None, None
        # The notes may be gone, the name of a folder no text, or no watches left.
        with suppress(NoCorpus, OSError, ValueError):
            now = source.walk()
            watcher = RustNotify(
                [*now.folders], debug=False, force_polling=False, poll_delay_ms=0, recursive=False,
                ignore_permission_denied=True,
            )  # fmt: skip
            watched, now = now.folders, source.walk()
            if watched != now.folders or not tops.issubset(watched):
                watcher = None
        if heard or now != before:
            yield
        before, heard = now, False
        if watcher is None:
            stop.wait(max(_POLL_S, 10 * (monotonic() - began)))
        else:
            with watcher, suppress(RuntimeError):  # a file whose name is no text
                heard = isinstance(watcher.watch(_LONGEST_MS, _QUIET_MS, _SURE_MS, stop), set)
