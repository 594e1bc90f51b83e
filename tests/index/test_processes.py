"""Several processes, other users, and disks that fail."""

import errno
import hashlib
import subprocess
import sys
import textwrap

import pytest
from index.building import answers, ask, commit, entry
from support import HANGS_S, IMPORT_ALL

from ragqa.errors import IndexNotWritable, IndexUnusable
from ragqa.index import Store
from ragqa.index.database import Database

NEW = entry("new.md", "apple banana")
PRELUDE = (
    IMPORT_ALL
    + """
import os, signal, sys
from pathlib import Path
import concurrent.futures.thread, faiss, numpy
from ragqa.errors import RagqaError
from ragqa.index import Store
from index.building import FRUIT, INFO, answers, commit, entry
store = Store(Path(sys.argv[1]))
def as_nobody():
    import_all("ragqa.index.local")
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
def attempt(act):
    try:
        print("done", act())
    except RagqaError as exc:
        print(type(exc).__name__, exc.message, "|", exc.hint)
"""
)


def child(root, code, **kwargs):
    """Start a process that works on this index."""
    program = PRELUDE + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(root)],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def output_of(root, code):
    with child(root, code) as process:
        out, err = process.communicate(timeout=HANGS_S)
    assert err == ""
    return out


def test_a_second_process_is_turned_away_or_waits_for_its_turn(store, root):
    writing = """
        with store.writer(fresh=False, wait=False) as writer:
            writer.save(FRUIT[0].passages[:2], FRUIT[0].vectors[:2])
            print("locked", flush=True)
            sys.stdin.readline()
            writer.commit(INFO, removed=["one.md"])
    """
    second = """
        def write(wait):
            with store.writer(fresh=False, wait=wait) as writer:
                return writer.commit(INFO, removed=["empty.md"]).generation
        attempt(lambda: write(False))
        print("waiting", flush=True)
        attempt(lambda: write(True))
    """
    with child(root, writing) as first:
        assert first.stdout.readline() == "locked\n"
        assert store.building().embedded == 2
        with child(root, second) as other:
            assert other.stdout.readline().startswith("WriterBusy another process is writing")
            assert other.stdout.readline() == "waiting\n"
            first.communicate("go on\n", timeout=HANGS_S)
            assert other.communicate(timeout=HANGS_S)[0] == "done 3\n"
    assert answers(store)[2].keys() == {"ml/two.md", "ml/deep/three.md"}
    assert store.building() is None


def names(root):
    return sorted(path.name for path in root.iterdir() if "sqlite-" not in path.name)


def test_an_index_that_may_only_be_read_answers_and_cannot_be_written(store, root):
    before = hashlib.sha256(repr(answers(store)).encode()).hexdigest()
    make_readable(root)
    state = names(root)
    reading = """
        as_nobody()
        import hashlib
        print(hashlib.sha256(repr(answers(store)).encode()).hexdigest())
        attempt(lambda: commit(store, FRUIT[0]))
        attempt(lambda: commit(store, FRUIT[0], fresh=True))
    """
    found, refused, again = output_of(root, reading).splitlines()
    assert found == before
    for line in (refused, again):
        assert line.startswith(f"IndexNotWritable cannot write the index in {root}: Permission")
        assert "--index DIR" in line
    assert names(root) == state


def make_readable(root):
    root.parent.chmod(0o755)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_an_index_that_may_not_be_read_is_unusable_and_not_missing(store, root):
    make_readable(root)
    (root / "index.sqlite").chmod(0)
    reading = "as_nobody(); attempt(lambda: answers(store))"
    assert output_of(root, reading).startswith("IndexNotReadable")
    root.chmod(0)
    assert "Permission denied" in output_of(root, reading)


def test_a_file_system_without_locks_is_told(root, monkeypatch):
    def no_locks(descriptor, operation):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr("ragqa.index.disk.fcntl.flock", no_locks)
    with pytest.raises(IndexUnusable, match="cannot be locked: no locks here"):
        commit(Store(root), NEW)


def test_a_file_system_without_shared_memory_is_told(root, monkeypatch):
    connect = Database._connect

    def without(database, how, *, writing):
        return connect(database, f"{how}&vfs=unix-dotfile", writing=writing)

    monkeypatch.setattr(Database, "_connect", without)
    with pytest.raises(IndexNotWritable, match="no shared memory") as caught:
        commit(Store(root), NEW)
    assert "--index DIR" in caught.value.hint


def test_beside_a_writer_each_snapshot_is_wholly_of_one_generation(store, root):
    rewriting = """
        print("writing", flush=True)
        for number in range(2, 22):
            commit(store, *(entry(f"{place}.md", f"apple of round{number}") for place in "abc"))
    """
    commit(store, *(entry(f"{place}.md", "apple of round1") for place in "abc"), fresh=True)
    found = {}
    with child(root, rewriting) as writer:
        assert writer.stdout.readline() == "writing\n"
        while not found or writer.poll() is None:
            with store.snapshot() as snapshot:
                legs = ask(snapshot, "apple")
                texts = [
                    [p.text for p in snapshot.passages([id_ for id_, _ in leg])] for leg in legs
                ]
                found[snapshot.info.generation] = texts
    assert writer.returncode == 0
    for dense, terms in found.values():
        assert len(dense) == len(terms) == 3
        assert len({*dense, *terms}) == 1
