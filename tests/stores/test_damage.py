"""Damaged, exchanged and foreign files of a generation: never an answer from them."""

import io
import json
import math
import os
import pickle
import shutil
import sqlite3
from contextlib import closing

import faiss
import numpy as np
import pytest
from stores.building import DIMENSION, EVERYTHING, FRUIT, answers, commit, embedding, entry
from stores.sealing import generation, seal, write_manifest

from ragqa.errors import IndexUnusable
from ragqa.stores.local import manifest as manifests
from ragqa.stores.local.store import LocalStore
from ragqa.types import Filters

NEW = entry("new.md", "apple banana")


def files_of(root):
    return sorted(
        path for path in generation(root).rglob("*") if path.is_file() and path.stat().st_size
    )


def touch(path):
    """Give a file another time, as any program does that writes to it."""
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def refuses(store, says, hint="ragqa doctor --repair"):
    """Reading says so, a refresh says so, and a rebuild mends it."""
    with pytest.raises(IndexUnusable, match=says) as caught:
        answers(store)
    assert caught.value.hint == hint
    assert any(says in problem for problem in store.problems())
    with pytest.raises(IndexUnusable, match=says):
        commit(store, NEW)
    commit(store, *FRUIT, fresh=True)
    assert store.problems() == []
    return True


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def lengthen(path):
    with path.open("ab") as file:
        file.write(b"\0")


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    touch(path)


def zero_the_tail(path):
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] + b"\0" * (len(data) - half - 1) + b"\1")
    touch(path)


def remove(path):
    path.unlink()


def make_a_folder(path):
    path.unlink()
    path.mkdir()


def make_a_link(path):
    path.rename(path.parent.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent.parent / "elsewhere")


def make_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGE = [
    truncate, empty, lengthen, flip_a_bit, zero_the_tail, remove, make_a_folder, make_a_link,
    make_a_pipe,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["catalogue.sqlite", "vectors.faiss", "rows.npy", "manifest.json"])
def test_a_damaged_file_is_refused_by_its_name(store, root, name, damage):
    damage(generation(root) / name)
    assert refuses(store, name)


@pytest.mark.parametrize("damage", DAMAGE)
def test_any_damaged_file_of_the_terms_is_refused(store, root, damage):
    for path in files_of(root):
        if path.parent.name == "terms":
            shutil.copytree(root, trial := root.with_name("trial"))
            damaged = generation(trial) / "terms" / path.name
            damage(damaged)
            with pytest.raises(IndexUnusable, match=path.name):
                answers(LocalStore(trial))
            shutil.rmtree(trial)


@pytest.mark.parametrize("name", ["catalogue.sqlite", "vectors.faiss", "rows.npy", "terms"])
def test_silent_damage_is_a_problem_and_not_carried_into_the_next_generation(store, root, name):
    path = generation(root) / name
    if path.is_dir():
        path = max(path.iterdir(), key=lambda file: file.stat().st_size)
    mtime_ns = path.stat().st_mtime_ns
    flip_a_bit(path)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    assert [path.name in problem for problem in store.problems()] == [True]
    with pytest.raises(IndexUnusable, match=path.name):
        commit(store, NEW)
    commit(store, *FRUIT, fresh=True)
    assert store.problems() == []


def test_a_copied_index_answers_although_its_times_are_others(store, root):
    before = answers(store)
    shutil.copytree(root, root.with_name("copy"), copy_function=shutil.copyfile)
    copy = LocalStore(root.with_name("copy"))
    assert answers(copy) == before
    assert commit(copy, NEW).notes == 5


