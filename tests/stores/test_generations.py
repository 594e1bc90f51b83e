"""The folder of an index: what it holds, what `CURRENT` may say, and what interruptions leave."""

import errno
import json
import shutil
from contextlib import closing

import pytest
from stores.building import INFO, QUESTIONS, answers, ask, commit, entry

from ragqa.errors import IndexNotReadable, IndexUnusable, NoIndex
from ragqa.stores.local.manifest import FORMAT
from ragqa.stores.local.store import LocalStore

NEW = entry("new.md", "apple banana cherry", "fig date")


def names(root):
    return sorted(path.name for path in root.iterdir())


def test_an_index_is_a_lock_a_pointer_and_its_generation(store, root):
    assert names(root) == ["CURRENT", "LOCK", "gen-000001"]
    assert (root / "CURRENT").read_text() == "gen-000001\n"
    generation = root / "gen-000001"
    parts = ["catalogue.sqlite", "manifest.json", "rows.npy", "terms", "vectors.faiss"]
    assert names(generation) == parts
    manifest = json.loads((generation / "manifest.json").read_text())
    assert manifest["format"] == FORMAT
    assert (
        manifest["files"]["vectors.faiss"]["size"] == (generation / "vectors.faiss").stat().st_size
    )


def test_the_last_two_generations_are_kept(store, root):
    for _ in range(3):
        commit(store, NEW)
    assert names(root) == ["CURRENT", "LOCK", "gen-000003", "gen-000004"]


def test_reading_writes_nothing(store, root):
    before = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    answers(store)
    assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == before


def test_leftovers_of_a_killed_writer_are_cleared_and_their_numbers_not_mixed_up(store, root):
    shutil.copytree(root / "gen-000001", root / "gen-000002.tmp")
    shutil.copytree(root / "gen-000001", root / "gen-000007")
    (root / "CURRENT.tmp").write_text("gen-0000")
    before = answers(store)
    with store.writer(fresh=False, wait=False):
        assert names(root) == ["CURRENT", "LOCK", "gen-000001"]
    assert answers(store) == before
    assert commit(store, NEW).generation == 2


def test_what_ragqa_did_not_put_there_is_left_alone(store, root):
    (root / "gen-12").mkdir()
    (root / "notes.tmp").write_text("mine")
    (root / "gen-000009").symlink_to("gen-000001")
    for _ in range(3):
        commit(store, NEW)
    assert {"gen-12", "notes.tmp"} <= set(names(root))
    assert answers(store)[2].keys() >= {"new.md"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"gen-1",
        b"gen-000001\n\n",
        b" gen-000001",
        b"gen-000001/../gen-000001",
        b"../index/gen-000001",
        b"/etc",
        b"gen-000002",
        b"gen-000001.tmp",
        "gen-00000١".encode(),
        b"gen-000001" + 10_000 * b"1",
    ],
)
def test_a_pointer_to_anything_but_a_generation_is_refused(store, root, content):
    (root / "CURRENT").write_bytes(content)
    with pytest.raises(IndexUnusable, match="CURRENT") as caught:
        store.snapshot()
    assert caught.value.hint == "ragqa doctor --repair"
    assert len(store.problems()) == 1
    with pytest.raises(IndexUnusable), store.writer(fresh=False, wait=False):
        pytest.fail("a refresh on top of nothing known")
    assert commit(store, NEW, fresh=True).generation > 1
    assert store.problems() == []


def test_a_pointer_or_generation_that_is_a_link_is_refused(store, root):
    (root / "gen-000002").symlink_to("gen-000001")
    (root / "CURRENT").write_text("gen-000002\n")
    with pytest.raises(IndexUnusable, match="does not exist"):
        store.snapshot()
    (root / "elsewhere").write_text("gen-000001\n")
    (root / "CURRENT").unlink()
    (root / "CURRENT").symlink_to("elsewhere")
    with pytest.raises(IndexUnusable, match="CURRENT"):
        store.snapshot()


def test_a_folder_without_a_pointer_has_no_index(store, root):
    (root / "CURRENT").unlink()
    with pytest.raises(NoIndex):
        store.snapshot()


def test_a_renamed_generation_is_refused(store, root):
    (root / "gen-000001").rename(root / "gen-000004")
    (root / "CURRENT").write_text("gen-000004")
    with pytest.raises(IndexUnusable, match="generation 1"):
        store.snapshot()


def test_a_generation_that_vanishes_while_it_is_opened_is_tried_again(store, monkeypatch):
    def read_late(root, *, read=LocalStore.snapshot.__globals__["generations"].current):
        name = read(root)
        if not late:
            late.append(name)
            for _ in range(3):
                commit(LocalStore(root), NEW)
        return name

    late = []
    monkeypatch.setattr("ragqa.stores.local.store.generations.current", read_late)
    with closing(store.snapshot()) as snapshot:
        assert late == ["gen-000001"]
        assert snapshot.info.generation == 4


def test_questions_give_different_answers_so_that_the_comparison_means_something(store):
    with closing(store.snapshot()) as snapshot:
        assert len({str(ask(snapshot, question)) for question in QUESTIONS}) == len(QUESTIONS)
    assert INFO.generation == 0


def test_a_lost_pointer_is_damage_where_generations_are_there(store, root):
    commit(store, NEW)
    (root / "CURRENT").unlink()
    with pytest.raises(IndexUnusable, match="CURRENT is missing") as caught:
        store.snapshot()
    assert caught.value.hint == "ragqa doctor --repair"


def test_what_an_interrupted_writer_left_is_cleared_without_a_change(store, root):
    shutil.copytree(root / "gen-000001", root / "gen-000002.tmp")
    with store.writer(fresh=False, wait=False):
        (root / "gen-000003.tmp").mkdir()
        store.tidy()
        assert (root / "gen-000003.tmp").is_dir(), "while a writer is at work it stays"
    (root / "gen-000003.tmp").mkdir()
    store.tidy()
    assert names(root) == ["CURRENT", "LOCK", "gen-000001"]


def test_a_file_that_the_system_will_not_open_is_not_taken_for_damaged(store, root, monkeypatch):
    def too_many(path, *args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("ragqa.stores.local.manifest.os.open", too_many)
        with pytest.raises(IndexNotReadable, match="Too many open files"):
            store.snapshot()
    assert store.problems() == []
