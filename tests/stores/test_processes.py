"""Several processes, other users, and disks that fail."""

import errno
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing

import pytest
from stores.building import answers, ask, commit, entry
from support import HANGS_S, IMPORT_ALL

from ragqa.errors import IndexNotWritable, IndexUnusable
from ragqa.stores.disk import explaining_failure, unusable
from ragqa.stores.local.store import LocalStore

NEW = entry("new.md", "apple banana")

PRELUDE = (
    IMPORT_ALL
    + """
import os, signal, sys
from pathlib import Path
import concurrent.futures.thread, faiss, numpy
from ragqa.errors import RagqaError
from ragqa.stores.local.store import LocalStore
from stores.building import FRUIT, INFO, answers, commit, entry
store = LocalStore(Path(sys.argv[1]))
def as_nobody():
    import_all("ragqa.stores")
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
            print("locked", flush=True)
            sys.stdin.readline()
            writer.remove(["one.md"])
            writer.commit(INFO)
    """
    second = """
        def write(wait):
            with store.writer(fresh=False, wait=wait) as writer:
                writer.remove(["empty.md"])
                return writer.commit(INFO).generation
        attempt(lambda: write(False))
        print("waiting", flush=True)
        attempt(lambda: write(True))
    """
    with child(root, writing) as first:
        assert first.stdout.readline() == "locked\n"
        with child(root, second) as other:
            assert other.stdout.readline().startswith("WriterBusy another process is writing")
            assert other.stdout.readline() == "waiting\n"
            first.communicate("go on\n", timeout=HANGS_S)
            assert other.communicate(timeout=HANGS_S)[0] == "done 3\n"
    assert answers(store)[2].keys() == {"ml/two.md", "ml/deep/three.md"}


def test_a_killed_writer_leaves_no_lock_and_no_trace(store, root):
    before = answers(store)
    killing = """
        with store.writer(fresh=False, wait=False) as writer:
            entry("x.md", "apple").put(writer)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert output_of(root, killing) == ""
    assert list(root.glob("*.tmp"))
    assert answers(store) == before
    assert commit(store, NEW).generation == 2
    assert not list(root.glob("*.tmp"))


def test_an_index_that_may_only_be_read_answers_and_cannot_be_written(store, root):
    make_readable(root)
    before = answers(store)
    reading = """
        as_nobody()
        found = answers(store)
        print(len(found[1]), len(found[2]), store.problems())
        attempt(lambda: commit(store, FRUIT[0]))
        attempt(lambda: commit(store, FRUIT[0], fresh=True))
    """
    lines = output_of(root, reading).splitlines()
    assert lines[0] == f"{len(before[1])} {len(before[2])} []"
    for line in lines[1:]:
        assert line.startswith(f"IndexNotWritable cannot write the index in {root}: Permission")
        assert "--index DIR" in line


def make_readable(root):
    root.parent.chmod(0o755)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_an_index_that_may_not_be_read_is_unusable_and_not_missing(store, root):
    make_readable(root)
    (root / "gen-000001/catalogue.sqlite").chmod(0)
    reading = "as_nobody(); attempt(lambda: answers(store))"
    assert output_of(root, reading).startswith("IndexUnusable")
    root.chmod(0)
    assert "Permission denied" in output_of(root, reading)


def test_a_place_where_no_folder_can_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    store = LocalStore(tmp_path / "file" / "index")
    with pytest.raises(IndexUnusable, match="Not a directory"):
        commit(store, NEW)
    with pytest.raises(IndexUnusable, match="Not a directory"):
        store.snapshot()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL])
def test_a_file_system_without_locks_is_told(root, monkeypatch, number):
    def no_locks(descriptor, operation):
        raise OSError(number, "no locks here")

    monkeypatch.setattr("ragqa.stores.local.lock.fcntl.flock", no_locks)
    with pytest.raises(IndexUnusable, match="cannot be locked: no locks here"):
        commit(LocalStore(root), NEW)


def test_a_catalogue_that_the_system_does_not_let_sqlite_write_is_no_damaged_index(store, root):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    refused = pytest.raises(IndexNotWritable, match=r"cannot write the index in .*: disk I/O error")
    with refused, explaining_failure(root, lambda: 1):
        raise unusable(root / "gen-000002.tmp" / "catalogue.sqlite", error) from error


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
            with closing(store.snapshot()) as snapshot:
                legs = ask(snapshot, "apple")
                texts = [
                    [p.text for p in snapshot.passages([id_ for id_, _ in leg])] for leg in legs
                ]
                found[snapshot.info.generation] = texts
    assert writer.returncode == 0
    for dense, terms in found.values():
        assert len(dense) == len(terms) == 3
        assert len({*dense, *terms}) == 1
