"""Mending a damaged index: only what is damaged is made anew, and it answers as before."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hashed import HashedEmbedder
from indexing.building import source_with
from stores.building import quick_folder
from support import write_notes

from ragqa.errors import IndexUnusable, NoIndex, WriterBusy
from ragqa.indexing.building import refresh, repair
from ragqa.stores import by_note, open_store
from ragqa.stores.disk import locked
from ragqa.text.words import query_terms
from ragqa.types import Filters

DIMENSION = 32
NOTES = 40
CANARY = 1
QUESTIONS = ("what grows in the garden?", "a note about honey", "number 4")


@pytest.fixture(autouse=True)
def as_if_large(monkeypatch):
    keep_as_large(monkeypatch)


def keep_as_large(patch):
    """Terms are added to, as in a large index, and count nothing that was deleted."""
    patch.setattr("ragqa.stores.local.derived.REWRITE_BELOW", 0)
    patch.setattr("ragqa.stores.local.derived.MAX_DEAD_SHARE", 0)


class Place:
    """A folder with notes and an index of them, and what can be asked of it."""

    def __init__(self, folder):
        self.folder, self.root = folder, folder / "index"
        self.embedder = HashedEmbedder(DIMENSION)
        self.source = source_with(folder, self.embedder)
        self.store = open_store(self.root)

    def refresh(self):
        return refresh(self.store, self.source)

    def repair(self, **options):
        return repair(self.store, self.source, **options)

    def embedded_by(self, act):
        before = self.embedder.embedded
        act()
        return self.embedder.embedded - before

    def files(self, pattern="*"):
        return sorted(path for path in self.root.rglob(pattern) if path.is_file())

    def found(self):
        """What both legs find, with scores, and all that is kept of passages and notes."""
        with self.store.snapshot() as snapshot:
            legs = []
            for question in QUESTIONS:
                vector = self.embedder.embed_query(question).pooled
                legs.append(snapshot.dense(vector, NOTES, Filters()))
                legs.append(snapshot.terms(query_terms(question), NOTES, Filters()))
            legs = [sorted((id_, round(score, 5)) for id_, score in leg) for leg in legs]
            return legs, dict(by_note(snapshot)), snapshot.notes()


@pytest.fixture(scope="module")
def made():
    """An index with terms that were added to."""
    with quick_folder() as folder, pytest.MonkeyPatch.context() as patch:
        keep_as_large(patch)
        texts = {
            f"{i}.md": f"# Note {i}\n\nA note about honey, number {i}.\n" for i in range(NOTES)
        }
        write_notes(folder / "notes", texts)
        place = Place(folder)
        place.refresh()
        changed = "# Note one\n\nChanged: what grows in the garden is number 1.\n"
        write_notes(folder / "notes", {"1.md": changed})
        (folder / "notes/2.md").unlink()
        place.refresh()
        write_notes(folder / "notes", {"new.md": "# New\n\nRoses grow in the garden.\n"})
        place.refresh()
        assert len(place.files("terms-*/*.store")) == 2
        yield folder


@pytest.fixture
def copy(made):
    """Makes a copy of notes and index by its name."""
    with quick_folder() as folder:

        def make(name):
            place = Path(tempfile.mkdtemp(prefix=name, dir=folder)) / name
            subprocess.run(["cp", "-a", made, place], check=True)
            return Place(place)

        yield make


@pytest.fixture
def place(copy):
    return copy("one")


def missing(path):
    path.unlink()


def truncated(path):
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: len(data) // 2])


def flipped(path):
    """One bit and neither size nor time, as a disk does it."""
    flip(path, path.stat().st_size // 2)


def flip(path, offset):
    status, data = path.stat(), bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def change(place, statement):
    """Change the database, but not its checksums."""
    with closing(sqlite3.connect(place.root / "index.sqlite")) as db:
        db.execute(statement)
        db.commit()


def repaired_without_notes(place):
    """Repair an index whose notes are not there; gives what was done and the passages embedded."""
    before = place.embedder.embedded
    (place.folder / "notes").rename(place.folder / "away")
    done = [each.partition(", since")[0] for each in place.repair()]
    (place.folder / "away").rename(place.folder / "notes")
    return done, place.embedder.embedded - before


@pytest.mark.parametrize("damage", [missing, flipped])
def test_terms_are_made_anew_without_reading_a_note_or_embedding_anything(copy, damage):
    first = copy("one")
    files = [path for path in first.files("terms-*/*") if path.suffix != ".lock"]
    for name in [path.relative_to(first.root) for path in files]:
        place = copy("one")
        before = place.found()
        damage(place.root / name)
        assert repaired_without_notes(place) == (["rebuilt the terms"], CANARY), name
        assert place.found() == before, name
        assert place.store.problems() == [], name


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE passages SET data = x'00' WHERE id = (SELECT min(id) FROM passages)",
        "DELETE FROM passages WHERE id = (SELECT min(id) FROM passages)",
        "DELETE FROM notes WHERE id = 4",
        "UPDATE notes SET data = '[]' WHERE id = 4",
        "UPDATE embeddings SET vector = zeroblob(64) WHERE row = 3",
        "UPDATE embeddings SET key = 1 WHERE row = 3",
        "DELETE FROM embeddings WHERE row = 3",
    ],
)
def test_where_a_row_is_damaged_notes_are_read_but_sound_embeddings_kept(place, statement):
    before = place.found()
    change(place, statement)
    with pytest.raises(IndexUnusable) as caught:
        place.found()
    assert caught.value.hint == "ragqa index --rebuild"
    lost = "embeddings" in statement
    assert place.embedded_by(place.repair) <= lost + 4 * CANARY
    assert place.found() == before
    assert place.store.problems() == []


def test_where_nothing_is_damaged_nothing_is_written(place):
    def written():
        statuses = {path: path.stat() for path in place.root.rglob("*")}
        return {
            path: (status.st_ino, status.st_mtime_ns)
            for path, status in statuses.items()
            # Any reader leaves an empty log.
            if path.name not in {"LOCK", "index.sqlite-wal", "index.sqlite-shm"}
        }

    before = written()
    assert place.repair() == ()
    assert written() == before


def test_a_repair_waits_for_no_other_writer_unless_told_to(place):
    truncated(place.files("terms-*/meta.json")[0])
    with locked(place.root, wait=False), pytest.raises(WriterBusy):
        place.repair()


STEPS = ("open", "os.remove", "os.link", "os.mkdir", "os.rename", "sqlite3.connect")


def killed_at(step, act):
    """Do something in a process that is killed at a step; whether it was done before."""
    process = os.fork()
    if process == 0:
        left = itertools.count(step - 1, -1)

        def count(event, _):
            if event in STEPS and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            act()
        finally:
            os._exit(0)
    return os.waitpid(process, 0)[1] == 0


@pytest.mark.parametrize(
    ("statement", "embedded"),
    [
        ("UPDATE embeddings SET key = -key WHERE row < 9", 8),
        ("UPDATE passages SET data = 'No note says this.'", 0),
    ],
    ids=["embeddings", "passages"],
)
def test_wherever_a_repair_is_killed_the_next_one_mends_the_index(copy, statement, embedded):
    before = copy("one").found()
    for step in itertools.count(1, 23):
        place = copy("killed")
        change(place, statement)
        truncated(place.files("terms-*/meta.json")[0])
        done = killed_at(step, place.repair)
        embedding = place.embedder.embedded
        with suppress(NoIndex):
            place.repair()
        place.refresh()
        assert place.embedder.embedded - embedding <= embedded + 4 * CANARY, step
        assert place.found() == before, step
        assert place.store.problems() == [], step
        assert not list(place.root.glob("salvage*")), step
        if done:
            break
    assert step > 10
