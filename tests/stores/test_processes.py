"""Several processes, other users and full disks."""

import errno
import shutil
import subprocess
import sys
import textwrap

import pytest
from stores.building import FRUIT, answers, commit, entry

from ragqa.errors import IndexUnusable
from ragqa.stores.local import LocalStore

NEW = entry("new.md", "apple banana")

# All is imported while the child may still read Python's own files, which may be root's alone.
PRELUDE = """
import os, resource, signal, sys
from pathlib import Path
import concurrent.futures.thread, faiss, numpy
from ragqa.errors import RagqaError
from ragqa.stores.local import LocalStore
from stores.building import FRUIT, INFO, answers, commit, entry
store = LocalStore(Path(sys.argv[1]))
def as_nobody():
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
def attempt(act):
    try:
        print("done", act())
    except RagqaError as exc:
        print(type(exc).__name__, exc.message, "|", exc.hint)
"""


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
        out, err = process.communicate(timeout=60)
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
            first.communicate("go on\n", timeout=60)
            assert other.communicate(timeout=60)[0] == "done 3\n"
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


def test_readers_see_whole_generations_while_a_writer_commits(store, root):
    """Each generation holds one note more than the one before, and says so in all three parts."""
    writing = """
        for place in range(25):
            commit(store, entry(f"new{place:02}.md", f"apple number{place}"))
    """
    seen = set()
    with child(root, writing) as writer:
        while writer.poll() is None:
            _, passages, notes = answers(store)
            new = {path for path in notes if path.startswith("new")}
            assert {passage.path for passage in passages} >= new
            assert notes.keys() - new == {each.note.path for each in FRUIT}
            seen.add(len(new))
        assert writer.stderr.read() == ""
    assert len(seen) > 2
    assert len(answers(store)[2]) == 29


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

    monkeypatch.setattr("ragqa.stores.generations.fcntl.flock", no_locks)
    with pytest.raises(IndexUnusable, match="cannot be locked: no locks here"):
        commit(LocalStore(root), NEW)


@pytest.mark.parametrize("limit", [1, 600, 5_000, 20_000, 50_000, 200_000])
def test_a_file_that_may_not_grow_is_a_full_disk_and_the_old_index_stays(store, root, limit):
    before = answers(store)
    writing = f"""
        many = [entry(f"n{{i}}.md", f"w{{i}} " * 50, f"v{{i}} " * 50) for i in range(1500)]
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        for fresh in (False, True):
            attempt(lambda: commit(store, *many, fresh=fresh))
    """
    for line in output_of(root, writing).splitlines():
        assert line.startswith("IndexNotWritable disk full: a new generation of the index in")
        assert "needs about" in line
    assert not list(root.glob("*.tmp"))
    assert answers(store) == before
    assert store.problems() == []


@pytest.mark.parametrize("kilobytes", [64, 300, 900])
def test_a_full_disk_is_told_and_the_old_index_stays(tmp_path, kilobytes):
    """On a small file system of its own, where the machine lets one be mounted."""
    mounted = ["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "ragqa-test", str(tmp_path)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        store = LocalStore(tmp_path / "index")
        commit(store, *FRUIT)
        before = answers(store)
        fill(tmp_path / "ballast", leave=kilobytes * 1000)
        many = [entry(f"n{i}.md", f"w{i} " * 50, f"v{i} " * 50) for i in range(1500)]
        with pytest.raises(IndexUnusable, match=r"disk full: .* needs about"):
            commit(store, *many)
        assert answers(store) == before
        assert not list((tmp_path / "index").glob("*.tmp"))
        (tmp_path / "ballast").unlink()
        assert commit(store, NEW).notes == 5
    finally:
        unmount = ["/bin/umount", "-l", str(tmp_path)]
        subprocess.run(unmount, check=True)


def fill(path, leave):
    path.write_bytes(bytes(max(0, shutil.disk_usage(path.parent).free - leave)))
