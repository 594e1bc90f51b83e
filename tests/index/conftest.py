"""What the tests of the local store share."""

import math

import pytest
from index.building import FRUIT, commit, quick_folder

from ragqa.index import Store


@pytest.fixture
def root():
    """The folder of an index that is not there yet."""
    with quick_folder() as folder:
        yield folder / "index"


@pytest.fixture
def store(root):
    """A local store with one commit."""
    store = Store(root)
    commit(store, *FRUIT)
    return store


@pytest.fixture
def long_lived_terms(monkeypatch):
    """Refreshes change the terms as they do in a large index, where writing them anew is slow."""
    monkeypatch.setattr("ragqa.index.local.local_engine.REWRITE_BELOW", 0)
    monkeypatch.setattr("ragqa.index.local.local_engine.MAX_DEAD_SHARE", math.inf)
