"""Refreshing the terms of a large index, where the old files are linked and changed."""

import errno
import os
import resource
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from stores.building import EVERYTHING, FRUIT, INFO, answers, ask, commit, entry, expected

from ragqa.errors import IndexNotWritable, IndexUnusable
from ragqa.stores.disk import explaining_failure
from ragqa.stores.local.store import LocalStore
from ragqa.stores.local.terms import dead_passages, write_terms

QUESTION = "apple banana cherry fig"


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def found_ids(store, filters=EVERYTHING):
    with closing(store.snapshot()) as snapshot:
        return [sorted(id_ for id_, _ in leg) for leg in ask(snapshot, QUESTION, filters=filters)]


def test_a_linked_refresh_finds_what_a_rebuilt_index_finds(root, long_lived_terms):
    store, kept = LocalStore(root), {}
    for place in range(20):
        changes = [
            entry(f"n{place % 7}.md", f"apple word{place}", "banana fig"),
            *FRUIT[: place % 3],
        ]
        removed = [f"n{(place + 3) % 7}.md"]
        kept = {path: each for path, each in kept.items() if path not in removed}
        kept |= {each.note.path: each for each in changes}
        rebuilt = LocalStore(root.with_name(f"rebuilt-{place}"))
        info = replace(commit(rebuilt, *kept.values()), generation=place + 1)
        assert commit(store, *changes, remove=removed) == info
        assert found_ids(store) == found_ids(rebuilt)
        with closing(store.snapshot()) as ours, closing(rebuilt.snapshot()) as theirs:
            assert ours.idf(["appl", "fig"]) == pytest.approx(theirs.idf(["appl", "fig"]))
    assert store.problems() == []


def test_a_linked_refresh_leaves_the_old_generation_as_it_was(store, root, long_lived_terms):
    before, old = contents(root / "gen-000001"), answers(store)
    with closing(store.snapshot()) as snapshot:
        commit(store, entry("one.md", "fig"), remove=["ml/two.md"])
        assert snapshot.notes() == old[2]
    assert contents(root / "gen-000001") == before
    shared = {
        path.name for path in (root / "gen-000002/terms").iterdir() if path.stat().st_nlink == 2
    }
    assert any(name.endswith(".idx") for name in shared)
    assert not {"meta.json", ".managed.json"} & shared
    (root / "CURRENT").write_text("gen-000001\n")
    assert answers(LocalStore(root)) == old


def test_where_files_cannot_be_linked_they_are_copied(store, root, long_lived_terms, monkeypatch):
    def no_links(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    commit(store, entry("one.md", "fig"))
    assert store.problems() == []
    assert {path.stat().st_nlink for path in (root / "gen-000002/terms").iterdir()} == {1}


def test_a_new_stamp_alone_changes_neither_terms_nor_vectors(store, root):
    with store.writer(fresh=False, wait=False) as writer:
        writer.restamp("one.md", FRUIT[1].note.stamp, settled=True)
        writer.commit(INFO)
    old, new = root / "gen-000001", root / "gen-000002"
    assert (old / "vectors.faiss").stat().st_ino == (new / "vectors.faiss").stat().st_ino
    assert contents(old / "terms").keys() >= {
        path.name for path in (new / "terms").iterdir() if path.stat().st_nlink == 2
    }


@pytest.mark.parametrize("failing", ["pathlib.Path.symlink_to", "tempfile.mkdtemp"])
def test_without_a_place_for_links_the_terms_are_read_where_they_are(store, monkeypatch, failing):
    def no_place(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = answers(store)
    monkeypatch.setattr(failing, no_place)
    assert answers(store) == before


@pytest.mark.parametrize(("share", "dead"), [(1.0, 1), (0.1, 0)])
def test_terms_are_written_anew_when_many_passages_are_dead(root, monkeypatch, share, dead):
    monkeypatch.setattr("ragqa.stores.local.writer.REWRITE_BELOW", 0)
    monkeypatch.setattr("ragqa.stores.local.writer.MAX_DEAD_SHARE", share)
    store = LocalStore(root)
    commit(store, *FRUIT)
    commit(store, remove=["ml/deep/three.md"])
    assert dead_passages(root / "gen-000002/terms") == dead


def test_scores_after_a_refresh_of_a_small_index_are_those_of_a_rebuild(store, root):
    rebuilt = LocalStore(root.with_name("rebuilt"))
    commit(store, entry("one.md", "apple fig " * 9), remove=["ml/two.md"])
    commit(rebuilt, entry("one.md", "apple fig " * 9), FRUIT[2], FRUIT[3])
    assert answers(store) == answers(rebuilt)


def test_passages_longer_than_a_length_byte_holds_score_as_the_formula_says(root):
    store = LocalStore(root)
    long = [entry(f"{n}.md", "apple " + "fig " * n) for n in (1, 38, 39, 40, 41, 57, 150, 1100)]
    commit(store, *long)
    with closing(store.snapshot()) as snapshot:
        terms = snapshot.terms(["appl"], 50, EVERYTHING)
    by_formula = expected(long, "apple")[1]
    assert [id_ for id_, _ in terms] == [id_ for id_, _ in by_formula]
    assert dict(terms) == pytest.approx(dict(by_formula), rel=1e-5)


@contextmanager
def files_of_at_most(size):
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


@pytest.mark.parametrize("size", [1, 1_000])
def test_terms_that_may_not_grow_are_a_full_disk(root, size):
    """Other files meet such a limit first where a whole index is built."""
    root.mkdir()
    words = " ".join(f"word{place}" for place in range(2_000))
    passages = [(1, passage) for passage in entry("many.md", words).passages]
    refused = pytest.raises(IndexNotWritable, match="disk full")
    with refused, files_of_at_most(size), explaining_failure(root, lambda: 2_000):
        write_terms(root, passages)


def alter(path, before, after):
    """Change a file as a bad disk does: its size and time stay."""
    data, times = path.read_bytes(), path.stat()
    assert data.count(before) >= 1
    path.write_bytes(data.replace(before, after))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_damage_below_links_is_not_sealed_as_sound(store, root, long_lived_terms):
    alter(root / "gen-000001/catalogue.sqlite", b"grape", b"grapf")
    commit(store, entry("new.md", "apple"))
    assert any("catalogue.sqlite" in problem for problem in store.problems())


def test_damage_is_refused_where_files_cannot_be_linked(store, root, long_lived_terms, monkeypatch):
    def no_links(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    alter(root / "gen-000001/catalogue.sqlite", b"grape", b"grapf")
    with pytest.raises(IndexUnusable, match=r"catalogue\.sqlite was changed"):
        commit(store, entry("new.md", "apple"))


def test_terms_are_not_written_anew_from_a_damaged_catalogue(store, root, monkeypatch):
    monkeypatch.setattr("ragqa.stores.local.writer.REWRITE_BELOW", 0)
    monkeypatch.setattr("ragqa.stores.local.writer.MAX_DELTA_SHARE", 9)
    alter(root / "gen-000001/catalogue.sqlite", b"grape", b"grapf")
    with pytest.raises(IndexUnusable, match=r"catalogue\.sqlite was changed"):
        commit(store, remove=["one.md"])


def test_embeddings_are_not_taken_over_from_a_damaged_file(store, root, long_lived_terms):
    path = root / "gen-000001/vectors.faiss"
    alter(path, path.read_bytes()[-4:], b"\1\2\3\4")
    key = FRUIT[0].passages[0].embedding_key
    with (
        store.writer(fresh=False, wait=False) as writer,
        pytest.raises(IndexUnusable, match=r"vectors\.faiss was changed"),
    ):
        writer.vectors([key])
