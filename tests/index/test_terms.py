"""Refreshing the terms of a large index, where the old files are linked and changed."""

from dataclasses import replace

import pytest
from index.building import EVERYTHING, FRUIT, ask, commit, entry, expected

from ragqa.index import Store

QUESTION = "apple banana cherry fig"


def found_ids(store, filters=EVERYTHING):
    with store.snapshot() as snapshot:
        return [sorted(id_ for id_, _ in leg) for leg in ask(snapshot, QUESTION, filters=filters)]


def test_a_linked_refresh_finds_what_a_rebuilt_index_finds(root, long_lived_terms):
    store, kept = Store(root), {}
    for place in range(9):
        changes = [
            entry(f"n{place % 7}.md", f"apple word{place}", "banana fig"),
            *FRUIT[: place % 3],
        ]
        removed = [f"n{(place + 3) % 7}.md"]
        kept = {path: each for path, each in kept.items() if path not in removed}
        kept |= {each.note.path: each for each in changes}
        rebuilt = Store(root.with_name(f"rebuilt-{place}"))
        info = replace(commit(rebuilt, *kept.values()), generation=place + 1)
        assert commit(store, *changes, remove=removed) == info
        assert found_ids(store) == found_ids(rebuilt)
        with store.snapshot() as ours, rebuilt.snapshot() as theirs:
            assert ours.idf(["appl", "fig"]) == pytest.approx(theirs.idf(["appl", "fig"]))


def test_passages_longer_than_a_length_byte_holds_score_as_the_formula_says(root):
    store = Store(root)
    long = [entry(f"{n}.md", "apple " + "fig " * n) for n in (1, 38, 39, 40, 41, 57, 150, 1100)]
    commit(store, *long)
    with store.snapshot() as snapshot:
        terms = snapshot.best(["appl"], 50, EVERYTHING)
    by_formula = expected(long, "apple")[1]
    assert [id_ for id_, _ in terms] == [id_ for id_, _ in by_formula]
    assert dict(terms) == pytest.approx(dict(by_formula), rel=1e-5)
