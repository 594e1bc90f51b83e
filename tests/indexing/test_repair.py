"""Mending a damaged index: only what is damaged is made anew, and it answers as before."""

import math
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from itertools import count

import faiss
import numpy as np
import pytest
from stores.building import quick_folder
from stores.sealing import generation, seal

from ragqa.embedders.hashed import HashedEmbedder
from ragqa.errors import IndexUnusable, WriterBusy
from ragqa.indexing import Embedders, Source, refresh
from ragqa.indexing.repairing import Checked, check_passages, repair
from ragqa.passages import Chunking
from ragqa.stores import open_store
from ragqa.stores.disk import stepping
from ragqa.stores.local.lock import locked
from ragqa.stores.local.terms import write_terms
from ragqa.text.words import query_terms
from ragqa.types import Corpus, Filters

DIMENSION = 32
OLD = 1_700_000_000
QUESTIONS = ("what grows in the garden?", "a note about honey", "number 4")


def keep_as_large(patch):
    """Changes are kept beside the base, as those of a large index are, and terms count no dead."""
    patch.setattr("ragqa.stores.local.writer.REWRITE_BELOW", 0)
    patch.setattr("ragqa.stores.local.writer.MAX_DELTA_SHARE", math.inf)
    patch.setattr("ragqa.stores.local.writer.MAX_DEAD_SHARE", 0)


@pytest.fixture(autouse=True)
def as_if_large(monkeypatch):
    keep_as_large(monkeypatch)


def write(folder, name, text):
    path = folder / "notes" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (OLD, OLD + len(text)))


class Place:
    """A folder with notes and an index of them, and what can be asked of it."""

    def __init__(self, folder, embedder=None):
        self.folder = folder
        self.root = folder / "index"
        self.embedder = embedder or HashedEmbedder(DIMENSION)
        self.source = Source(
            corpus=Corpus.of(folder / "notes"),
            index=self.root,
            embedders=Embedders("hashed", lambda *_, **__: self.embedder),
            chunking=Chunking(),
            max_note_bytes=100_000,
        )
        self.store = open_store(self.root)

    @property
    def generation(self):
        return generation(self.root)

    def refresh(self):
        return refresh(self.store, self.source)

    def repair(self, **options):
        return repair(self.store, self.source, **options)

    def found(self):
        """What both legs find, with scores, and all that is kept of passages and notes."""
        with closing(self.store.snapshot()) as snapshot:
            legs = []
            for question in QUESTIONS:
                vector = self.embedder.embed_query(question).pooled
                legs.append(snapshot.dense(vector, 50, Filters()))
                legs.append(snapshot.terms(query_terms(question), 50, Filters()))
            return legs, dict(snapshot.by_note()), snapshot.notes()

    def faults(self):
        """All that is wrong, and where."""
        if problems := self.store.problems():
            return problems
        with closing(self.store.snapshot()) as snapshot:
            checked = check_passages(snapshot, self.source, self.embedder, progress=lambda *_: None)
        return [fault.what for fault in checked.faults]


@pytest.fixture(scope="module")
def made():
    """An index with something in base and delta, and an older generation beside it."""
    with quick_folder() as folder, pytest.MonkeyPatch.context() as patch:
        keep_as_large(patch)
        for i in range(6):
            write(folder, f"{i}.md", f"# Note {i}\n\nA note about honey, number {i}.\n")
        place = Place(folder)
        place.refresh()
        write(folder, "1.md", "# Note one\n\nChanged: what grows in the garden is number 1.\n")
        place.refresh()
        (folder / "notes/2.md").unlink()
        write(folder, "new.md", "# New\n\nRoses grow in the garden.\n")
        place.refresh()
        assert (place.generation / "delta").is_dir()
        yield folder


@pytest.fixture
def copy(made):
    """Makes a copy of notes and index by its name; hard links stay such."""
    with quick_folder() as folder:

        def make(name):
            shutil.rmtree(folder / name, ignore_errors=True)
            subprocess.run(["cp", "-a", made, folder / name], check=True)
            return Place(folder / name)

        yield make


@pytest.fixture
def place(copy):
    return copy("one")


def without_a_sample(monkeypatch):
    """So that what is embedded is what is made anew, and the canary."""
    nothing = Checked(0, 0, 1.0, ())
    monkeypatch.setattr("ragqa.indexing.repairing.check_passages", lambda *_, **__: nothing)


def replace_bytes(path, data):
    path.unlink()
    path.write_bytes(data)


