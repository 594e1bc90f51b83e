"""What is said of an index file that cannot be used, and an index on a full disk."""

import resource
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from stores.building import FRUIT, answers, commit, entry

from ragqa.errors import IndexNotWritable, IndexUnusable
from ragqa.stores.disk import naming_file

MANY = [entry(f"{n}.md", *(f"word{n} w{place} " * 30 for place in range(10))) for n in range(30)]


@pytest.mark.parametrize("statement", ["SELECT 1 FROM secret_table", "SELECT 'a' = ?"])
def test_no_statement_of_sqlite_is_shown(statement):
    with (
        closing(sqlite3.connect(":memory:")) as db,
        pytest.raises(IndexUnusable) as failure,
        naming_file(Path("index.sqlite"), sqlite3.Error),
    ):
        db.execute(statement)
    assert "the index file index.sqlite is damaged: SQLite says" in failure.value.message
    assert not any(word in failure.value.message for word in ("SELE", "secret", "syntax", "terms"))


def refused_for_room(store):
    """Whether a commit finds too little room; then the index answers as before."""
    before = answers(store)
    refused = None
    try:
        commit(store, *MANY)
    except IndexNotWritable as exc:
        refused = exc
    if refused is None:
        return False
    assert "disk full" in refused.message
    assert "--index DIR" in refused.hint
    assert answers(store) == before
    return True


@contextmanager
def files_of_at_most(size):
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


@pytest.mark.parametrize("large", [False, True])
def test_where_files_may_not_grow_the_old_index_answers(store, monkeypatch, large):
    if large:
        monkeypatch.setattr("ragqa.stores.local.derived.REWRITE_BELOW", 0)
        monkeypatch.setattr("ragqa.stores.local.derived.EXACT_UP_TO", 200)
    refused = []
    for size in (1, 500, 5_000, 30_000, 70_000, 100_000, 200_000, 400_000, 10**7):
        with files_of_at_most(size):
            refused.append(refused_for_room(store))
    assert refused[:4] == [True] * 4
    assert refused[-1] is False
    assert len(answers(store)[2]) == len(MANY) + len(FRUIT)
