"""What tests of the command line share."""

import contextlib
import json
import logging
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from unittest import mock

import pytest
from hashed import COMMAND
from hypothesis import settings

from ragqa.cli import main
from ragqa.passages.plain import with_plain
from ragqa.types import Answer, Citation, EmbedderInfo, IndexInfo, Kind, Unit

CORPUS = Path(__file__).parent.parent / "corpus"
QUICK = {"RAGQA_EMBEDDER": "hashed:64"}
"""The environment in which ragqa needs no model."""
STREAMS = {"stdin": ("r", "strict"), "stdout": ("w", "strict"), "stderr": ("w", "backslashreplace")}
"""The standard streams with their modes, and what Python does about text that it cannot encode."""
FEW = 10
"""The examples of a property that are tried where one does not ask for many."""
HANGS_S = 600
"""What takes longer hangs, however busy the machine is; nothing waits for this otherwise."""
IMPORT_ALL = """
import importlib, pkgutil
def import_all(*packages):
    for name in packages:
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(module.name)
"""
"""For a program that is about to become a user who may not read Python's own files."""


def trying(number, **options):
    """Try so many examples with the profile `ci`; with any other a tenth, but at least a few."""
    if settings.get_current_profile_name() != "ci":
        number = min(number, max(FEW, number // 10))
    return settings(max_examples=number, **options)


def write_notes(folder, notes):
    """Write notes by name into a folder, all of one old date; gives the folder."""
    for name, text in notes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


@dataclass(frozen=True)
class Run:
    """What one run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


def run_ragqa(*args, cwd=None, env=None, input=b""):  # noqa: A002 - as subprocess.run names it
    """Run the command in this process, as its entry point runs it in one of its own."""
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in STREAMS]
        files[0].write(input)
        files[0].seek(0)
        stack.enter_context(mock.patch.dict(os.environ, env or {}))
        stack.enter_context(mock.patch.object(sys, "argv", ["ragqa", *map(str, args)]))
        if cwd is not None:
            stack.enter_context(contextlib.chdir(cwd))
        with _as_started(), _standard_streams(files), pytest.raises(SystemExit) as left:
            main()
        for file in files:
            file.seek(0)
        out, err = (file.read().decode("utf-8", "replace") for file in files[1:])
        return Run(left.value.code, out, err)


@contextlib.contextmanager
def _as_started():
    """Loggers, warnings and Ctrl-C as a process finds them; afterwards they are as they were."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    loggers = {name: logging.getLogger(name) for name in ("", "ragqa")}
    before = {name: (one.handlers, one.propagate) for name, one in loggers.items()}
    for logger in loggers.values():
        logger.handlers, logger.propagate = [], True
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for name, logger in loggers.items():
            logger.handlers, logger.propagate = before[name]
        signal.signal(signal.SIGINT, interrupt)


@contextlib.contextmanager
def _standard_streams(files):
    """Let these files be the standard streams, also for libraries that write to descriptors."""
    with contextlib.ExitStack() as stack:
        for number, file in enumerate(files):
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
        for number, (name, (mode, errors)) in enumerate(STREAMS.items()):
            stream = stack.enter_context(
                open(number, mode, encoding="utf-8", errors=errors, closefd=False)
            )
            stack.enter_context(mock.patch.object(sys, name, stream))
        yield


def run_apart(*args, cwd=None, env=None, **kwargs):
    """Run the command in a process of its own, for tests of what only that has."""
    if "input" not in kwargs:
        kwargs.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(
        [*COMMAND, *map(str, args)],
        capture_output=True,
        cwd=cwd,
        env=os.environ | (env or {}),
        timeout=HANGS_S,
        check=False,
        **kwargs,
    )
    out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return Run(done.returncode, out, err)


def on_terminal(*args, columns=80, env=None):
    """What a command prints on a terminal so wide, read as it comes: a full one would stop it."""
    leader, follower = pty.openpty()
    ioctl(follower, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = os.environ | QUICK | {"TERM": "xterm-256color"} | (env or {})
    environment.pop("COLUMNS", None)
    with subprocess.Popen(
        [*COMMAND, *args], stdin=follower, stdout=follower, stderr=follower, env=environment
    ):
        os.close(follower)
        pieces = []
        while True:
            try:
                piece = os.read(leader, 65_536)
            except OSError:
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(leader)
    return b"".join(pieces).decode("utf-8")


INFO = IndexInfo(
    1, EmbedderInfo("hashed:64", "", 64, 256, "mean"), "float32", (), {}, 1, 1, "n", ""
)


def make_answer(
    *, question="what?", text="It is. [1]", path="a.md", heading=(), quote="It is.", **more
):
    """An answer with one citation."""
    lines, chars = (3, 3 + quote.count("\n")), (7, 7 + len(quote))
    units = tuple(with_plain(f"{chars[0] * ' '}{quote}", [Unit(Kind.PARAGRAPH, *chars)]))
    citation = Citation(1, path, lines, chars, tuple(heading), quote, "5" * 64, 0.9, units=units)
    given = {"answered": True, "confidence": 0.7, "citations": (citation,), "hits": ()} | more
    return Answer(question=question, backend="extractive", text=text, info=INFO, **given)