def missing(path, _):
    path.unlink()


def truncated(path, _):
    replace_bytes(path, path.read_bytes()[: path.stat().st_size // 2])


def flipped(path, _):
    """One bit and neither size nor time, as a disk does it; hard links to the file have it, too."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def swapped(path, other):
    replace_bytes(path, other.read_bytes())


def other_of(path, place):
    """A file of the same name of another generation, or of another index; None if there is none."""
    name = path.relative_to(place.generation)
    for folder in [place.root / "gen-000002", place.folder.parent / "other/index/gen-000001"]:
        other = folder / name
        if other.is_file() and other.read_bytes() != path.read_bytes():
            return other
    return None


def with_files_of_another_index(copy):
    place = copy("other")
    shutil.rmtree(place.root)
    write(place.folder, "0.md", "# Note 0\n\nThis is quite another note.\n")
    place.refresh()


BASE = {"vectors.faiss", "rows.npy"}
NEW = {"delta/vectors.faiss", "delta/rows.npy"}
PARTS = {
    "vectors.faiss": BASE, "rows.npy": BASE, "delta/vectors.faiss": NEW, "delta/rows.npy": NEW,
}  # fmt: skip
CANARIES = 3
"""The embedder is checked before each of two rounds, and before a refresh."""


@pytest.mark.parametrize("damage", [missing, truncated, flipped, swapped])
def test_whichever_file_is_damaged_it_is_made_anew_and_nothing_else(copy, damage, monkeypatch):
    with_files_of_another_index(copy)
    without_a_sample(monkeypatch)
    damaged = 0
    folder = copy("first").generation
    for name in sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")):
        if name.endswith(".lock"):
            continue
        place = copy("one")
        before, old, path = place.found(), place.generation, place.generation / name
        other = other_of(path, place)
        if damage is swapped and other is None:
            continue
        damage(path, other)
        damaged += 1
        embedded = place.embedder.embedded
        assert place.repair(), name
        made = place.embedder.embedded - embedded
        assert place.found() == before, name
        assert place.faults() == [], name
        assert made <= passages_made_for(name) + CANARIES, name
        if name in PARTS or name.startswith("terms/"):
            assert redone(old, place.generation) == (PARTS.get(name) or terms_of(place)), name
    assert damaged >= (8 if damage is swapped else 12)


def passages_made_for(name):
    """How many passages are in that part; two notes of six have changed or gone."""
    return {"vectors.faiss": 4, "rows.npy": 4, "delta/vectors.faiss": 2, "delta/rows.npy": 2}.get(
        name, 1
    )


def terms_of(place):
    folder = place.generation
    return {str(path.relative_to(folder)) for path in (folder / "terms").iterdir()}


def redone(old, new):
    """The files of a generation that are not another one's, but for the manifest."""
    return {
        name
        for path in new.rglob("*")
        if path.is_file()
        and (name := str(path.relative_to(new))) != "manifest.json"
        and not ((old / name).exists() and path.samefile(old / name))
    }


@pytest.mark.parametrize("content", [None, b"", b"gen-000009\n", b"gen-0000\xff3"])
def test_a_pointer_that_names_nothing_is_set_to_the_newest_sound_generation(place, content):
    before, pointer = place.found(), place.root / "CURRENT"
    pointer.unlink() if content is None else pointer.write_bytes(content)
    assert "went back to gen-000003" in place.repair()[0]
    assert place.found() == before
    assert place.faults() == []


def test_where_no_generation_can_be_read_all_notes_are_embedded_again(place):
    before = place.found()
    for path in place.root.glob("*/manifest.json"):
        path.write_text("{}")
    assert "read and embedded all notes again" in place.repair()[0]
    assert place.found() == before
    assert place.faults() == []


def test_damage_to_everything_at_once_is_mended(place):
    before = place.found()
    for path in place.generation.rglob("*.*"):
        if path.name != "manifest.json":
            truncated(path, None)
    (place.root / "CURRENT").unlink()
    assert place.repair()
    assert place.found() == before
    assert place.faults() == []


def exchange_rows(place):
    """The vectors of two passages for each other's: every file still fits every other."""
    rows = np.load(place.generation / "rows.npy")
    rows[:, [0, 3]] = rows[:, [3, 0]]
    save(place.generation / "rows.npy", rows)


def exchange_notes(place):
    rows = np.load(place.generation / "rows.npy")
    rows[1, [0, 1]] = rows[1, [1, 0]]
    save(place.generation / "rows.npy", rows)


def drop_a_row(place):
    """A passage less; and FAISS is asked for as many vectors as there are rows."""
    rows = np.load(place.generation / "delta/rows.npy")
    save(place.generation / "delta/rows.npy", rows[:, 1:])
    put_vectors(place.generation / "delta/vectors.faiss", np.eye(1, DIMENSION))


def another_unit_vector(place):
    put_vectors(place.generation / "vectors.faiss", np.eye(6, DIMENSION))


def no_unit_vector(place):
    put_vectors(place.generation / "delta/vectors.faiss", np.ones((2, DIMENSION)))


def put_vectors(path, matrix):
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(matrix.astype(np.float32))
    replace_bytes(path, bytes(faiss.serialize_index(index)))


def save(path, rows):
    path.unlink()
    np.save(path, rows)


def lose_terms(place):
    with closing(place.store.snapshot()) as snapshot:
        passages = list(snapshot.all_passages())
    folder = place.generation / "terms"
    shutil.rmtree(folder)
    folder.mkdir()
    write_terms(folder, passages[1:])


def change_the_catalogue(place, statement):
    path = place.generation / "catalogue.sqlite"
    replace_bytes(path, path.read_bytes())
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


def change_a_text(place):
    change_the_catalogue(place, "UPDATE passages SET text = 'No note says this.' WHERE note = 4")


def lengthen_a_text(place):
    """Beyond the embedder's window."""
    change_the_catalogue(
        place, "UPDATE passages SET text = replace(hex(zeroblob(900)), '00', 'no ')"
    )


def lose_a_passage(place):
    change_the_catalogue(place, "DELETE FROM passages WHERE note = 4")


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (exchange_rows, "2 of 6 passages got another embedding when embedded again"),
        (exchange_notes, "rows.npy does not hold the passages of the catalogue: 2 of 4"),
        (drop_a_row, "1 of 2 are in only one of them or have different notes; it lacks some of"),
        (another_unit_vector, "got another embedding when embedded again"),
        (no_unit_vector, "delta/vectors.faiss holds 2 bad vectors, such as those of 1.md, new.md"),
        (lose_terms, "1 of 6 are in only one of them or have different notes; it lacks some of"),
        (change_a_text, "the index has 1 passage not found in the unchanged notes, such as 3"),
        (lengthen_a_text, "the index has 4 passages not found in the unchanged notes"),
        (lose_a_passage, "has 6 notes and 5 passages, the manifest says 6 and 6"),
    ],
)
def test_what_a_manifest_vouches_for_is_found_and_mended_all_the_same(place, forge, told):
    before = place.found()
    forge(place)
    seal(place.root)
    assert told in " ".join(place.faults())
    assert place.repair()
    assert place.found() == before
    assert place.faults() == []


