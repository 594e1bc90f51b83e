"""Finding the nearest in a large index: inverted lists, changes beside them, exact filters."""

from contextlib import closing
from dataclasses import replace

import faiss
import numpy as np
import pytest
from stores.building import EVERYTHING, INFO, Entry, commit, entry
from stores.sealing import seal

from ragqa.errors import IndexUnusable
from ragqa.stores.disk import stepping
from ragqa.stores.local.manifest import read_manifest
from ragqa.stores.local.store import LocalStore
from ragqa.types import Filters, Stamp

WIDE = 24
WIDE_INFO = replace(INFO, embedder=replace(INFO.embedder, dimension=WIDE))
TOPICS = 30


@pytest.fixture(autouse=True)
def as_if_large(monkeypatch):
    """Some hundred vectors are treated as many thousands are."""
    monkeypatch.setattr("ragqa.stores.local.writer.REWRITE_BELOW", 0)
    monkeypatch.setattr("ragqa.stores.local.vector_draft.EXACT_UP_TO", 300)
    monkeypatch.setattr("ragqa.stores.local.vector_file.EXHAUSTIVE_UP_TO", 50)


def vectors_around(topics, count, seed):
    chance = np.random.default_rng(seed)
    rows = topics[chance.integers(0, len(topics), count)] + 0.3 * chance.standard_normal(
        (count, WIDE)
    )
    return unit(rows)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def topics(seed):
    return unit(np.random.default_rng(seed).standard_normal((TOPICS, WIDE)))


def notes(vectors, prefix="n", per_note=4):
    """Notes of a few passages each with these vectors; a tenth is rare, half are even."""
    made = []
    for number, start in enumerate(range(0, len(vectors), per_note)):
        rows = vectors[start : start + per_note]
        tags = [*(["rare"] if number % 10 == 0 else []), *(["even"] if number % 2 == 0 else [])]
        plain = entry(f"{prefix}{number}.md", *(f"word{number} w{i}" for i in range(len(rows))))
        tagged = entry(f"{prefix}{number}.md", *(p.text for p in plain.passages), tags=tags)
        made.append(Entry(tagged.note, tagged.passages, rows))
    return made


def exact(entries, query, k):
    """The passage ids nearest to a query, by comparing it with every vector."""
    ids = np.array([p.id for each in entries for p in each.passages])
    scores = np.concatenate([each.vectors for each in entries]) @ query
    return set(ids[np.argsort(-scores)[:k]].tolist())


def found(store, query, k, filters=EVERYTHING):
    with closing(store.snapshot()) as snapshot:
        return [id_ for id_, _ in snapshot.dense(query, k, filters)]


def recall(store, entries, k=10, filters=EVERYTHING):
    queries = vectors_around(topics(1), 40, seed=99)
    return np.mean(
        [len(exact(entries, q, k) & set(found(store, q, k, filters))) / k for q in queries]
    )


@pytest.fixture
def large():
    return notes(vectors_around(topics(1), 1200, seed=2))


@pytest.fixture
def store(root, large):
    store = LocalStore(root)
    commit(store, *large, info=WIDE_INFO)
    return store


def dense_info(store):
    with closing(store.snapshot()) as snapshot:
        return snapshot.info.dense


def test_a_small_index_compares_every_vector(root):
    entries = notes(vectors_around(topics(1), 300, seed=2))
    store = LocalStore(root)
    info = commit(store, *entries, info=WIDE_INFO)
    assert (info.dense.kind, info.dense.recall) == ("exact", 1.0)
    assert recall(store, entries) == 1.0


def test_a_large_index_visits_some_lists_and_says_how_much_that_finds(store, large):
    info = dense_info(store)
    assert info.kind == "ivf"
    assert info.lists == 128
    assert 8 <= info.probes <= info.lists
    assert info.recall >= 0.95
    assert recall(store, large) >= 0.95


def test_scores_are_exact_cosines_best_first(store, large):
    query = large[7].vectors[2]
    with closing(store.snapshot()) as snapshot:
        hits = snapshot.dense(query, 20, EVERYTHING)
    by_id = {
        passage.id: float(row @ query)
        for each in large
        for passage, row in zip(each.passages, each.vectors, strict=True)
    }
    assert hits[0] == (large[7].passages[2].id, pytest.approx(1.0))
    assert [score for _, score in hits] == pytest.approx([by_id[id_] for id_, _ in hits], abs=1e-6)
    assert hits == sorted(hits, key=lambda hit: -hit[1])


@pytest.mark.parametrize("tag", ["rare", "even"])
def test_a_filter_gives_as_many_as_there_are_and_the_nearest_of_them(store, large, tag):
    through = [each for each in large if tag in each.note.tags]
    count = sum(len(each.passages) for each in through)
    filters = Filters(tags=(tag,))
    assert len(found(store, large[0].vectors[0], 10_000, filters)) == count
    assert recall(store, through, filters=filters) >= 0.95


def test_changes_are_kept_beside_the_base_and_found_at_once(store, root, large):
    new = notes(vectors_around(topics(1), 8, seed=5), prefix="new")
    changed = Entry(*notes(vectors_around(topics(1), 4, seed=6), prefix="n")[0])
    commit(store, *new, changed, remove=["n1.md"], info=WIDE_INFO)
    old, newest = root / "gen-000001", root / "gen-000002"
    for name in ("catalogue.sqlite", "vectors.faiss", "rows.npy"):
        assert (old / name).samefile(newest / name)
        assert (newest / "delta" / name).stat().st_size < (newest / name).stat().st_size
    now = [*large[2:], *new, changed]
    assert recall(store, now) >= 0.95
    for each in (*new, changed):
        assert found(store, each.vectors[1], 1) == [each.passages[1].id]
    gone = {p.id for p in large[1].passages}
    assert not gone & set(found(store, large[1].vectors[0], 10_000))
    assert len(found(store, large[1].vectors[0], 10_000)) == 1200 + 8 - 4
    assert store.problems() == []


