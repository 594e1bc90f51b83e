"""What the tests of spread embedding share: a cluster, and a driver that something befalls."""

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import HANGS_S, QUICK, run_apart, write_notes

NODES = Path(__file__).with_name("nodes.py")
FILLER = "Words that are in all of them. " * 12

DRIVER = """
import os, signal, subprocess
from pathlib import Path
from ragqa.indexing import building
from ragqa.stores.local.writer import LocalWriter

building.SAVED_TOGETHER, building.CHUNK_PASSAGES = 4, 8
befallen = Path({befallen!r})

def processes():
    lines = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True).stdout
    for line in lines.splitlines():
        pid, parent, args = line.split(None, 2)
        yield int(pid), int(parent), args

def note(text):
    with befallen.open("a") as file:
        file.write(text + "\\n")

saved, save = 0, LocalWriter.save
def befall(writer, *embeddings):
    global saved
    saved += 1
    act(saved)
    save(writer, *embeddings)
LocalWriter.save = befall
"""
"""What is run at the start of the driver; `act` is told how often embeddings were saved."""


@dataclass(frozen=True)
class Nodes:
    """A cluster of two nodes: where it is, and the process that is the second one."""

    address: str
    second: int
    token: dict[str, str]

    @property
    def option(self):
        return f"--workers=ray:127.0.0.1:{self.address.rpartition(':')[2]}"


@pytest.fixture(scope="module")
def nodes(own_home, tmp_path_factory):
    """Two nodes of a core each."""
    complaints = tmp_path_factory.mktemp("nodes") / "stderr.txt"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with (
        complaints.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, str(NODES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | token,
            text=True,
        ) as process,
    ):
        line = process.stdout.readline()
        assert line, complaints.read_text()
        said = json.loads(line)
        yield Nodes(said["address"], said["second"], token)
        process.stdin.close()
        process.wait(HANGS_S)


@pytest.fixture
def notes(tmp_path):
    """Sixty short notes, of a passage each."""
    texts = {f"{n}.md": f"# N{n}\n\nNote {n}. {FILLER}\n" for n in range(60)}
    return write_notes(tmp_path / "notes", texts)


@pytest.fixture
def index_with(tmp_path, notes):
    """Build an index of the notes by the command line, with something that befalls the driver.

    Gives the run and what `note` was told.
    """

    def run(name, *options, env=None, act="", cwd=None):
        befallen = tmp_path / f"{name}-befallen"
        befallen.touch()
        folder = tmp_path / f"{name}-driver"
        folder.mkdir(exist_ok=True)
        program = DRIVER.format(befallen=str(befallen)) + (act or "def act(saved): pass\n")
        (folder / "sitecustomize.py").write_text(program)
        # An empty entry would be the folder that the command is run in.
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
        done = run_apart(
            *("index", "--corpus", notes, "--index", tmp_path / name, *options),
            env=QUICK | {"PYTHONPATH": path} | (env or {}),
            cwd=cwd,
        )
        return done, befallen.read_text().splitlines()

    return run