def test_where_nothing_is_damaged_nothing_is_written(place):
    def written():
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in every()}

    def every():
        return place.root.rglob("*")

    before, steps = written(), []
    with stepping(steps.append):
        assert place.repair() == ()
    assert written() == before
    assert steps == ["lock"]


def test_a_repair_waits_for_no_other_writer_unless_told_to(place):
    with locked(place.root, wait=False), pytest.raises(WriterBusy):
        place.repair()


def damage_vectors_and_terms(place):
    truncated(place.generation / "terms/meta.json", None)
    truncated(place.generation / "delta/rows.npy", None)


def damage_the_manifest(place):
    truncated(place.generation / "manifest.json", None)


class Killed(BaseException):
    """The process is at its end: nothing that it would still do happens."""


@pytest.mark.parametrize(
    ("damage", "steps"),
    [(damage_vectors_and_terms, None), (damage_the_manifest, 8)],
    ids=["to its end", "while it goes back to an older generation"],
)
def test_at_whichever_step_a_repair_is_killed_the_next_one_mends_the_index(copy, damage, steps):
    before = copy("sound").found()
    for last in range(1, steps) if steps else count(1):
        place, done = copy("one"), []

        def kill(name, done=done, last=last):
            done.append(name)
            if len(done) >= last:
                raise Killed

        damage(place)
        with stepping(kill), suppress(Killed):
            place.repair()
        if place.store.problems():
            with pytest.raises(IndexUnusable):
                place.found()
        else:
            assert place.found()[0]
        place.repair()
        place.refresh()
        assert place.found() == before, done
        if len(done) < last:
            break
    assert place.faults() == []
    assert last > (20 if steps is None else 6)
