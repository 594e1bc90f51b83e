"""The only package that prints: results go to stdout, everything else to stderr."""

import json
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from io import TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, Self

from msgspec import to_builtins
from rich.console import Console
from rich.text import Text
from rich.theme import Theme

from ragqa.errors import RagqaError
from ragqa.safe import safe_line, safe_text
from ragqa.types import DOCUMENT_VERSION, JsonShape, NoteList

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Document = dict[str, Any]

_DIGITS = 4
_UNBOUNDED = 1_000_000
READABLE = 110
"""The longest line, in columns, however wide the terminal."""

# ANSI colour names follow the terminal's own palette, light or dark.
THEME = Theme(
    {
        "number": "bold cyan",
        "path": "bold",
        "heading": "dim",
        "match": "bold",
        "short": "bold underline",
        "answer": "underline",
        "code": "cyan",
        "quiet": "dim",
        "warning": "yellow",
        "error": "bold red",
        "good": "green",
    },
    inherit=True,
)

_QUIET_S = 1.0
_LINE_EVERY_S = 5.0
_STAGES = {
    "loading": "Loading the model",
    "starting": "Starting the workers",
    "scanning": "Looking for the words",
    "reading": "Reading notes",
    "splitting": "Splitting notes",
    "embedding": "Embedding notes (kB)",
    "writing": "Writing the index",
    "searching": "Searching notes",
    "indexing": "Indexing documents",
    "asking": "Asking questions",
    "waiting": "Waiting for the LLM",
    "queueing": "Waiting for another process to write the index (passages embedded)",
}
_ANEW = (
    "This index is damaged, or another version of ragqa made it: building it anew from the notes. "
    "The old one is kept until that is done."
)
_IMMEDIATE = ("loading", "starting", "waiting", "queueing")


class _QuietConsole(Console):
    """A console that survives a closed pipe (`| head`) silently, with the same exit code."""

    def on_broken_pipe(self) -> None:
        """Discard the rest of the output."""
        discard_output(self.file)


def stdout() -> Console:
    """The console for results."""
    return _console(sys.stdout)


def stderr() -> Console:
    """The console for progress, warnings and errors."""
    return _console(sys.stderr)


def _console(stream: IO[str]) -> Console:
    if isinstance(stream, TextIOWrapper):
        # What an encoding lacks becomes a question mark.
        stream.reconfigure(errors="replace")
    return _QuietConsole(
        file=stream,
        # On a pipe, one logical line stays one line.
        width=None if stream.isatty() else _UNBOUNDED,
        theme=THEME,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )


def document_of(value: object) -> Any:  # noqa: ANN401 - what JSON has
    """A result as JSON has it: with the keys of its type, else with all its fields."""
    if isinstance(value, Mapping):
        return {name: document_of(of_name) for name, of_name in value.items()}
    if isinstance(value, list | tuple):
        return list(map(document_of, value))
    if keys := getattr(type(value), "JSON", None):
        return dict(_items(value, keys))
    return to_builtins(value, enc_hook=str)  # a path is a text


def _items(result: object, keys: JsonShape) -> Iterator[tuple[str, Any]]:
    """The keys with their values; numbers are rounded."""
    for key, attributes, may_be_null, may_lack in parsed(keys):
        value: Any = result
        for name in attributes:
            value = None if value is None else getattr(value, name)
        if may_lack and value in (None, ""):
            continue
        value = None if may_be_null and value == "" else value
        yield key, round(value, _DIGITS) if isinstance(value, float) else document_of(value)


@cache
def parsed(keys: JsonShape) -> list[tuple[str, list[str], bool, bool]]:
    """Each key, the attributes that lead to its value, whether it may be null, and may lack."""
    pairs = [(name.partition("=")[0], name.rpartition("=")[2]) for name in keys.names.split()]
    null, optional = keys.null.split(), keys.optional.split()
    return [(key, at.split("."), key in null, key in optional) for key, at in pairs]


def list_document(listed: NoteList, *, tags: bool) -> Document:
    """What `ragqa list --json` prints."""
    document: Document = document_of(listed)
    del document["notes" if tags else "tags"]
    return document


