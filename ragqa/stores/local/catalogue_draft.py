"""The catalogue of a draft generation; only its writer reads it."""

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ragqa.errors import IndexUnusable
from ragqa.stores.decoding import units_json
from ragqa.stores.disk import naming_file
from ragqa.stores.filters import fold_tag
from ragqa.stores.local.catalogue import LAST_NUMBER, Catalogue, as_blob
from ragqa.stores.local.schema import DELTA_SCHEMA, SCHEMA
from ragqa.types import Note, Passage, Stamp

# An unfinished file is discarded, and the writer syncs a finished one.
_PRAGMAS = ("journal_mode = MEMORY", "synchronous = OFF", "foreign_keys = ON")

_INSERT_NOTE = "INSERT INTO main.notes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_PASSAGE = "INSERT INTO main.passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class CatalogueDraft(Catalogue):
    """A writable catalogue, or a delta to one; continues an existing file.

    Do not finish it after an error: a note may be half written.
    """

    def __init__(self, path: Path, base: Path | None = None) -> None:
        super().__init__(path, base)
        self._last = max([self._number("ifnull(max(id), 0) FROM all_notes"), *self.gone()])
        with self._naming():
            if not 0 <= self._last < LAST_NUMBER:
                raise ValueError(f"a note has the number {self._last}")
            self._db.execute("BEGIN")

    def remove(self, path: str) -> tuple[int, int] | None:
        """Delete a note with its passages; returns its number and theirs, None if it is unknown."""
        with self._naming():
            note = self.note_at(path)
            if note is None:
                return None
            passages = self._number(f"count(*) FROM all_passages WHERE note = {note:d}")
            if not self._db.execute("DELETE FROM main.notes WHERE id = ?", (note,)).rowcount:
                self._db.execute("INSERT INTO main.gone VALUES (?)", (note,))
            return note, passages

    def add(self, note: Note, *, settled: bool, passages: Sequence[Passage]) -> int:
        """Insert a new note and return the number assigned to it.

        Fields that passages share with their note (path, title, digest, date) are stored once.

        :raises IndexUnusable: a passage has the id of another.
        """
        number = self._last = self._last + 1
        with self._naming():
            self._db.execute(_INSERT_NOTE, (number, *_note_row(note, settled)))
            tags = [(number, as_blob(tag)) for tag in dict.fromkeys(map(fold_tag, note.tags))]
            self._db.executemany("INSERT INTO main.tags (note, tag) VALUES (?, ?)", tags)
            ids = [passage.id for passage in passages]
            taken = any(self._fetch("SELECT id FROM all_passages WHERE id IN", ids))
            if taken or len(set(ids)) < len(ids):
                raise IndexUnusable(
                    f"a passage of the note {note.path} has the id of another passage",
                    hint="ragqa doctor",
                )
            rows = (_passage_row(number, passage) for passage in passages)
            self._db.executemany(_INSERT_PASSAGE, rows)
            return number

    def restamp(self, path: str, stamp: Stamp, *, settled: bool) -> None:
        """Record a new stamp for a note, if it exists."""
        values = (stamp.size, stamp.mtime_ns, settled, os.fsencode(path))
        with self._naming():
            query = "UPDATE main.notes SET size = ?, mtime_ns = ?, settled = ? WHERE path = ?"
            if not self._db.execute(query, values).rowcount and self._base is not None:
                self._db.execute(
                    "INSERT OR REPLACE INTO main.stamps (size, mtime_ns, settled, note)"
                    " SELECT ?, ?, ?, id FROM base.notes WHERE path = ? AND id NOT IN main.gone",
                    values,
                )

    def changed(self) -> int:
        """Count the passages added in the delta plus those deleted from the base."""
        added = self._number("count(*) FROM main.passages")
        return added + self._number("count(*) FROM base.passages WHERE note IN main.gone")

    def finish(self) -> None:
        """Write everything to the file and close it."""
        with self._naming():
            self._db.execute("COMMIT")
        self.close()

    def _connect(self) -> sqlite3.Connection:
        is_new = not self._path.exists()
        db = sqlite3.connect(f"file:{quote(os.fsencode(self._path.absolute()))}", uri=True)
        db.isolation_level = None
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        schema = (*SCHEMA, *(DELTA_SCHEMA if self._base is not None else ()))
        for statement in schema if is_new else ():
            db.execute(statement)
        return db


def fold(delta: Path, into: Path) -> None:
    """Apply a delta to a copy of its base.

    :raises IndexUnusable: SQLite fails.
    """
    with (
        naming_file(into, sqlite3.Error),
        closing(sqlite3.connect(into, isolation_level=None)) as db,
    ):
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        db.execute("ATTACH ? AS delta", (os.fsdecode(delta),))
        db.execute("BEGIN")
        db.execute("DELETE FROM main.notes WHERE id IN delta.gone")
        db.execute(
            "UPDATE main.notes SET size = stamps.size, mtime_ns = stamps.mtime_ns,"
            " settled = stamps.settled FROM delta.stamps AS stamps WHERE stamps.note = notes.id"
        )
        for table in ("notes", "tags", "passages"):
            db.execute(f"INSERT INTO main.{table} SELECT * FROM delta.{table}")  # noqa: S608 - our own names
        db.execute("COMMIT")


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
        json.dumps(note.properties),
        note.language,
    )


def _passage_row(note: int, passage: Passage) -> tuple[object, ...]:

    return (
        passage.id,
        note,
        passage.embedding_key,
        passage.start,
        passage.end,
        *passage.lines,
        json.dumps(passage.heading),
        passage.text,
        units_json(passage),
        passage.language,
    )
