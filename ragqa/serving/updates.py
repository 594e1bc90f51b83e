"""Keeps the index of a server up to date: watches the notes, and runs `ragqa index` on a change.

A build loads torch and keeps the processor busy, which would slow down every answer meanwhile and
cost half a gigabyte for good, so it has a process of its own.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

from watchfiles import watch

from ragqa.api import Index
from ragqa.config import Loaded, Origin
from ragqa.errors import IndexUnusable, NoCorpus, RagqaError, WriterBusy
from ragqa.index.source import Source
from ragqa.safe import safe_line
from ragqa.types import Waiting, counted

logger = logging.getLogger("ragqa")

RETRY_S, RETRY_FAILED_S = 5.0, 60.0
"""Pauses before a failed update is tried again: if another process was writing, and otherwise."""

LEAVE_S = 5.0
"""How long the end of the server waits for an update to stop."""

_GLANCE_S = 0.2
"""How often the progress of an update is looked up."""

_QUIET_MS, _LONGEST_MS = 400, 3_000
"""How long a folder must be quiet before a change is reported, and how long a burst may last."""

_LOOK_MS, _LOOKS = 1_000, 60
"""How long a watch that hears nothing waits, and after how many of these waits it ends."""

_POLL_S = 10.0
"""How often notes are walked that cannot be watched."""


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


class Updates:
    """Two threads: one watches the notes, the other updates the index when they have changed.

    :param index: of its own, of which it reads what has changed.
    :param then: called after each look, and after the update if there is one.
    :ivar freshness: how current the index is.
    :ivar settled: is set unless an update is wanted or runs.
    """

    def __init__(self, loaded: Loaded, index: Index, then: Callable[[], None]) -> None:
        self.freshness, self.settled = Freshness(), threading.Event()
        self._loaded, self._index, self._then = loaded, index, then
        self._stop, self._wanted, self._is_damaged = threading.Event(), threading.Event(), False
        self._threads = [
            threading.Thread(target=work, name=f"ragqa-{name}", daemon=True)
            for name, work in (("update", self._keep_fresh), ("watch", self._watch))
        ]
        self.settled.set()

    def start(self) -> None:
        """Update the index now, and follow the notes from now on."""
        self.settled.clear()
        self._wanted.set()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End an update that runs; the old index stays."""
        self._stop.set()
        self._wanted.set()
        # Ctrl-C during an import can leave Python's import lock locked for all other threads, so
        # none is waited for without end; they end with the process.
        for thread in self._threads:
            if thread.is_alive():
                thread.join(LEAVE_S)

    def rebuild(self) -> None:
        """Build an index again that is gone or damaged, even if no note has changed."""
        self._is_damaged = True
        self._wanted.set()

    def _watch(self) -> None:
        for _ in changes(self._index.source, self._stop):
            self._wanted.set()

    def _keep_fresh(self) -> None:
        # The child inherits it: Ctrl-C is for the server, which ends the child.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        pause = None
        while True:
            self._wanted.wait(pause)
            self._wanted.clear()
            if self._stop.is_set():
                return
            self.settled.clear()
            try:
                self._update()
                self.freshness, pause = Freshness(datetime.now().astimezone()), None
            except Exception as exc:  # noqa: BLE001 - the next change is still to be followed
                unexpected = f"{type(exc).__name__}: {exc}"
                problem = exc.message if isinstance(exc, RagqaError) else unexpected
                logger.warning("the index could not be updated: %s", problem)
                self.freshness = Freshness(self.freshness.updated, problem=problem)
                pause = RETRY_S if isinstance(exc, WriterBusy) else RETRY_FAILED_S
            finally:
                self.settled.set()

    def _update(self) -> None:
        """Run `ragqa index` if there is anything to read, or the index cannot be opened."""
        self.freshness = Freshness(self.freshness.updated, "looking for changes")
        try:
            is_due = self._is_damaged or self._has_changes()
        except RagqaError:
            is_due = True
        if is_due:
            self._is_damaged = False
            run_index(self._loaded, self._tell_embedded, ended=self._stop.is_set)
        self._then()

    def _has_changes(self) -> bool:
        """Whether there is anything to read; how much is noted in the freshness."""
        ahead = self._index.ahead()
        if ahead.files:
            running = f"{counted(ahead.files, 'file')} to read"
            waiting = ahead if ahead.is_long else None
            self.freshness = replace(self.freshness, running=running, waiting=waiting)
        is_long = ahead.is_long or self._index.info().not_embedded
        return bool(is_long or self._index.pending())

    def _tell_embedded(self) -> None:
        """Note in the freshness how many passages a running update has embedded."""
        if building := self._index.building():
            files, _, _ = self.freshness.running.partition(";")
            running = f"{files}; {counted(building.embedded, 'passage')} embedded so far"
            self.freshness = replace(self.freshness, running=running)


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
    command = [sys.executable, "-P", "-m", "ragqa", "index", "--in-parts", "--json", *places]
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
        errors = (line for line in printed.splitlines() if line.startswith("error: "))
        kind = WriterBusy if child.returncode == WriterBusy.exit_code else IndexUnusable
        raise kind(next(errors, last).removeprefix("error: "), hint="ragqa index")


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
