"""How often a question opens the index, and what it reads of it."""

import sqlite3

import pytest
from support import write_notes

from ragqa.stores.local import derived, snapshot

NOTES = {
    f"{n}.md": f"---\ntags: [{'odd' if n % 2 else 'even'}]\n---\n# Lamp {n}\n\nLamp {n} was lit.\n"
    for n in range(20)
}


@pytest.fixture
def lamps(quick, tmp_path):
    """The places of notes about lamps, and of their index."""
    args = ["--corpus", write_notes(tmp_path / "notes", NOTES), "--index", tmp_path / "index"]
    assert quick("index", *args).code == 0
    return args


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_question_opens_the_index_once(quick, lamps, monkeypatch, command):
    opened, connect, terms = [], sqlite3.connect, derived.TermIndex

    def connecting(database, *args, **options):
        opened.extend(["database"] * ("index.sqlite" in str(database)))
        return connect(database, *args, **options)

    def opening(*args):
        opened.append("terms")
        return terms(*args)

    monkeypatch.setattr(sqlite3, "connect", connecting)
    monkeypatch.setattr(derived, "TermIndex", opening)
    assert quick(command, "when was lamp 3 lit?", *lamps).code == 0
    assert opened == ["database", "terms"]


@pytest.mark.parametrize("filters", [[], ["--tag", "odd"], ["--path", "?.md"]])
def test_a_question_reads_the_records_of_few_notes(quick, lamps, monkeypatch, filters):
    read, reading = [], snapshot.read_note

    def noting(row):
        read.append(row["path"])
        return reading(row)

    monkeypatch.setattr(snapshot, "read_note", noting)
    assert quick("search", "when was lamp 3 lit?", *filters, *lamps).code == 0
    assert quick("ask", "when was lamp 3 lit?", *filters, *lamps).code == 0
    assert len(read) < len(NOTES) / 2
