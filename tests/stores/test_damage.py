"""Damaged, exchanged and forged files of an index: refused or mended, and never believed."""

import hashlib
import json
import math
import os
import random
import shutil
import sqlite3
from contextlib import suppress

import pytest
from forging import change, flip, forge, forge_manifest, places_of
from stores.building import (
    DIMENSION,
    FRUIT,
    answers,
    ask,
    commit,
    entry,
)

from ragqa.errors import IndexUnusable, NoIndex, OtherFormat
from ragqa.stores.local.database import Database
from ragqa.stores.local.store import LocalStore

NEW = entry("new.md", "apple banana")
HALF = [vector.astype("<f2").tobytes() for each in FRUIT for vector in each.vectors]


def refuses(store, says, *, kind=IndexUnusable, hint="ragqa index --rebuild"):
    """Reading says so, a refresh says so, and a rebuild mends it."""
    with pytest.raises(kind, match=says) as caught:
        answers(store)
    assert caught.value.hint == hint
    assert store.problems() != []
    with pytest.raises(kind, match=says):
        commit(store, NEW)
    commit(store, *FRUIT, fresh=True)
    assert store.problems() == []
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
    assert store.problems() == []
    return True


def replaced_by(make):
    def damage(path):
        path.rename(elsewhere := path.parent.parent / "elsewhere")
        make(path, elsewhere)

    return damage


DAMAGE = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a bit": lambda path: flip(path, path.stat().st_size // 3),
    "missing": lambda path: path.unlink(),
    "a link": replaced_by(lambda path, elsewhere: path.symlink_to(elsewhere)),
    "a pipe": replaced_by(lambda path, _: os.mkfifo(path)),
}


@pytest.mark.parametrize("name", ["truncated", "a link", "a pipe"])
def test_a_damaged_database_is_refused_by_its_name(store, root, name):
    DAMAGE[name](root / "index.sqlite")
    assert refuses(store, r"index\.sqlite")


def test_a_database_whose_first_writer_was_killed_at_once_is_no_index(root):
    root.mkdir()
    (root / "index.sqlite").touch()
    store = LocalStore(root)
    with pytest.raises(NoIndex), store.snapshot():
        pass
    assert commit(store, *FRUIT).generation == 1
    assert store.problems() == []


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


ROWS = {
    "a note": (b"ml/two.md", b"date elder apple"),
    "a passage": (b"banana cherry date",),
    "an embedding": (HALF[0], HALF[3]),
    "the manifest": (b'"notes": 4', b'"float32"'),
}


@pytest.mark.parametrize("contents", ROWS.values(), ids=ROWS.keys())
def test_no_row_that_a_bad_disk_changed_is_believed(store, root, contents):
    before, path = answers(store), root / "index.sqlite"
    places = [place for content in contents for place in places_of(path, content)]
    assert places
    for place in places:
        flip(path, place + 3, silently=True)
        assert store.problems() != []
        with suppress(IndexUnusable):
            assert answers(store) == before
        flip(path, place + 3, silently=True)
    assert answers(store) == before


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_terms_that_are_damaged_are_made_anew_with_one_warning(store, root, damage, caplog):
    before = answers(store)
    for path in sorted((root / "terms-1").iterdir()):
        if path.stat().st_size:
            trial = shutil.copytree(root, root.with_name(f"without {path.name}"))
            damage(trial / "terms-1" / path.name)
            assert is_mended(LocalStore(trial), caplog)
            assert answers(LocalStore(trial)) == before


def other_terms(root):
    other = LocalStore(root.with_name("other"))
    commit(other, entry("a.md", "one", "two", "three"), entry("b.md", "four", "five", "six"))
    shutil.rmtree(root / "terms-1")
    shutil.copytree(root.with_name("other") / "terms-1", root / "terms-1")


def a_link_to_terms(root):
    (root / "terms-1").rename(root.with_name("terms"))
    (root / "terms-1").symlink_to(root.with_name("terms"))


DERIVED = {
    "no folder": lambda root: shutil.rmtree(root / "terms-1"),
    "a link": a_link_to_terms,
    "another's": other_terms,
    "a path": lambda root: forge_manifest(
        root, lambda content: content["terms"].update(name="../index/terms-1")
    ),
    "nothing": lambda root: forge_manifest(root, lambda content: content.update(terms=None)),
}


@pytest.mark.parametrize("damage", DERIVED.values(), ids=DERIVED.keys())
def test_terms_that_are_missing_or_not_those_of_the_index_are_made_anew(
    store, root, damage, caplog
):
    before = answers(store)
    damage(root)
    assert is_mended(store, caplog)
    assert answers(store) == before


