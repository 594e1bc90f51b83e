"""A damaged index is built anew from the notes, and its sound embeddings are kept."""

import itertools
import os
import signal
import sqlite3
import sys
from contextlib import closing

import pytest
from hashed import HashedEmbedder
from index.building import quick_folder, source_with
from support import write_notes

from ragqa.errors import NeedsRebuild
from ragqa.index import Store
from ragqa.index.refresh import refresh
from ragqa.types import Filters

NOTES = 40
CANARY = 1


class Place:
    """A folder with notes and an index of them."""

    def __init__(self, folder):
        self.root = folder / "index"
        self.embedder = HashedEmbedder(32)
        self.query = self.embedder.embed_query("number 4").pooled
        self.source = source_with(folder, self.embedder)
        self.store = Store(self.root)
        texts = {f"{i}.md": f"# Note {i}\n\nAbout honey, number {i}.\n" for i in range(NOTES)}
        write_notes(folder / "notes", texts)
        refresh(self.store, self.source)

    def embedded_by(self, **options):
        before = self.embedder.embedded
        refresh(self.store, self.source, **options)
        return self.embedder.embedded - before

    def found(self):
        with self.store.snapshot() as snapshot:
            hits = snapshot.nearest(self.query, NOTES, Filters())
            return hits, snapshot.passages(at=[*snapshot.states]), snapshot.notes()

    def change(self, statement):
        """Change the database, but not its checksums."""
        with closing(sqlite3.connect(self.root / "index.sqlite")) as db:
            db.execute(statement)
            db.commit()

    def spoil(self):
        """Spoil a page that a question does not read."""
        path = self.root / "index.sqlite"
        with closing(sqlite3.connect(path)) as db:
            query = "SELECT rootpage FROM sqlite_master WHERE name = 'passages_by_note'"
            page, size = (db.execute(each).fetchone()[0] for each in (query, "PRAGMA page_size"))
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(bytes(100))


@pytest.fixture
def place():
    with quick_folder() as folder:
        yield Place(folder)


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("UPDATE passages SET data = x'00' WHERE note = 4", 0),
        ("UPDATE notes SET data = '[]' WHERE id = 4", 0),
        ("UPDATE embeddings SET vector = zeroblob(64) WHERE row = 3", 1),
    ],
)
def test_damage_in_a_row_is_found_and_building_anew_embeds_no_more_than_was_lost(
    place, statement, lost
):
    before, told = place.found(), []
    place.change(statement)
    with pytest.raises(NeedsRebuild) as caught:
        place.found()
    assert caught.value.hint == "ragqa index --rebuild"
    embedded = place.embedded_by(progress=lambda stage, *_: told.append(stage))
    assert embedded <= lost + 2 * CANARY
    assert told.count("anew") == 1
    assert place.found() == before


STEPS = ("open", "os.remove", "os.rename", "sqlite3.connect")


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


def test_wherever_building_anew_is_killed_the_next_refresh_ends_it():
    for step in itertools.count(1, 61):
        with quick_folder() as folder:
            place = Place(folder)
            before = place.found()
            place.spoil()
            done = killed_at(step, place.embedded_by)
            place.embedded_by()
            assert place.found() == before, step
            assert not list(place.root.glob("anew*")), step
            if done:
                break
    assert step > 61
