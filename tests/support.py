"""What tests of the command line share."""

import json
import os
import pty
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from ragqa.types import Answer, Citation, EmbedderInfo, IndexInfo

CORPUS = Path(__file__).parent.parent / "corpus"
QUICK = {"RAGQA_EMBEDDER": "hashed:64"}
"""The environment in which ragqa needs no model."""
HANGS_S = 600
"""What takes longer hangs, however busy the machine is; nothing waits for this otherwise."""


def write_notes(folder, notes):
    """Write notes by name into a folder, all of one old date; gives the folder."""
    for name, text in notes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def command():
    """The installed `ragqa` next to the Python that runs the tests."""
    found = shutil.which("ragqa", path=str(Path(sys.executable).parent))
    assert found, "ragqa is not installed next to the Python that runs the tests"
    return found


@dataclass(frozen=True)
class Run:
    """What one run of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


def run_ragqa(*args, cwd=None, env=None, **kwargs):
    """Run the installed command in a process of its own."""
    if "input" not in kwargs:
        kwargs.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(
        [command(), *map(str, args)],
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
    """What a command prints on a terminal so wide."""
    leader, follower = pty.openpty()
    ioctl(follower, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = os.environ | QUICK | {"TERM": "xterm-256color"} | (env or {})
    environment.pop("COLUMNS", None)
    with subprocess.Popen(
        [command(), *args], stdin=follower, stdout=follower, stderr=follower, env=environment
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
    citation = Citation(1, path, lines, chars, tuple(heading), quote, "5" * 64, 0.9)
    given = {"answered": True, "confidence": 0.7, "citations": (citation,), "hits": ()} | more
    return Answer(question=question, backend="extractive", text=text, info=INFO, **given)