def test_terms_of_more_documents_than_their_files_hold_are_made_anew(store, root, caplog):
    path, count = root / "terms-1/meta.json", 2**32 - 1
    content = json.loads(path.read_bytes())
    content["segments"][0]["max_doc"] = count
    size = path.stat().st_size
    path.write_text(json.dumps(content, separators=(",", ":")))
    os.truncate(path, max(size, path.stat().st_size))
    path.write_bytes(path.read_bytes().replace(b"\0", b" "))
    size, digest = path.stat().st_size, sha256_of(path)
    forge_manifest(
        root,
        lambda content: content["terms"]["files"]["meta.json"].update(size=size, sha256=digest),
    )
    assert is_mended(store, caplog, f"claims {count} documents")


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_copied_index_answers_although_its_times_are_others(store, root, caplog):
    before = answers(store)
    shutil.copytree(root, root.with_name("copy"), copy_function=shutil.copyfile)
    copy = LocalStore(root.with_name("copy"))
    assert answers(copy) == before
    assert commit(copy, NEW).notes == 5
    assert caplog.messages == []


def test_an_index_of_another_format_says_by_whom_and_what_to_do(store, root):
    forge_manifest(root, lambda content: content.update(format=99))
    says = "was written in format 99 by another version of ragqa"
    assert refuses(store, says, kind=OtherFormat, hint="ragqa index")


@pytest.mark.parametrize(
    "changed",
    [
        lambda content: content.pop("info"),
        lambda content: content["info"].pop("notes"),
        lambda content: content["info"].update(passages=5),
        lambda content: content["info"].update(chunking={"target_tokens": math.inf}),
        lambda content: content["info"]["embedder"].update(dimension=None),
    ],
)
def test_what_an_index_says_of_itself_is_refused_where_it_makes_no_sense(store, root, changed):
    forge_manifest(root, changed)
    os.utime(root / "index.sqlite")
    assert refuses(store, r"index\.sqlite")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE passages SET data = 'forged'", "a passage is damaged"),
        ("UPDATE notes SET date = '2026-01-01'", "a note is damaged"),
        ("DELETE FROM labels WHERE note = 1", "what filters read of a note is damaged"),
        ("INSERT INTO labels VALUES (x'61', x'62', 2)", "what filters read of a note is damaged"),
        ("DELETE FROM embeddings WHERE row = 1", "lacks the embeddings of 1 passages"),
    ],
)
def test_a_row_that_another_program_changed_is_found_before_anything_is_read(
    store, root, statement, says
):
    change(root, statement)
    os.utime(root / "index.sqlite")
    assert refuses(store, says)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW endless AS WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT * FROM c) SELECT 1",
        "CREATE TRIGGER t AFTER INSERT ON labels BEGIN SELECT 1;END",
        "DROP TABLE labels; CREATE VIEW labels AS SELECT 1",
    ],
)
def test_a_database_with_other_tables_than_ours_is_refused(store, root, statement):
    forge(root, statement)
    says = "not those of this ragqa"
    assert refuses(store, says, kind=OtherFormat, hint="ragqa index")


def test_embeddings_of_another_dimension_are_refused_when_asked(store, root):
    forge(root, ("UPDATE embeddings SET vector = ?", bytes(DIMENSION)))
    with pytest.raises(IndexUnusable, match="index"):
        answers(store)
    assert store.problems() != []


def hot_journal(database, victim):
    """What SQLite takes for the journal of a killed writer, which has it delete the victim."""
    magic = bytes.fromhex("d9d505f920a163d7")
    data = database.read_bytes()
    page = int.from_bytes(data[16:18], "big")
    numbers = [0, 1234, len(data) // page, 512, page]
    header = magic + b"".join(number.to_bytes(4, "big") for number in numbers)
    name = os.fsencode(victim)
    tail = (0x40000000 // page + 1).to_bytes(4, "big") + name + len(name).to_bytes(4, "big")
    return header.ljust(512, b"\0") + tail + sum(name).to_bytes(4, "big") + magic


def test_a_journal_that_is_not_ours_is_not_played_back(store, root, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    journal = root / "index.sqlite-journal"
    journal.write_bytes(hot_journal(root / "index.sqlite", victim))
    with pytest.raises(IndexUnusable, match=r"index\.sqlite-journal is not ragqa's"):
        answers(store)
    commit(store, *FRUIT)
    assert victim.read_text() == "precious"
    assert not journal.exists()


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
