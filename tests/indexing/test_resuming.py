"""Builds that are interrupted, and what the next one still has to embed."""

import errno
import os
import signal
import subprocess
import sys

import pytest
from indexing.building import source_with
from stores.building import quick_folder
from support import HANGS_S, QUICK, run_apart, write_notes

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.errors import IndexUnusable, NoIndex
from ragqa.indexing import refresh
from ragqa.indexing.adding import KEPT
from ragqa.stores import open_store
from ragqa.stores.disk import stepping
from ragqa.stores.saved import SAVED_ANEW
from ragqa.types import Filters

NOTES = 40
TOGETHER = 8
CANARIES = 2
SAVING = f"write {SAVED_ANEW}"

KILLED = """
import os, signal, sys
from pathlib import Path
from indexing.building import source_with
from ragqa.embedders.hashed import HashedEmbedder
from ragqa.indexing import adding, refresh
from ragqa.stores import open_store
from ragqa.stores.disk import stepping
adding.SAVED_TOGETHER = int(sys.argv[2])
seen = []
def kill(name):
    seen.append(name)
    if seen.count("write saved-embeddings-anew") == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
source = source_with(Path(sys.argv[1]), HashedEmbedder(32))
with stepping(kill):
    refresh(open_store(source.index), source)
"""


@pytest.fixture(autouse=True)
def save_often(monkeypatch):
    monkeypatch.setattr("ragqa.indexing.adding.SAVED_TOGETHER", TOGETHER)


@pytest.fixture
def folder():
    with quick_folder() as folder:
        filler = "Words that are in all of them. " * 12
        notes = {f"{n}.md": f"# N{n}\n\nNote {n}. {filler}\n" for n in range(NOTES)}
        write_notes(folder / "notes", notes)
        yield folder


def build(folder, **options):
    """Bring the index up to date; gives how many passages of notes were embedded for it."""
    embedder = HashedEmbedder(32, salt=options.pop("salt", ""))
    source = source_with(folder, embedder)
    refresh(open_store(source.index), source, **options)
    return embedder.embedded - CANARIES


def interrupted_at(number, name=SAVING, error=KeyboardInterrupt):
    """Raise an error at the step of this name that comes as the number-th."""
    seen = []

    def interrupt(step):
        seen.append(step)
        if step == name and seen.count(name) == number:
            raise error

    return stepping(interrupt)


def interrupt(folder, number, **options):
    with interrupted_at(number), pytest.raises(KeyboardInterrupt) as caught:
        build(folder, **options)
    return getattr(caught.value, "__notes__", [])


def saved_file(folder):
    return folder / "index" / SAVED_ANEW


def test_a_build_that_was_killed_goes_on_where_it_stopped(folder):
    program = [sys.executable, "-c", KILLED, str(folder), str(TOGETHER), "4"]
    path = {"PYTHONPATH": ":".join(sys.path)}
    killed = subprocess.run(program, env=path, capture_output=True, check=False, timeout=HANGS_S)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(NoIndex):
        open_store(folder / "index").snapshot()
    assert build(folder) == NOTES - 3 * TOGETHER
    assert not saved_file(folder).exists()


def test_an_interrupted_rebuild_goes_on_but_takes_nothing_from_the_old_index(folder):
    assert build(folder) == NOTES
    assert interrupt(folder, 3, rebuild=True) == [KEPT]
    assert build(folder, rebuild=True) == NOTES - 2 * TOGETHER
    assert build(folder, rebuild=True) == NOTES


def test_a_resumed_build_answers_like_one_that_was_not_interrupted(folder):
    interrupt(folder, 4)
    build(folder)
    resumed = open_store(folder / "index").snapshot()
    build(folder, rebuild=True)
    whole = open_store(folder / "index").snapshot()
    query = HashedEmbedder(32).embed_query("note 7").pooled
    everything = (query, NOTES, Filters())
    assert resumed.dense(*everything) == whole.dense(*everything)
    resumed.close()
    whole.close()


def test_progress_begins_at_what_was_saved(folder):
    interrupt(folder, 5)
    told = []
    build(folder, progress=lambda *said: told.append(said))
    embedding = [(done, total) for stage, done, total in told if stage == "embedding"]
    assert embedding[0][0] > 0.75 * embedding[0][1]
    assert embedding == sorted(embedding)
    assert embedding[-1][0] == embedding[-1][1]


def test_an_interruption_before_anything_was_saved_promises_nothing(folder):
    assert interrupt(folder, 1) == []
    assert build(folder) == NOTES


def test_a_damaged_file_costs_what_it_held_and_nothing_more(folder):
    interrupt(folder, 5)
    content = bytearray(saved_file(folder).read_bytes())
    content[len(content) // 2] ^= 1
    saved_file(folder).write_bytes(content)
    assert NOTES - 4 * TOGETHER < build(folder) < NOTES
    assert not saved_file(folder).exists()


def test_a_full_disk_is_told_and_the_next_build_goes_on(folder):
    full = OSError(errno.ENOSPC, "No space left on device")
    with interrupted_at(4, error=full), pytest.raises(IndexUnusable, match="disk full"):
        build(folder)
    assert build(folder) == NOTES - 3 * TOGETHER


def test_a_commit_that_fails_loses_no_embedding(folder):
    broken = OSError(errno.EIO, "Input/output error")
    failing = interrupted_at(1, "replace CURRENT", broken)
    with failing, pytest.raises(IndexUnusable, match="Input/output"):
        build(folder)
    assert build(folder) == 0


def test_ctrl_c_tells_that_what_was_embedded_is_kept(tmp_path):
    notes = write_notes(tmp_path / "notes", {"a.md": "# A\n\nThe only note.\n"})
    program = tmp_path / "sitecustomize.py"
    program.write_text(
        "from ragqa.stores import disk\n"
        "def interrupt(name):\n"
        "    if name == 'replace CURRENT':\n"
        "        raise KeyboardInterrupt\n"
        "disk._hook = interrupt\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    run = run_apart(
        *("index", "--corpus", notes, "--index", tmp_path / "index"),
        env=QUICK | {"PYTHONPATH": path},
    )
    assert run.code == 130
    assert run.err.splitlines() == [KEPT, "Interrupted; nothing half-written is left."]
