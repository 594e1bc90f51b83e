"""The catalogue of a generation in the making; nobody but its writer reads it."""

import json
import os
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from ragqa.errors import IndexUnusable
from ragqa.stores.catalogue import SCHEMA, Catalogue, as_blob
from ragqa.types import Note, Passage, Stamp

# The file is thrown away unless it is finished, and its writer sees it to the disk.
_PRAGMAS = ("journal_mode = MEMORY", "synchronous = OFF", "foreign_keys = ON")

_INSERT_NOTE = (
    "INSERT INTO notes (path, sha256, size, mtime_ns, settled, title, date, tags, aliases, links)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)
_INSERT_PASSAGE = "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Removed(NamedTuple):
    """A note that was taken out, by its number, and the ids of its passages."""

    note: int
    passages: list[int]


class CatalogueDraft(Catalogue):
    """A catalogue that can be changed; a file that is there is continued.

    After an error it is not to be finished: a note may be in it by half.
    """

    def remove(self, path: str) -> Removed | None:
        """Take out a note with its passages, if it is there."""
        with self._naming():
            found = self._db.execute("SELECT id FROM notes WHERE path = ?", (os.fsencode(path),))
            row = found.fetchone()
            if row is None:
                return None
            note = row["id"]
            passages = self._db.execute("SELECT id FROM passages WHERE note = ?", (note,))
            removed = Removed(note, [passage["id"] for passage in passages])
            self._db.execute("DELETE FROM notes WHERE id = ?", (note,))
            return removed

    def add(self, note: Note, *, settled: bool, passages: Sequence[Passage]) -> int:
        """Put in a note that is not there and give it a number.

        What its passages repeat of the note (path, title, digest, date) is kept once, with it.

        :raises IndexUnusable: a passage has the id of another.
        """
        with self._naming():
            number = int(self._db.execute(_INSERT_NOTE, _note_row(note, settled)).fetchone()["id"])
            tags = [(number, as_blob(tag)) for tag in dict.fromkeys(note.tags)]
            self._db.executemany("INSERT INTO tags VALUES (?, ?)", tags)
            rows = (_passage_row(number, passage) for passage in passages)
            try:
                self._db.executemany(_INSERT_PASSAGE, rows)
            except sqlite3.IntegrityError as exc:
                raise IndexUnusable(
                    f"a passage of the note {note.path} has the id of another passage",
                    hint="ragqa doctor",
                ) from exc
            return number

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Put down a new stamp for a note, if it is there."""
        with self._naming():
            self._db.execute(
                "UPDATE notes SET size = ?, mtime_ns = ?, settled = ? WHERE path = ?",
                (stamp.size, stamp.mtime_ns, settled, os.fsencode(path)),
            )

    def finish(self) -> None:
        """Write everything to the file and let go of it."""
        with self._naming():
            self._db.execute("COMMIT")
        self.close()

    def _connect(self) -> sqlite3.Connection:
        is_new = not self._path.exists()
        db = sqlite3.connect(self._path, isolation_level=None)
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        for statement in SCHEMA if is_new else ():
            db.execute(statement)
        return db


def _note_row(note: Note, settled: bool) -> tuple[object, ...]:  # noqa: FBT001 - a column's value
    return (
        os.fsencode(note.path),
        note.sha256,
        note.stamp.size,
        note.stamp.mtime_ns,
        settled,
        json.dumps(note.title),
        note.date,
        json.dumps(note.tags),
        json.dumps(note.aliases),
        json.dumps([(link.target, link.wiki) for link in note.links]),
    )


def _passage_row(note: int, passage: Passage) -> tuple[object, ...]:
    units = [(unit.kind.value, unit.start, unit.end, unit.context) for unit in passage.units]
    return (
        passage.id,
        note,
        passage.embedding_key,
        passage.start,
        passage.end,
        *passage.lines,
        json.dumps(passage.heading),
        passage.text,
        json.dumps(units),
    )
