"""What is said of an index file that cannot be used, and an index on a full disk."""

import resource
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from stores.building import FRUIT, answers, commit, entry

from ragqa.errors import IndexNotWritable, IndexUnusable
from ragqa.stores.disk import naming_file
from ragqa.stores.local.database import DATABASE

FAILING = [
    "SELECT 1 FROM secret_table",
    " UNION ".join(["SELECT 1"] * 600),
    "SELEC 1",
    "SELECT 'a' = ?",
]


@pytest.mark.parametrize("statement", FAILING)
def test_no_statement_of_sqlite_is_shown(statement):
    with (
        closing(sqlite3.connect(":memory:")) as db,
        pytest.raises(IndexUnusable) as failure,
        naming_file(Path("index.sqlite"), sqlite3.Error),
    ):
        db.execute(statement)
    assert "the index file index.sqlite is unusable: SQLite says" in failure.value.message
    assert not any(word in failure.value.message for word in ("SELE", "secret", "syntax", "terms"))


MANY = [entry(f"{n}.md", *(f"word{n} w{place} " * 30 for place in range(10))) for n in range(30)]


def pages_of(root):
    with closing(sqlite3.connect(root / DATABASE)) as db:
        return db.execute("PRAGMA page_count").fetchone()[0]


def refused_for_room(store, **options):
    """Whether a commit finds too little room; then the index answers as before."""
    before = answers(store)
    with suppress(IndexNotWritable):
        commit(store, *MANY, **options)
        return False
    with pytest.raises(IndexNotWritable, match="disk full") as refused:
        commit(store, *MANY, **options)
    assert "--index DIR" in refused.value.hint
    assert answers(store) == before
    return True


@pytest.mark.parametrize("fresh", [False, True])
def test_on_a_full_disk_the_old_index_answers_whichever_page_finds_no_room(
    store, root, monkeypatch, fresh
):
    def connect(*args, connected=sqlite3.connect, **kwargs):
        db = connected(*args, **kwargs)
        db.execute(f"PRAGMA max_page_count = {limit[0]}")
        return db

    limit, refused = [pages_of(root)], 0
    monkeypatch.setattr("ragqa.stores.local.database.sqlite3.connect", connect)
    while refused_for_room(store, fresh=fresh):
        limit[0] += 1 if refused < 4 else 8
        refused += 1
    assert refused > 5
    assert len(answers(store)[2]) == len(MANY) + (0 if fresh else len(FRUIT))
    assert store.problems() == []
    assert not (root / "draft.sqlite").exists()


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
    assert store.problems() == []