def test_a_manifest_of_another_format_says_by_whom_and_what_to_do(store, root):
    content = json.loads((generation(root) / "manifest.json").read_text())
    write_manifest(generation(root), {**content, "format": 99, "ragqa": "7.0"})
    says = "was written by ragqa 7.0 in format 99"
    assert refuses(store, says, hint="ragqa index --rebuild")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["files"].pop("vectors.faiss"),
        lambda content: content["files"].update({"../LOCK": content["files"]["vectors.faiss"]}),
        lambda content: content["files"].update({"terms/../x": {}}),
        lambda content: content.update(files=[]),
        lambda content: content.update(info=None),
        lambda content: content["info"].pop("notes"),
        lambda content: content["info"].update(notes="4"),
        lambda content: content["info"].update(passages=True),
        lambda content: content["info"].update(canary="abc"),
        lambda content: content["info"].update(canary=[10**400]),
        lambda content: content["info"].update(chunking={"target_tokens": math.inf}),
        lambda content: content["info"].update(skipped=[1]),
        lambda content: content["info"].update(languages={"xx": {"number": 1}}),
        lambda content: content["info"].update(languages={"de": {"number": "many"}}),
        lambda content: content["info"].update(languages=["de"]),
        lambda content: content["info"]["embedder"].update(dimension=None),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(store, root, change):
    content = json.loads((generation(root) / "manifest.json").read_text())
    change(content)
    write_manifest(generation(root), content)
    assert refuses(store, "manifest.json")


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"{", b"[" * 100_000, b"\xff", b'{"format":%d}' % manifests.FORMAT]
)
def test_a_manifest_that_is_none_is_refused(store, root, content):
    (generation(root) / "manifest.json").write_bytes(content)
    assert refuses(store, "manifest.json")


@pytest.mark.parametrize(
    ("before", "after"),
    [('"corpus": "../n', '"corpus": "../m'), ("-0.25", "-0.26"), ('"notes": 4', '"notes": 5')],
)
def test_a_manifest_changed_by_hand_is_refused(store, root, before, after):
    path = generation(root) / "manifest.json"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))
    assert refuses(store, "manifest.json is damaged: it does not match its own digest")


def test_a_manifest_without_end_is_not_read(store, root, monkeypatch):
    monkeypatch.setattr(manifests, "MAX_MANIFEST_BYTES", 100)
    with pytest.raises(IndexUnusable, match=r"manifest.json .*more than 100 bytes"):
        store.snapshot()


def flat(count, dimension=DIMENSION):
    index = faiss.IndexFlatIP(dimension)
    index.add(np.eye(count, dimension, dtype=np.float32))
    return bytes(faiss.serialize_index(index))


def array_file():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


class Bomb:
    def __reduce__(self):
        return (pytest.exit, ("a pickle was loaded",))


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Bomb()),
        array_file(),
        b"\0",
        flat(6)[:-100],
        # says that it holds 2**48 vectors
        flat(6)[:8] + (2**48).to_bytes(8, "little") + flat(6)[16:],
        flat(5),
        flat(6, DIMENSION * 2),
        bytes(faiss.serialize_index(faiss.IndexHNSWFlat(DIMENSION, 4))),
        bytes(faiss.serialize_index(faiss.IndexIDMap(faiss.IndexFlatIP(DIMENSION)))),
    ],
    ids=["pickle", "npy", "byte", "short", "huge", "fewer", "wider", "hnsw", "ids"],
)
def test_a_foreign_vectors_file_is_refused_even_where_the_manifest_vouches_for_it(
    store, root, data
):
    (generation(root) / "vectors.faiss").write_bytes(data)
    seal(root)
    refused = pytest.raises(IndexUnusable, match=r"vectors\.faiss")
    with closing(store.snapshot()) as snapshot, refused:
        snapshot.dense(embedding("apple"), 3, EVERYTHING)
    assert any("vectors.faiss" in problem for problem in store.problems())


@pytest.mark.parametrize("data", [b"no database", b"SQLite format 3\0" + 5000 * b"\1"])
def test_a_foreign_catalogue_is_refused_even_where_the_manifest_vouches_for_it(store, root, data):
    (generation(root) / "catalogue.sqlite").write_bytes(data)
    seal(root)
    with pytest.raises(IndexUnusable, match=r"catalogue\.sqlite"):
        answers(store)
    assert any("catalogue.sqlite" in problem for problem in store.problems())


@pytest.mark.parametrize(
    "change",
    [
        "CREATE VIEW endless AS WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT * FROM c) SELECT 1",
        "ALTER TABLE passages ADD COLUMN more TEXT",
        "CREATE TRIGGER t AFTER INSERT ON notes BEGIN SELECT 1; END",
        "DROP INDEX passages_by_note",
    ],
)
def test_a_catalogue_with_other_tables_than_ours_is_refused(store, root, change):
    with closing(sqlite3.connect(generation(root) / "catalogue.sqlite")) as db:
        db.execute(change)
    seal(root)
    with pytest.raises(IndexUnusable, match=r"catalogue\.sqlite .*not those of this ragqa"):
        store.snapshot()


