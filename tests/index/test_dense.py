"""Finding the nearest in a large index: inverted lists, what is newer, exact filters."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from forging import flip
from index.building import EVERYTHING, INFO, Entry, commit, entry, quick_folder

from ragqa.index import Store
from ragqa.index.local import local_engine as engine
from ragqa.types import Filters

WIDE = 24
WIDE_INFO = replace(INFO, embedder=replace(INFO.embedder, dimension=WIDE))
TOPICS = 30


@pytest.fixture(autouse=True, scope="module")
def as_if_large():
    """Some hundred vectors are treated as many thousands are."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"REWRITE_BELOW": 0, "EXACT_UP_TO": 300}.items():
            patch.setattr(engine, name, value)
        patch.setattr("ragqa.index.local.vectors.EXHAUSTIVE_UP_TO", 50)
        yield


def vectors_around(topics, count, seed):
    chance = np.random.default_rng(seed)
    rows = topics[chance.integers(0, len(topics), count)]
    return unit(rows + 0.3 * chance.standard_normal((count, WIDE)))


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def topics(seed):
    return unit(np.random.default_rng(seed).standard_normal((TOPICS, WIDE)))


def notes(vectors, prefix="n", per_note=4, word="word"):
    """Notes of a few passages each with these vectors; a tenth is rare, half are even."""
    made = []
    for number, start in enumerate(range(0, len(vectors), per_note)):
        rows = vectors[start : start + per_note]
        tags = [*(["rare"] if number % 10 == 0 else []), *(["even"] if number % 2 == 0 else [])]
        texts = [f"{word}{number} w{place} {prefix}" for place in range(len(rows))]
        tagged = entry(f"{prefix}{number}.md", *texts, tags=tags)
        made.append(Entry(tagged.note, tagged.passages, rows))
    return made


def exact(entries, query, k):
    """The passage ids nearest to a query, by comparing it with every vector."""
    ids = np.array([p.id for each in entries for p in each.passages])
    scores = np.concatenate([each.vectors for each in entries]) @ query
    return set(ids[np.argsort(-scores)[:k]].tolist())


def found(store, query, k, filters=EVERYTHING):
    with store.snapshot() as snapshot:
        return [id_ for id_, _ in snapshot.nearest(query, k, filters)]


def recall(store, entries, k=10, filters=EVERYTHING):
    queries = vectors_around(topics(1), 40, seed=99)
    with store.snapshot() as snapshot:
        hits = [{id_ for id_, _ in snapshot.nearest(query, k, filters)} for query in queries]
    shares = [len(exact(entries, q, k) & hit) / k for q, hit in zip(queries, hits, strict=True)]
    return np.mean(shares)


def lists_of(root):
    return sorted(path.name for path in root.glob("vectors-*"))


@pytest.fixture(scope="module")
def large():
    return notes(vectors_around(topics(1), 1200, seed=2))


@pytest.fixture(scope="module")
def built(large):
    with quick_folder() as folder:
        commit(Store(folder / "index"), *large, info=WIDE_INFO)
        yield folder / "index"


@pytest.fixture
def store(root, built):
    return Store(shutil.copytree(built, root))


@pytest.fixture
def lists(store, root):
    """The file of the lists."""
    (name,) = lists_of(root)
    return root / name / engine.LISTS


def test_a_small_index_compares_every_vector_and_has_no_lists(root):
    entries = notes(vectors_around(topics(1), 300, seed=2))
    store = Store(root)
    info = commit(store, *entries, info=WIDE_INFO)
    assert (info.dense.kind, info.dense.recall) == ("exact", 1.0)
    assert recall(store, entries) == 1.0
    assert lists_of(root) == []


def test_a_large_index_says_how_it_searches_and_finds_the_nearest(store, root, large):
    with store.snapshot() as snapshot:
        dense = snapshot.info.dense
    assert (dense.kind, dense.lists) == ("ivf", 128)
    assert 8 <= dense.probes <= dense.lists
    assert dense.recall >= 0.95
    assert recall(store, large) >= 0.95
    assert len(lists_of(root)) == 1


@pytest.mark.parametrize("tag", ["rare", "even", ""])
def test_a_filter_gives_all_that_pass_by_their_exact_cosines_best_first(store, large, tag):
    through = [each for each in large if tag in (*each.note.tags, "")]
    filters = Filters(tags=(tag,) if tag else ())
    query = large[10].vectors[2]
    with store.snapshot() as snapshot:
        hits = snapshot.nearest(query, 10_000, filters)
    cosines = {
        passage.id: float(row @ query)
        for each in through
        for passage, row in zip(each.passages, each.vectors, strict=True)
    }
    assert dict(hits) == pytest.approx(cosines, abs=1e-3)  # in half precision
    assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
    assert recall(store, through, filters=filters) >= 0.95


def test_changes_are_found_at_once_while_the_lists_stay(store, root, large, lists):
    new = notes(vectors_around(topics(1), 8, seed=5), prefix="new")
    changed = notes(vectors_around(topics(1), 4, seed=6), word="other")[0]
    commit(store, *new, changed, remove=["n1.md"], info=WIDE_INFO)
    assert lists_of(root) == [lists.parent.name]
    now = [*large[2:], *new, changed]
    assert recall(store, now) >= 0.95
    for each in (*new, changed):
        assert found(store, each.vectors[1], 1) == [each.passages[1].id]
    gone = {passage.id for each in large[:2] for passage in each.passages}
    assert not gone & set(found(store, large[1].vectors[0], 10_000))


def test_lists_are_made_anew_once_a_tenth_is_newer_or_gone_and_go_with_the_last(
    store, root, large, lists
):
    more = notes(vectors_around(topics(1), 140, seed=8), prefix="more")
    grown = commit(store, *more, info=WIDE_INFO)
    assert len(lists_of(root)) == 1 > lists.exists()
    assert grown.dense.recall >= 0.95
    assert recall(store, [*large, *more]) >= 0.95
    before = lists_of(root)
    commit(store, remove=[f"n{number}.md" for number in range(100)], info=WIDE_INFO)
    assert lists_of(root) != before
    assert recall(store, [*large[100:], *more]) >= 0.95
    commit(store, remove=[f"n{number}.md" for number in range(300)], info=WIDE_INFO)
    assert lists_of(root) == []
    assert recall(store, more) > 0.99  # in half precision


def test_lists_that_are_damaged_are_made_anew(store, root, large, lists, caplog):
    flip(lists, lists.stat().st_size // 2)
    assert recall(store, large) >= 0.95
    assert [message.count("made anew") for message in caplog.messages] == [1]
    assert len(lists_of(root)) == 1
