"""Convert a file in a child process, which a hostile file may crash or stop."""

import atexit
import json
import os
import sys
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock, Timer
from typing import IO, cast

import msgspec

from ragqa.extras import install_command
from ragqa.notes.extraction.child import MAX_SECONDS
from ragqa.notes.formats import EXTRA, Converted, Document, Format, NotYet, Unfit

MAX_REPLY = 250_000_000

_children: "list[Popen[bytes]]" = []
"""The child, once a file was read; another is started when it has ended."""

_lock = Lock()


def convert(form: Format, data: bytes) -> Document:
    """The document of a file; only what needs a library is read in the child.

    :raises NotYet: the format's extra is not installed.
    :raises Unfit: the file cannot be read.
    """
    if not form.needs:
        return form.convert_here(data)
    if not form.is_installed:
        raise NotYet(f"reading {form.name} needs an extra: {install_command(EXTRA)}")
    with _lock:
        converted = _ask(form.name, data)
    if isinstance(converted, str):
        raise Unfit(converted)
    return converted


def _ask(name: str, data: bytes) -> Converted:
    if _children and _children[0].poll() is not None:
        stop()
    if not _children:
        _children.append(_start())
    process = _children[0]
    timer = Timer(MAX_SECONDS, process.kill)
    timer.start()
    try:
        requests, replies = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        requests.write(json.dumps([name, len(data)]).encode() + b"\n" + data)
        requests.flush()
        return msgspec.json.decode(replies.readline(MAX_REPLY), type=Converted)
    except (OSError, ValueError) as exc:
        late = f"it could not be read within {MAX_SECONDS} seconds"
        why = "reading it crashed the process that reads it" if timer.is_alive() else late
        stop()
        raise Unfit(why) from exc
    except BaseException:
        # Also after Ctrl-C: the next reply would be to this request.
        stop()
        raise
    finally:
        timer.cancel()


@atexit.register
def stop() -> None:
    """End the child, if there is one."""
    while _children:
        process = _children.pop()
        process.kill()
        process.communicate()


def _start() -> "Popen[bytes]":
    # No secret of the environment is the child's; Python finds the same modules.
    path = os.pathsep.join(filter(None, sys.path))
    environment = {"PYTHONPATH": path, "PYTHONUTF8": "1"}
    environment |= {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return Popen(
        [sys.executable, "-P", "-m", "ragqa.notes.extraction.child"],
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the parent
    )