@pytest.mark.parametrize("data", [b"{}", b"", b"\xff"])
def test_a_foreign_terms_index_is_refused_even_where_the_manifest_vouches_for_it(store, root, data):
    (generation(root) / "terms/meta.json").write_bytes(data)
    seal(root)
    with pytest.raises(IndexUnusable, match="terms"):
        answers(store)


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE passages SET start_char = x'ff'",
        "UPDATE passages SET last_line = 'x'",
        "UPDATE passages SET text = x'ff'",
        "UPDATE passages SET heading = '[1]'",
        "UPDATE passages SET heading = '{}'",
        "UPDATE passages SET heading = '[['",
        """UPDATE passages SET units = '[["paragraph", 0, "x", ""]]'""",
        """UPDATE passages SET units = '[["paragraph", 0, 9, {}]]'""",
        """UPDATE passages SET units = '[["no kind", 0, 9, ""]]'""",
        "UPDATE passages SET units = replace(hex(zeroblob(50000)), '0', '[')",
        "UPDATE passages SET language = 'xx'",
        "UPDATE passages SET language = 7",
        "UPDATE notes SET language = 'DE'",
        """UPDATE notes SET title = '["a"]'""",
        """UPDATE notes SET aliases = '"abc"'""",
        "UPDATE notes SET date = x'00'",
    ],
    ids=lambda forgery: forgery[:60],
)
def test_a_forged_catalogue_is_refused(store, root, forgery):
    with closing(sqlite3.connect(generation(root) / "catalogue.sqlite")) as db:
        db.executescript(forgery)
    seal(root)
    with pytest.raises(IndexUnusable, match=r"catalogue\.sqlite"):
        answers(store)


@pytest.mark.parametrize("count", [2**32 - 1, 10**9, -1])
def test_a_terms_index_of_more_documents_than_its_files_hold_is_refused(store, root, count):
    path = generation(root) / "terms/meta.json"
    content = json.loads(path.read_bytes())
    content["segments"][0]["max_doc"] = count
    path.unlink()
    path.write_text(json.dumps(content))
    seal(root)
    with pytest.raises(IndexUnusable, match=f"claims {count} documents"):
        store.snapshot()


def test_files_of_two_indexes_put_together_are_a_problem(store, root):
    other = LocalStore(root.with_name("other"))
    commit(other, entry("a.md", "one", "two", "three"), entry("b.md", "four", "five", "six"))
    shutil.copyfile(generation(root.with_name("other")) / "rows.npy", generation(root) / "rows.npy")
    seal(root)
    assert any("12 of 6" in problem for problem in store.problems())


def test_bad_vectors_and_wrong_counts_are_problems(store, root):
    content = json.loads((generation(root) / "manifest.json").read_text())
    content["info"]["notes"] = 9
    write_manifest(generation(root), content)
    (generation(root) / "vectors.faiss").write_bytes(
        flat(6).replace(b"\0\0\x80\x3f", b"\0\0\xc0\x7f")
    )
    seal(root)
    problems = " ".join(store.problems())
    assert "4 notes and 6 passages, the manifest says 9 and 6" in problems
    assert "6 bad vectors" in problems


@pytest.mark.parametrize("number", [-5, 2**40, 2**63 - 1])
def test_a_note_with_a_number_that_none_has_is_a_fault_and_no_crash(store, root, number):
    with closing(sqlite3.connect(generation(root) / "catalogue.sqlite")) as db:
        db.execute("UPDATE notes SET id = ? WHERE path = ?", (number, b"one.md"))
        db.execute(
            "UPDATE passages SET note = ? WHERE note NOT IN (SELECT id FROM notes)", (number,)
        )
        db.commit()
    seal(root)
    with closing(store.snapshot()) as snapshot:
        assert snapshot.dense(embedding("apple"), 9, Filters(paths=("one.md",))) == []
    assert store.problems() != []
    if number > 0:
        with pytest.raises(IndexUnusable, match="a note has the number"):
            commit(store, NEW)
