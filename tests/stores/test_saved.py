"""Saved embeddings on the disk: whatever became of them, what is intact is found."""

import errno
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores.building import FRUIT, INFO, commit, embedding, quick_folder
from support import trying

from ragqa.stores.disk import stepping
from ragqa.stores.local.store import LocalStore
from ragqa.stores.saved import MAX_BATCH, SAVED, SYNC_BYTES, SavedEmbeddings

BATCHES = ((1, 2, 3), (4,), (5, 6))
HEADER_BYTES = 57
VECTORS = {key: embedding(str(key)) for keys in BATCHES for key in keys}


def opened(root):
    return SavedEmbeddings(root / SAVED, INFO.embedder, "float32")


def save_all(root):
    """Save all batches; gives where in the file each ends."""
    root.mkdir(exist_ok=True)
    saved = opened(root)
    ends = []
    for keys in BATCHES:
        saved.add(keys, np.array([VECTORS[key] for key in keys]))
        ends.append((root / SAVED).stat().st_size)
    saved.close()
    return ends


def kept(root):
    """The keys that are found again, each with its own embedding."""
    saved = opened(root)
    found = saved.vectors(VECTORS)
    saved.close()
    assert len(found) == len(saved)
    assert all(np.array_equal(vector, VECTORS[key]) for key, vector in found.items())
    return set(found)


def before(place, ends):
    """The keys of the batches that end there or before."""
    return {key for keys, end in zip(BATCHES, ends, strict=True) if end <= place for key in keys}


@trying(60)
@given(data=st.data())
def test_a_file_that_was_cut_off_keeps_its_whole_batches_and_grows_again(data):
    with quick_folder() as root:
        ends = save_all(root)
        size = data.draw(st.integers(0, ends[-1]))
        os.truncate(root / SAVED, size)
        assert kept(root) == before(size, ends)
        assert save_all(root)
        assert kept(root) == set(VECTORS)


@trying(60)
@given(data=st.data())
def test_a_damaged_byte_costs_its_batch_and_those_after_it(data):
    with quick_folder() as root:
        ends = save_all(root)
        place = data.draw(st.integers(0, ends[-1] - 1))
        content = bytearray((root / SAVED).read_bytes())
        content[place] ^= data.draw(st.integers(1, 255))
        (root / SAVED).write_bytes(content)
        assert kept(root) == (before(place, ends) if place >= HEADER_BYTES else set())
        save_all(root)
        assert kept(root) == set(VECTORS)


def not_ours(path):
    path.write_bytes(b"mine" * 100_000)


def endless(path):
    with path.open("wb") as file:
        file.truncate(2**40)


def a_link(path):
    path.with_name("elsewhere").write_text("mine")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "make", [not_ours, endless, a_link, os.mkfifo, lambda path: path.write_bytes(b"")]
)
def test_what_is_no_such_file_is_replaced(tmp_path, make):
    make(tmp_path / SAVED)
    assert kept(tmp_path) == set()
    save_all(tmp_path)
    assert kept(tmp_path) == set(VECTORS)
    assert not (tmp_path / SAVED).is_symlink()
    elsewhere = tmp_path / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_text() == "mine"


def test_a_folder_of_that_name_stays_and_stops_no_build(store, root):
    (root / SAVED).mkdir()
    with store.writer(fresh=False, wait=False) as writer:
        assert writer.resume(INFO.embedder, "float32") == 0
        writer.save([1], VECTORS[1][None])
        assert writer.commit(INFO).generation == 2
    assert (root / SAVED).is_dir()


def test_an_endless_tail_behind_whole_batches_is_not_read(tmp_path):
    ends = save_all(tmp_path)
    os.truncate(tmp_path / SAVED, 2**40)
    assert kept(tmp_path) == before(ends[-1], ends)


def test_what_is_no_embedding_is_not_given_back(tmp_path):
    saved = opened(tmp_path)
    saved.add([1, 2, 3], np.stack([VECTORS[1], VECTORS[2] * np.nan, VECTORS[3] * 2]))
    saved.close()
    assert kept(tmp_path) == {1}


def test_many_embeddings_at_once_are_saved_and_seen_to_the_disk_now_and_then(tmp_path):
    embedder = replace(INFO.embedder, dimension=256)
    count = MAX_BATCH + 1
    vectors = np.tile(np.eye(1, 256, dtype=np.float32), (count, 1))
    saved, steps = SavedEmbeddings(tmp_path / SAVED, embedder, "float32"), []
    with stepping(steps.append):
        saved.add(range(count), vectors)
        saved.add([-1], vectors[:1])
    saved.close()
    assert vectors.nbytes > SYNC_BYTES
    assert steps == [f"write {SAVED}", f"begin {SAVED}", f"sync {SAVED}", f"write {SAVED}"]
    again = SavedEmbeddings(tmp_path / SAVED, embedder, "float32")
    again.close()
    assert len(again) == count + 1


def test_a_batch_that_was_written_by_half_is_no_batch(tmp_path, monkeypatch):
    saved = opened(tmp_path)
    saved.add([1], VECTORS[1][None])

    def by_half(descriptor, data, place, write=os.pwrite):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(write(descriptor, data[: len(data) // 2], place))
        return written[0]

    written = []
    with monkeypatch.context() as patch:
        patch.setattr("ragqa.stores.saved.os.pwrite", by_half)
        with pytest.raises(OSError, match="No space"):
            saved.add([2], VECTORS[2][None])
    assert kept(tmp_path) == {1}
    saved.add([4], VECTORS[4][None])
    saved.close()
    assert kept(tmp_path) == {1, 4}


def test_that_it_cannot_be_removed_is_no_reason_to_fail_a_commit(root):
    def refuse(name):
        if name == f"remove {SAVED}":
            raise PermissionError(errno.EPERM, "no")

    save_all(root.parent)
    store = LocalStore(root.parent)
    with stepping(refuse):
        assert commit(store, FRUIT[0]).generation == 1
    assert kept(root.parent) == set(VECTORS)