def test_many_changes_are_folded_into_a_new_base(store, root):
    added = notes(vectors_around(topics(1), 200, seed=7), prefix="more")
    commit(store, *added[:2], remove=["n3.md"], info=WIDE_INFO)
    assert (root / "gen-000002/delta").is_dir()
    commit(store, *added[2:], remove=["more0.md"], info=WIDE_INFO)
    assert not (root / "gen-000003/delta").exists()
    assert store.problems() == []
    assert found(store, added[5].vectors[0], 1) == [added[5].passages[0].id]


def test_notes_that_were_removed_stay_gone_when_all_is_folded(store, root, monkeypatch):
    commit(store, remove=["n3.md"], info=WIDE_INFO)
    monkeypatch.setattr("ragqa.stores.local.writer.MAX_DELTA_SHARE", 0)
    with store.writer(fresh=False, wait=False) as writer:
        writer.restamp("n4.md", Stamp(1, 1), settled=True)
        writer.commit(WIDE_INFO)
    assert not (root / "gen-000003/delta").exists()
    assert store.problems() == []


def wider_cells(lists):
    return with_cells(lists, lists.nlist, 2 * WIDE)


def more_cells(lists):
    return with_cells(lists, lists.nlist + 1, WIDE)


def with_cells(lists, count, dimension):
    made = faiss.IndexFlatIP(dimension)
    made.add(np.ones((count, dimension), np.float32))
    lists.quantizer = made
    return made


def another_metric(lists):
    lists.metric_type = faiss.METRIC_L1


@pytest.mark.parametrize("forge", [wider_cells, more_cells, another_metric])
def test_lists_that_a_search_would_leave_are_refused(store, root, large, forge):
    path = root / "gen-000001/vectors.faiss"
    forged = faiss.read_index(str(path))
    kept = forge(faiss.downcast_index(forged.base_index))  # FAISS refers to it without owning it
    path.unlink()
    faiss.write_index(forged, str(path))
    del kept
    seal(root)
    with pytest.raises(IndexUnusable, match="inverted lists are of another kind"):
        found(store, large[1].vectors[0], 1)


def test_the_cells_of_lists_are_kept_while_they_serve(store, monkeypatch):
    trained = count_training(monkeypatch)
    like_before = notes(vectors_around(topics(1), 200, seed=8), prefix="more")
    info = commit(store, *like_before, info=WIDE_INFO)
    assert trained == []
    assert info.dense.recall >= 0.95


def test_train_cells_are_made_once_the_notes_have_drifted_away(store, monkeypatch):
    trained = count_training(monkeypatch)
    narrow = unit(topics(1)[:1] + 0.02 * np.random.default_rng(3).standard_normal((40, WIDE)))
    elsewhere = notes(unit(vectors_around(narrow, 1000, seed=9) + narrow[0] * 4), prefix="far")
    info = commit(store, *elsewhere, remove=[f"n{i}.md" for i in range(250)], info=WIDE_INFO)
    assert len(trained) == 1
    assert info.dense.recall >= 0.95


def count_training(monkeypatch):
    from ragqa.stores.local import vector_draft

    trained, train = [], vector_draft._train_cells
    monkeypatch.setattr(
        vector_draft, "_train_cells", lambda *args: (trained.append(args[1]), train(*args))[1]
    )
    return trained


class Giver:
    """A rebuilder that gives the vectors which the passages had, so many at a time."""

    def __init__(self, entries):
        self.vectors = {
            passage.id: row
            for each in entries
            for passage, row in zip(each.passages, each.vectors, strict=True)
        }
        self.asked = []

    def check(self, info):
        assert info.embedder == WIDE_INFO.embedder

    def faults(self, snapshot):
        return [] if snapshot.info else None

    def embed(self, passages):
        self.asked.append(len(passages))
        return np.stack([self.vectors[passage.id] for passage in passages])


def test_a_large_index_is_repaired_with_lists_and_goes_on_from_what_was_embedded(
    store, root, large, monkeypatch
):
    monkeypatch.setattr("ragqa.stores.local.repair.EMBEDDED_AT_ONCE", 500)
    commit(store, remove=["n1.md"], info=WIDE_INFO)
    (root / "gen-000002/rows.npy").unlink()
    giver, before = Giver(large), dense_info_of(root / "gen-000002")

    def stop(name):
        if name == "write rows.npy":
            raise KeyboardInterrupt

    with stepping(stop), pytest.raises(KeyboardInterrupt):
        store.repair(giver, wait=False, progress=lambda *_: None)
    assert giver.asked == [500, 500, 196]
    repaired = store.repair(giver, wait=False, progress=lambda *_: None)
    assert len(repaired.done) == 1
    assert giver.asked == [500, 500, 196]
    assert store.problems() == []
    assert dense_info(store) == before
    assert not (root / "saved-embeddings").exists()
    assert recall(store, [each for each in large if each.note.path != "n1.md"]) >= 0.95


def dense_info_of(folder):
    return read_manifest(folder).info.dense
