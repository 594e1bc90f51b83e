"""An index of the format before this one: its notes, passages and embeddings are taken over.

`format-5.zip` was written by the last ragqa of that format, as a large index is: embeddings beside
inverted lists, and a second commit in `delta/`. It has no terms, which are not read.
"""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from stores.building import FRUIT, INFO, answers, commit, entry

from ragqa.errors import OtherFormat
from ragqa.stores.decoding import digest_of
from ragqa.stores.local.store import LocalStore

ENTRIES = (
    FRUIT[2],
    FRUIT[3],
    entry("many.md", *(f"word{n}" for n in range(24))),
    entry("new.md", "apple banana cherry", "fig date", tags=("new",)),
    entry("one.md", "grape only"),
)
AT_REST = ["LOCK", "index.sqlite", "seal.json", "terms-1"]


@pytest.fixture
def old(root):
    root.mkdir()
    with zipfile.ZipFile(Path(__file__).with_name("format-5.zip")) as packed:
        packed.extractall(root)
    return LocalStore(root)


def names(root):
    return sorted(path.name for path in root.iterdir() if "sqlite-" not in path.name)


def manifest_of(root, **changed):
    """Change the manifest of the old index, with the digest that it should have."""
    path = root / "gen-000002/manifest.json"
    content = {**json.loads(path.read_bytes()), **changed}
    content.pop("digest")
    path.write_text(json.dumps({**content, "digest": digest_of(content)}))
    return content


def test_an_older_index_answers_as_one_that_was_made_anew_and_nothing_is_embedded(old, root):
    made = LocalStore(root.with_name("made"))
    commit(made, *ENTRIES)
    assert answers(old) == answers(made)
    assert old.state()[0].generation == 2
    assert old.problems() == []
    assert names(root) == AT_REST
    given = {
        p.embedding_key: row for e in ENTRIES for p, row in zip(e.passages, e.vectors, strict=True)
    }
    for fresh in (False, True):
        with old.writer(fresh=fresh, wait=False) as writer:
            kept = writer.vectors(given)
        assert kept.keys() == (given.keys() if not fresh else set())
        assert all(np.array_equal(kept[key], given[key]) for key in kept)
    assert commit(old, FRUIT[0]).generation == 3


def test_taking_over_goes_on_after_it_was_killed(old, root):
    shutil.copytree(root / "gen-000002", root / "taken-over")
    shutil.copytree(root / "gen-000002", root / "terms-1")
    assert len(answers(old)[2]) == len(ENTRIES)
    assert names(root) == AT_REST
    assert old.problems() == []


def flip_a_bit(root):
    path = root / "gen-000002/vectors.faiss"
    data = bytearray(path.read_bytes())
    data[-9] ^= 4
    path.write_bytes(data)


def make_a_view(root):
    path = root / "gen-000002/delta/catalogue.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE gone RENAME TO other")
        db.execute(
            "CREATE VIEW gone AS WITH RECURSIVE c(note) AS "
            "(SELECT 1 UNION ALL SELECT note + 1 FROM c) SELECT note FROM c"
        )
        db.commit()
    content = manifest_of(root)
    files = {name: record for name, record in content["files"].items() if "delta/cat" not in name}
    manifest_of(root, files=files)


DAMAGE = {
    "a bit": flip_a_bit,
    "a view": make_a_view,
    "format 4": lambda root: manifest_of(root, format=4),
    "no info": lambda root: manifest_of(root, info=None),
    "no file": lambda root: (root / "gen-000002/rows.npy").unlink(),
    "no manifest": lambda root: (root / "gen-000002/manifest.json").unlink(),
    "a pointer": lambda root: (root / "CURRENT").write_text("../index/gen-000002"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_an_older_index_that_is_damaged_or_older_still_must_be_made_anew(old, root, damage):
    damage(root)
    for refused in (old.snapshot, old.state, lambda: commit(old, FRUIT[0])):
        with pytest.raises(OtherFormat, match="was written by") as caught:
            refused()
        assert caught.value.hint == "ragqa index"
    old.tidy()
    assert "was written by" in old.problems()[0]
    assert names(root) == ["CURRENT", "LOCK", "gen-000002"]
    assert commit(old, *FRUIT, fresh=True).notes == len(FRUIT)
    assert names(root) == AT_REST
    assert len(answers(old)[2]) == len(FRUIT)
    assert INFO.generation == 0
