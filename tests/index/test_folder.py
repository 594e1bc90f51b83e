"""The folder of an index: what it holds, what reading does to it, and what interruptions leave."""

import errno
import shutil

import pytest
from index.building import FRUIT, answers, commit, entry

from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.index import Store
from ragqa.index.local.local_engine import LocalEngine

NEW = entry("new.md", "apple banana cherry", "fig date")


def state_of(root):
    """Every file and its time, except for what SQLite keeps for readers beside its file."""
    assert not (log := root / "index.sqlite-wal").exists() or log.stat().st_size == 0
    found = {path.name: path.stat().st_mtime_ns for path in root.rglob("*")}
    return {name: time for name, time in found.items() if not name.startswith("index.sqlite-")}


def test_reading_writes_nothing(store, root):
    before = state_of(root)
    answers(store)
    assert state_of(root) == before


def test_what_ragqa_did_not_put_there_is_left_alone(store, root):
    foreign = ["terms-x", "terms-1.old", "vectors-2.txt", "notes.sqlite", "gen-a"]
    for name in foreign:
        (root / name).mkdir()
        (root / name / "mine").write_text("mine")
    (root / "elsewhere").mkdir()
    (root / "elsewhere/mine").write_text("mine")
    (root / "terms-9").symlink_to("elsewhere")
    for fresh in (False, True, False):
        commit(store, NEW, fresh=fresh)
    assert all((root / name / "mine").read_text() == "mine" for name in (*foreign, "elsewhere"))
    assert answers(store)[2].keys() == {"new.md"}


def test_terms_that_are_swept_away_while_an_index_is_opened_are_those_of_another_commit(
    store, monkeypatch, caplog
):
    def open_late(engine, *, opened=LocalEngine.open):
        if not late:
            late.append(commit(Store(store._root), NEW, remove=["one.md"]))
        opened(engine)

    late = []
    monkeypatch.setattr(LocalEngine, "open", open_late)
    with store.snapshot() as snapshot:
        assert snapshot.info.generation == late[0].generation == 2
    assert caplog.messages == []


def test_two_rebuilds_leave_a_file_that_is_hardly_larger(root):
    store = Store(root)
    many = [entry(f"{n}.md", *(f"word{n} w{i} " * 20 for i in range(20))) for n in range(30)]
    commit(store, *many)
    size = (root / "index.sqlite").stat().st_size
    for _ in range(2):
        commit(store, *many, fresh=True)
    assert size > 300_000
    assert (root / "index.sqlite").stat().st_size < 1.25 * size


def test_terms_that_a_killed_writer_left_are_cleared_by_the_next(store, root):
    shutil.copytree(root / "terms-1", root / "terms-7")
    commit(store)
    assert {path.name for path in root.iterdir()} == {"LOCK", "index.sqlite", "terms-1"}


def test_a_file_that_the_system_will_not_open_is_not_taken_for_damaged(store, monkeypatch):
    def too_many(path, *args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.stat", too_many)
        with pytest.raises(IndexNotReadable, match="Too many open files"):
            answers(store)
        with pytest.raises(IndexUnusable):
            commit(store, NEW)
    assert answers(store)[2].keys() == {each.note.path for each in FRUIT}
