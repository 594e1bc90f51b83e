"""What is said of an index file that cannot be used."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ragqa.errors import IndexUnusable
from ragqa.stores.disk import naming_file

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
        naming_file(Path("catalogue.sqlite"), sqlite3.Error),
    ):
        db.execute(statement)
    assert "the index file catalogue.sqlite is unusable: SQLite says" in failure.value.message
    assert not any(word in failure.value.message for word in ("SELE", "secret", "syntax", "terms"))
