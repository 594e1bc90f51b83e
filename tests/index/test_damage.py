"""Damage to the files of an index: found when it is read, and built anew; nothing is believed."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from forging import flip, forge_manifest, places_of
from index.building import FRUIT, INFO, answers, ask, commit, entry

from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex
from ragqa.index import Store
from ragqa.index.database import Database
from ragqa.index.disk import naming_file
from ragqa.index.rows import model_of

NEW = entry("new.md", "apple banana")
KEYS = {passage.embedding_key for each in FRUIT for passage in each.passages}


def refuses(store, says, hint="ragqa index --rebuild"):
    """Reading says so, a refresh says so, and a build from nothing mends it."""
    with pytest.raises(NeedsRebuild, match=says) as caught:
        answers(store)
    assert caught.value.hint == hint
    with pytest.raises(NeedsRebuild, match=says):
        commit(store, NEW)
    commit(store, *FRUIT, fresh=True)
    assert answers(store)[2].keys() == {each.note.path for each in FRUIT}
    return True


def is_mended(store, caplog, why=""):
    """The next question is answered after one warning, and the one after it without."""
    with store.snapshot() as snapshot:
        found = ask(snapshot, "apple")
    assert [message.count("made anew") for message in caplog.messages] == [1]
    assert why in caplog.text
    caplog.clear()
    with store.snapshot() as snapshot:
        assert ask(snapshot, "apple") == found
    assert caplog.messages == []
    return True


DAMAGE = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a bit": lambda path: flip(path, path.stat().st_size // 3),
    "missing": lambda path: path.unlink(),
}


def test_a_truncated_database_is_refused_by_its_name(store, root):
    DAMAGE["truncated"](root / "index.sqlite")
    assert refuses(store, r"index\.sqlite")


def test_a_damaged_database_stays_until_one_with_its_embeddings_replaces_it(store, root):
    path = root / "index.sqlite"
    flip(path, places_of(path, b"ml/two.md")[0] - 40)  # in the page of the notes
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 100)
        file.write(bytes(100))
    damaged = path.read_bytes()
    for _ in range(2):  # what a build saved that was ended is there for the next one, too
        with store.writer(fresh=True, wait=False) as writer:
            writer.model = model_of(INFO)
            assert len(KEYS - writer.vectors(KEYS).keys()) <= 1
            writer.save(FRUIT[0].passages, FRUIT[0].vectors)
        assert path.read_bytes() == damaged
    commit(store, *FRUIT, fresh=True)
    assert answers(store)[2].keys() == {each.note.path for each in FRUIT}
    assert {each.name for each in root.iterdir() if "-" not in each.name} == {
        "LOCK",
        "index.sqlite",
    }


def test_a_database_whose_first_writer_was_killed_at_once_is_no_index(root):
    root.mkdir()
    (root / "index.sqlite").touch()
    store = Store(root)
    with pytest.raises(NoIndex), store.snapshot():
        pass
    assert commit(store, *FRUIT).generation == 1


def test_no_single_changed_byte_of_any_file_changes_an_answer(store, root):
    before, chance = answers(store), random.Random(5)  # noqa: S311 - the same in every run
    kept = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    refused = 0
    for path, data in kept.items():
        tries = 60 if path.name == "index.sqlite" else 3
        for place in chance.sample(range(len(data)), min(len(data), tries)):
            flip(path, place)
            try:
                assert answers(store) == before
            except IndexUnusable:
                refused += 1
                assert path.name == "index.sqlite"
            shutil.rmtree(root, ignore_errors=True)  # what is made anew may still be written
            for each, content in kept.items():
                each.parent.mkdir(parents=True, exist_ok=True)
                each.write_bytes(content)
    assert refused > 2


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_terms_that_are_damaged_are_made_anew_with_one_warning(store, root, damage, caplog):
    before = answers(store)
    for path in sorted((root / "terms-1").iterdir()):
        if path.stat().st_size:
            trial = shutil.copytree(root, root.with_name(f"without {path.name}"))
            damage(trial / "terms-1" / path.name)
            assert is_mended(Store(trial), caplog, path.name)
            assert answers(Store(trial)) == before


@pytest.mark.parametrize(
    "changed",
    [
        lambda content: content.pop("info"),
        lambda content: content["info"]["embedder"].update(dimension=None),
    ],
)
def test_what_an_index_says_of_itself_is_refused_where_it_makes_no_sense(store, root, changed):
    forge_manifest(root, changed)
    assert refuses(store, r"index\.sqlite")


def test_what_is_read_without_a_lock_is_not_believed_once_it_is_written(store, root, monkeypatch):
    connect = Database._connect

    def refused(database, how, *, writing):
        if how == "mode=ro":
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return connect(database, how, writing=writing)

    monkeypatch.setattr(Database, "_connect", refused)
    with store.snapshot() as snapshot:
        assert len(snapshot.notes()) == len(FRUIT)
        os.utime(root / "index.sqlite")
        with pytest.raises(IndexUnusable, match="written while it was read"):
            assert snapshot.states


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
