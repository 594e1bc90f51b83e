"""What tests of the command line share."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent.parent / "corpus"
QUICK = {"RAGQA_EMBEDDER": "hashed:64"}
"""The environment in which ragqa needs no model."""


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
        timeout=120,
        check=False,
        **kwargs,
    )
    out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return Run(done.returncode, out, err)
