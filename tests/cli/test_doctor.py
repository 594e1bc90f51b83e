"""`ragqa doctor` and `--repair`: what they say, and with which exit code."""

import sqlite3
from contextlib import closing

import pytest
from support import write_notes

NOTES = {
    "cats.md": "# Cats\n\nCats sleep for most of the day.\n",
    "roses.md": "# Roses\n\nRoses need pruning in late winter.\n",
}


@pytest.fixture
def places(quick, tmp_path):
    """A built index: the options that name its notes and itself."""
    notes = write_notes(tmp_path / "notes", NOTES)
    options = ["--corpus", notes, "--index", tmp_path / "index"]
    assert quick("index", *options).code == 0
    return options


def lose_an_embedding(places):
    with closing(sqlite3.connect(places[3] / "index.sqlite")) as db:
        db.execute("DELETE FROM embeddings WHERE row = 1")
        db.commit()


def test_a_sound_index_is_said_to_be_so_and_is_left_alone(quick, places):
    found = quick("doctor", *places)
    assert found.code == 0
    assert "every file of the index is intact" in found.out
    repair = quick("doctor", "--repair", *places)
    assert repair.code == 0
    assert "nothing is damaged, so nothing was changed" in repair.out
    assert quick("status", "--json", *places).document["index"]["generation"] == 1


def test_a_repair_says_what_it_did_and_the_index_answers_again(quick, places):
    lose_an_embedding(places)
    found = quick("doctor", "--json", *places)
    assert found.code == 4
    assert found.document["sound"] is False
    assert "repaired" not in found.document
    fixes = {one["fix"] for one in found.document["findings"] if one["severity"] == "error"}
    assert fixes == {f"ragqa doctor --repair --corpus {places[1]} --index {places[3]}"}
    repair = quick("doctor", "--repair", "--json", *places)
    assert repair.code == 0
    assert repair.document["sound"] is True
    (done,) = repair.document["repaired"]
    assert done.startswith("read all notes again, since the index file")
    assert quick("search", "cats", *places).code == 0


def test_what_cannot_be_repaired_is_told_with_the_command_that_mends_it(quick, places):
    lose_an_embedding(places)
    run = quick("doctor", "--repair", *places, env={"RAGQA_EMBEDDER": "hashed:32"})
    assert run.code == 4
    assert "64 dimensions" in run.out
    assert "ragqa index --rebuild" in run.out
    assert "nothing is damaged" not in run.out


def test_without_an_index_there_is_nothing_to_repair(quick, tmp_path):
    notes = write_notes(tmp_path / "notes", NOTES)
    run = quick("doctor", "--repair", "--corpus", notes, "--index", tmp_path / "none")
    assert run.code == 3
    assert "try: ragqa index" in run.out
    assert not (tmp_path / "none").exists()
