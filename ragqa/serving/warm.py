"""One index kept open and up to date, for many questions."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from ragqa.api import Index, index_from
from ragqa.config import Loaded
from ragqa.errors import IndexUnusable, NoIndex, NotIndexed, OtherFormat, RagqaError, WriterBusy
from ragqa.generation import Writer
from ragqa.indexing import LONG_S
from ragqa.serving.recent import Recent
from ragqa.serving.updating import update
from ragqa.serving.watching import changes
from ragqa.types import Waiting

T = TypeVar("T")

logger = logging.getLogger("ragqa")

PATIENCE_S = 2.0
"""How long a question waits for a running update before it takes the index as it is."""

RETRY_S = 5.0
"""After this, an index is tried again that another process was writing."""

RETRY_FAILED_S = 60.0
"""The same where it could not be updated: the disk may have room again."""

DEADLINE_S = 60.0
"""How long a call may wait for the index, and then have it."""

LEAVE_S = 5.0
"""How long the end of the server waits for an update to stop."""


class NotReady(NoIndex):
    """The first index is still being built."""


class Overdue(RagqaError):
    """A call waited for the index, or had it, for too long."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far an update is: as `Progress` reports it."""

    name: str
    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.name}, {self.done} of {self.total}"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How current the index is.

    `updated` is when it was last brought up to date, None if not since the start; `running` is the
    update that runs now, and `waiting` what it reads, if that takes long; `problem` is why the last
    one failed, "" if it did not.
    """

    updated: datetime | None = None
    running: Stage | None = None
    problem: str = ""
    waiting: Waiting | None = None


class WarmIndex:
    """An index for many threads: questions wait for each other, updates run beside them.

    A question sees one generation of the index, and of it only passages that its notes still hold,
    so no answer mixes two states.

    :ivar writer: the LLM that writes answers, None for none.
    :ivar recent: the latest answers that it wrote.
    """

    def __init__(self, loaded: Loaded, writer: Writer | None = None) -> None:
        self.loaded = loaded
        self.writer = writer
        self.recent = Recent()
        self._index = index_from(loaded)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._wanted = threading.Event()
        self._freshness = Freshness()
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        :raises Overdue: others had the index for too long, or `work` has.
        :raises RagqaError: there is no index, since building it failed; or as `work` does.
        """
        self._settled.wait(patience_s)
        if not self._lock.acquire(timeout=DEADLINE_S):
            raise Overdue("other questions are still being answered", hint="ask again later")
        try:
            if self._index.kept.is_shared:
                self._index.close()
            self._tell_waiting(self._index)
            return self._in_time(work)
        except (NoIndex, OtherFormat) as exc:
            raise self._why_none(exc) from exc
        finally:
            self._lock.release()

    def _in_time(self, work: Callable[[Index], T]) -> T:
        """Call `work` with the index in a thread of its own.

        No thread can be ended from outside. One that is late keeps the index that it has, and
        closes it when it is done; whoever comes next gets another.

        :raises Overdue: it takes too long.
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
        self._index = index_from(self.loaded)
        self._index.source = index.source
        done.add_done_callback(lambda _: index.close())
        raise Overdue(
            f"this took longer than {limit:g} seconds, and was given up",
            hint="ask something narrower",
        )

    @contextmanager
    def apart(self) -> Iterator[Index]:
        """A second index on the same files and models, for what takes long: nobody waits for it.

        :raises RagqaError: as `use` does.
        """
        self._settled.wait(PATIENCE_S)
        with index_from(self.loaded) as index:
            index.source = self._index.source
            self._tell_waiting(index)
            try:
                yield index
            except (NoIndex, OtherFormat) as exc:
                raise self._why_none(exc) from exc

    def _tell_waiting(self, index: Index) -> None:
        """Let the index say what it does not have yet; no command is needed to read it."""
        index.waiting, index.update_with = self._freshness.waiting, ""

    def _why_none(self, exc: RagqaError) -> RagqaError:
        freshness = self._freshness
        if freshness.running:
            soon = freshness.waiting.time if freshness.waiting else "a few seconds"
            return NotReady(
                f"the index is being built: {freshness.running}", hint=f"ask again in {soon}"
            )
        if freshness.problem:
            return IndexUnusable(
                f"the index could not be built: {freshness.problem}", hint="ragqa index"
            )
        if self._index.kept.is_shared or isinstance(exc, NotIndexed):
            return exc
        self._wanted.set()
        return NotReady("the index is gone, and is built again", hint="ask again in a few seconds")

    def _keep_fresh(self) -> None:
        """Update when something changed, until the end."""
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
            except RagqaError as exc:
                self._failed(exc.message)
                pause = RETRY_S if isinstance(exc, WriterBusy) else RETRY_FAILED_S
            except Exception as exc:  # noqa: BLE001 - the next change is still to be followed
                self._failed(f"{type(exc).__name__}: {exc}")
                pause = RETRY_FAILED_S
            finally:
                self._settled.set()

    def _update(self) -> None:
        self._freshness = Freshness(self._freshness.updated, Stage("looking for changes", 0, 1))
        if not self._has_changes():
            return
        report = update(
            self.loaded.settings, self.loaded.places, self._progress, ended=self._stop.is_set
        )
        if report is not None:
            with self._lock:
                self._index.close()

    def _has_changes(self) -> bool:
        with self._lock:
            self._index.close()
            try:
                ahead = self._index.ahead()
                if ahead.seconds > LONG_S:
                    self._freshness = replace(self._freshness, waiting=ahead)
                    return True
                pending = self._index.pending()
            except RagqaError:
                return True
            return bool(pending)

    def _progress(self, stage: str, done: int, total: int) -> None:
        self._freshness = replace(self._freshness, running=Stage(stage, done, total))

    def _failed(self, problem: str) -> None:
        logger.warning("the index could not be updated: %s", problem)
        self._freshness = Freshness(self._freshness.updated, problem=problem)

    def _watch(self) -> None:
        folders = [folder for _, folder in self.loaded.places.corpus.prefixed]
        while not self._stop.is_set():
            try:
                for _ in changes(folders, self._stop):
                    self._wanted.set()
            except (OSError, RuntimeError) as exc:
                logger.warning("%s cannot be watched: %s", self.loaded.places.corpus, exc)
                self._stop.wait(RETRY_S)
