"""Embedding spread over a Ray cluster: equal to the local build, whatever is killed."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hashed import KNOWS_HASHED
from support import CORPUS, HANGS_S, QUICK, run_apart, write_notes

from ragqa.errors import NoIndex
from ragqa.index import Store
from ragqa.index.refresh import KEPT

pytestmark = pytest.mark.integration

NODES = Path(__file__).with_name("nodes.py")
FILLER = "Words that are in all of them. " * 12

DRIVER = """
import os, signal, subprocess
from pathlib import Path
import ragqa.index.refresh as building
from ragqa.index.writer import IndexWriter

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

saved, save = 0, IndexWriter.save
def befall(writer, *embeddings):
    global saved
    saved += 1
    act(saved)
    save(writer, *embeddings)
IndexWriter.save = befall
"""
"""What is run at the start of the driver; `act` is told how often embeddings were saved."""

LOSSES = """
def act(saved):
    if saved == 2:
        workers = []
        while not workers:  # until it is ready
            workers = [pid for pid, parent, args in processes()
                       if parent == {second} and args.startswith("ray::")]
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        note("killed its workers")
"""

INTERRUPT = """
def act(saved):
    if saved == 2:
        from ray._private.worker import _global_node
        note(_global_node.get_session_dir_path())
        raise KeyboardInterrupt
"""

OBEYED = "from pathlib import Path\nPath(__file__).with_name('obeyed').touch()\n"

OTHER_WEIGHTS = "hashed.VERSION = 2\ndef act(saved): pass\n"


@dataclass(frozen=True)
class Nodes:
    """A cluster of two nodes: where it is, and the process that is the second one."""

    address: str
    second: int
    token: dict[str, str]

    @property
    def options(self):
        return f"--workers=ray:127.0.0.1:{self.address.rpartition(':')[2]}", "--yes"


@pytest.fixture(scope="module")
def nodes(own_home, tmp_path_factory):
    """Two nodes of a core each."""
    folder = tmp_path_factory.mktemp("nodes")
    complaints = folder / "stderr.txt"
    (folder / "sitecustomize.py").write_text(KNOWS_HASHED)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with (
        complaints.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, str(NODES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | token | {"PYTHONPATH": path},
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
        driver = KNOWS_HASHED + DRIVER.format(befallen=str(befallen))
        (folder / "sitecustomize.py").write_text(driver + (act or "def act(saved): pass\n"))
        # An empty entry would be the folder that the command is run in.
        path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
        done = run_apart(
            *("index", "--corpus", notes, "--index", tmp_path / name, *options),
            env=QUICK | {"PYTHONPATH": path} | (env or {}),
            cwd=cwd,
        )
        return done, befallen.read_text().splitlines()

    return run


def embeddings(folder):
    """The embedding of every passage of an index, by its key."""
    with Store(folder).snapshot() as snapshot:
        passages = snapshot.passages(at=[*snapshot.states])
        keys = [each.embedding_key for each in passages]
        return snapshot.info.dtype, snapshot.engine.vectors(keys)


def assert_alike(first, second):
    (_, one), (_, other) = embeddings(first), embeddings(second)
    assert one.keys() == other.keys()
    assert all((one[key] == other[key]).all() for key in one)


def but_progress(run):
    """What was said on stderr beside how far the build was."""
    return [line for line in run.err.splitlines() if not re.search(r": \d+ of \d+", line)]


def processes_of(session):
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if session in line]


def test_workers_with_the_real_model_give_the_local_embeddings(nodes, wiki_index, tmp_path):
    few = tmp_path / "few"
    for path in sorted(CORPUS.rglob("*.md"))[:3]:
        target = few / path.relative_to(CORPUS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    args = ("index", "--corpus", few, "--index", tmp_path / "index", *nodes.options)
    run = run_apart(*args, env=nodes.token)
    assert run.code == 0, run.err
    (dtype, there), (same_dtype, here) = embeddings(tmp_path / "index"), embeddings(wiki_index)
    assert dtype == same_dtype
    assert there.keys() <= here.keys()
    assert min(float(there[key] @ here[key]) for key in there) >= 0.9999


def test_a_node_with_other_weights_is_refused_by_name(nodes, index_with, tmp_path):
    run, _ = index_with("other", *nodes.options, env=nodes.token, act=OTHER_WEIGHTS)
    assert run.code == 4
    assert "a node has other weights of hashed:64" in run.err
    with pytest.raises(NoIndex):
        Store(tmp_path / "other").snapshot().__enter__()


def test_a_killed_worker_ends_the_build_and_the_next_one_goes_on(nodes, index_with, tmp_path):
    losses = LOSSES.format(second=nodes.second)
    lost, befallen = index_with("there", *nodes.options, env=nodes.token, act=losses)
    assert (lost.code, befallen) == (4, ["killed its workers"])
    assert "error: the Ray workers have failed: " in lost.err
    assert "what was embedded is kept" in lost.err
    again, _ = index_with("there", "--json")
    here, _ = index_with("here")
    assert (here.code, again.code) == (0, 0)
    assert again.document["passages"] == 60
    assert_alike(tmp_path / "here", tmp_path / "there")


def test_an_interrupted_build_ends_its_cluster_imports_nothing_near_and_is_gone_on_with(
    index_with, tmp_path
):
    hostile = write_notes(tmp_path / "hostile", {"numpy.py": OBEYED})
    elsewhere = {"RAY_ADDRESS": "ray.example.org:6379"}
    run, (session,) = index_with(
        "index", "--workers", "ray", act=INTERRUPT, cwd=hostile, env=elsewhere
    )
    assert run.code == 130
    assert but_progress(run) == [KEPT, "Interrupted; nothing half-written is left."]
    assert processes_of(session) == []
    assert not Path(session).parent.parent.exists()
    assert [path.name for path in hostile.iterdir()] == ["numpy.py"]
    here, _ = index_with("here")
    again, _ = index_with("index", "--json")
    assert (here.code, again.code) == (0, 0)
    assert_alike(tmp_path / "here", tmp_path / "index")
