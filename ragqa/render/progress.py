"""Progress on stderr: on a terminal a bar with rate and time left, else a line every 5 s."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragqa.render.screen import say, stderr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_QUIET_S = 1.0
_LINE_EVERY_S = 5.0
_STAGES = {
    "loading": "Loading the model",
    "starting": "Starting the workers",
    "reading": "Reading notes",
    "splitting": "Splitting notes",
    "embedding": "Embedding notes (kB)",
    "writing": "Writing the index",
    "searching": "Searching notes",
    "indexing": "Indexing documents",
    "asking": "Asking questions",
    "waiting": "Waiting for the LLM",
    "queueing": "Waiting for another process to write the index (passages embedded)",
    "verifying": "Checking files",
    "repairing": "Embedding passages",
}
_ANEW = (
    "This index was made by another version of ragqa: building it anew from the notes. The old one "
    "is kept until that is done."
)
_IMMEDIATE = ("loading", "starting", "waiting", "queueing")
_WITH_RATE = ("embedding", "repairing", "indexing", "asking")


class ProgressLine:
    """A `Progress` for a `with` statement; work of less than a second shows nothing.

    :param opening: printed once, at the first progress report.
    """

    def __init__(self, *, opening: str = "") -> None:
        self._opening = opening
        self._started = self._last_line = time.monotonic()
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._first_seen: dict[str, tuple[float, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if kind is KeyboardInterrupt:
            for note in getattr(error, "__notes__", ()):
                say(note)

    def stop(self) -> None:
        """Remove the bar, to make way for other output."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._tasks = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show the progress of a stage."""
        if self._opening:
            say(self._opening)
            self._opening = ""
        if stage == "anew":
            say(_ANEW)
            return
        now = time.monotonic()
        if sys.stderr.isatty():
            # Stages in _IMMEDIATE report once and then take seconds, so show them immediately.
            if stage in _IMMEDIATE or now - self._started >= _QUIET_S:
                self._show(stage, done, total)
            return
        self._first_seen.setdefault(stage, (now, done))
        if now - self._last_line >= _LINE_EVERY_S:
            self._last_line = now
            of = f" of {total}" if total else ""
            say(f"{_STAGES[stage]}: {done}{of}{self._rate_and_time(stage, done, total, now)}")

    def _rate_and_time(self, stage: str, done: int, total: int, now: float) -> str:
        """The rate since the first report of the stage, and the time left at that rate."""
        began, before = self._first_seen[stage]
        if total <= 1 or now - began < _QUIET_S or done <= before:
            return ""
        rate = (done - before) / (now - began)
        return f" ({rate:.0f}/s, {(total - done) / rate:.0f} s left)"

    def _show(self, stage: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = _new_bar()
            self._bar.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(_STAGES[stage], total=total or None, rate="")
        task = self._tasks[stage]
        speed = self._bar.tasks[task].speed
        rate = f"{speed:.0f}/s" if speed and stage in _WITH_RATE else ""
        self._bar.update(task, completed=done, total=total or None, rate=rate)


def _new_bar() -> "Progress":
    from rich import progress as rich

    return rich.Progress(
        rich.SpinnerColumn(),
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(bar_width=24),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[rate]}", markup=False),
        rich.TimeRemainingColumn(),
        console=stderr(),
        transient=True,
    )