def print_document(document: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout."""
    print_as_is(to_json(document) + "\n")


def to_json(document: Mapping[str, Any]) -> str:
    """The document and its version as ASCII JSON, which prints in any locale."""
    versioned = {"version": DOCUMENT_VERSION, **document}
    return json.dumps(versioned, ensure_ascii=True, allow_nan=False, indent=2)


def in_utf8(document: Mapping[str, Any]) -> dict[str, Any]:
    r"""The document with bytes of names that are not UTF-8 as they are shown, such as `\xe9`."""
    text = json.dumps(document, ensure_ascii=False)
    shown = re.sub("[\ud800-\udfff]", lambda lone: "\\" + safe_line(lone[0]), text)
    return dict(json.loads(shown))


def print_as_is(text: str) -> None:
    """Print sanitised text on stdout without styles, links or wrapping."""
    try:
        stream = stdout().file
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        discard_output()


def print_warnings(warnings: Sequence[str]) -> None:
    """Print each warning on stderr, one line each."""
    for warning in warnings:
        put_labelled("warning: ", "warning", warning, console=stderr())


class _Warnings(logging.Handler):
    """Prints log records of the package like any other warning."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        if record.levelno < logging.WARNING:
            say(record.getMessage())
        else:
            print_warnings([record.getMessage()])


def show_logged_warnings() -> None:
    """Print warnings that the package logs from now on; after `--debug`, all that it logs."""
    logger, debug = logging.getLogger("ragqa"), "--debug" in sys.argv
    if not logger.handlers:
        logger.addHandler(_Warnings(logging.DEBUG if debug else logging.WARNING))
        logger.propagate = False
    if debug:
        logger.setLevel(logging.DEBUG)


def print_error(error: RagqaError) -> None:
    """Print the error and its hint on stderr, without API keys that a library may have quoted."""
    from ragqa.llms.servers import without_keys

    put_labelled("error: ", "error", without_keys(error.message), console=stderr())
    if error.hint:
        put_labelled("try: ", "good", without_keys(error.hint), console=stderr())


def say(text: str) -> None:
    """Print on stderr."""
    emit(stderr(), Text(safe_text(text)))


def put(text: Text | str = "", style: str = "", *, indent: int = 0, hang: int = 0) -> None:
    """Print on stdout, like `emit`. A string becomes one safe line; a Text must be sanitised."""
    shown = Text(safe_line(text), style) if isinstance(text, str) else text
    emit(stdout(), shown, indent=indent, hang=hang)


def put_heading(text: str, style: str = "bold") -> None:
    """Print a heading on stdout, below a blank line."""
    put(Text(f"\n{safe_line(text)}", style))


def put_labelled(
    label: str, style: str, text: str, *, indent: int = 0, console: Console | None = None
) -> None:
    """Print a label, sanitised already, and a line of text, wrapped beside the label."""
    line = Text.assemble((label, style), safe_line(text))
    emit(console or stdout(), line, indent=indent, hang=len(label))


def confirm(question: str) -> bool:
    """Ask on stderr and read stdin; return True only for `y` or `yes`."""
    stderr().print(Text(f"{safe_line(question)} [y/N] "), end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def emit(console: Console, text: Text, *, indent: int = 0, hang: int = 0) -> None:
    """Print sanitised text, on a terminal wrapped below its first `hang` columns."""
    if console.is_terminal:
        width = max(1, min(console.width, READABLE) - indent - hang)
        below = [text[:hang] if hang else Text(), Text(" " * hang)]
        wrapped = text[hang:].wrap(console, width)
        lines = [Text.assemble(below[n > 0], line) for n, line in enumerate(wrapped)]
    else:
        lines = list(text.split("\n", allow_blank=True))
    shown = Text("\n").join([Text.assemble(" " * indent, line) for line in lines])
    console.print(shown, soft_wrap=True)


def discard_output(stream: IO[str] | None = None) -> None:
    """Discard output that a stream, by default stdout, cannot accept any more."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, (stream or sys.stdout).fileno())
    os.close(devnull)


class ProgressLine:
    """A `Progress` for a `with` statement; work of less than a second shows nothing.

    :param opening: gives what is printed once, at the first progress report; "" for nothing.
    """

    def __init__(self, *, opening: Callable[[], str] = str) -> None:
        self._opening: Callable[[], str] | None = opening
        self._started = self._last_line = time.monotonic()
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.stop()
        if isinstance(error, KeyboardInterrupt):
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
            opening, self._opening = self._opening(), None
            if opening:
                say(opening)
        if stage == "anew":
            say(_ANEW)
            return
        now = time.monotonic()
        if sys.stderr.isatty():
            # Stages in _IMMEDIATE report once and then take seconds, so show them immediately.
            if stage in _IMMEDIATE or now - self._started >= _QUIET_S:
                self._show(stage, done, total)
            return
        if now - self._last_line >= _LINE_EVERY_S:
            self._last_line = now
            say(f"{_STAGES[stage]}: {done}{f' of {total}' if total else ''}")

    def _show(self, stage: str, done: int, total: int) -> None:
        if self._bar is None:
            from rich import progress as rich

            self._bar = rich.Progress(
                rich.SpinnerColumn(),
                rich.TextColumn("{task.description}", markup=False),
                rich.BarColumn(bar_width=24),
                rich.MofNCompleteColumn(),
                rich.TimeRemainingColumn(),
                console=stderr(),
                transient=True,
            )
            self._bar.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(_STAGES[stage], total=total or None)
        self._bar.update(self._tasks[stage], completed=done, total=total or None)
