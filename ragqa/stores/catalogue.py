"""The catalogue of one generation: notes and passages in SQLite, and the filters over them."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

from ragqa.errors import IndexUnusable
from ragqa.stores.failures import REBUILD, naming
from ragqa.stores.filters import path_matcher, start_of
from ragqa.types import Filters, Kind, NoteRecord, Passage, Stamp, Unit

# The name of a file need not be text, and SQLite takes only text as TEXT. So paths and tags are
# BLOBs, and titles, headings and the like, which may come from a file's name, are JSON, which
# escapes what is no text.
SCHEMA = (
    """
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        sha256 TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        settled INTEGER NOT NULL,
        title TEXT NOT NULL,
        date TEXT NOT NULL,
        tags TEXT NOT NULL,
        aliases TEXT NOT NULL,
        links TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE tags (
        note INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
        tag BLOB NOT NULL,
        PRIMARY KEY (note, tag)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY,
        note INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
        embedding_key INTEGER NOT NULL,
        start_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        first_line INTEGER NOT NULL,
        last_line INTEGER NOT NULL,
        heading TEXT NOT NULL,
        text TEXT NOT NULL,
        units TEXT NOT NULL
    )
    """,
    "CREATE INDEX passages_by_note ON passages (note)",
    "CREATE INDEX passages_by_embedding ON passages (embedding_key)",
)

_PASSAGES = (
    "SELECT passages.id AS id, note, embedding_key, start_char, end_char, first_line, last_line,"
    " heading, text, units, path, title, sha256, date, aliases"
    " FROM passages JOIN notes ON notes.id = passages.note"
)

_BATCH = 500
"""Parameters in one statement; old builds of SQLite take 999."""


class Catalogue:
    """The catalogue of a published generation, for reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._naming():
            self._db = self._connect()
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA trusted_schema = OFF")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def notes(self) -> dict[str, NoteRecord]:
        """Read every note's record, by path."""
        with self._naming():
            records = map(_record, self._db.execute("SELECT * FROM notes"))
            return {record.path: record for record in records}

    def counts(self) -> tuple[int, int]:
        """Count notes and passages."""
        with self._naming():
            counts = "SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM passages)"
            notes, passages = self._db.execute(counts).fetchone()
            return notes, passages

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Read passages in the order given.

        :raises IndexUnusable: one is not there.
        """
        with self._naming():
            rows = self._among(f"{_PASSAGES} WHERE passages.id IN", ids)
            found = {passage.id: passage for passage in map(_passage, rows)}
        for missing in set(ids) - found.keys():
            raise IndexUnusable(
                f"the index file {self._path} has no passage {missing}", hint=REBUILD
            )
        return [found[passage_id] for passage_id in ids]

    def all_passages(self) -> Iterator[tuple[int, Passage]]:
        """Read every passage, each with its note's number."""
        with self._naming():
            for row in self._db.execute(_PASSAGES):
                yield row["note"], _passage(row)

    def passages_of(self, notes: Iterable[int]) -> Iterator[tuple[int, Passage]]:
        """Read the passages of these notes, each with its note's number."""
        with self._naming():
            for row in self._among(f"{_PASSAGES} WHERE note IN", sorted(notes)):
                yield row["note"], _passage(row)

    def ids(self) -> list[int]:
        """Read the id of every passage."""
        with self._naming():
            return [row[0] for row in self._db.execute("SELECT id FROM passages")]

    def ids_by_embedding(self, embedding_keys: Iterable[int]) -> dict[int, int]:
        """Find for each embedding key a passage that has it; unknown keys are left out."""
        query = "SELECT embedding_key, id FROM passages WHERE embedding_key IN"
        with self._naming():
            rows = self._among(query, list(embedding_keys))
            return {row["embedding_key"]: row["id"] for row in rows}

    def ids_of(self, notes: Sequence[int]) -> list[int]:
        """Read the ids of the passages of these notes."""
        with self._naming():
            return [row[0] for row in self._among("SELECT id FROM passages WHERE note IN", notes)]

    def notes_matching(self, filters: Filters) -> list[int]:
        """Find the numbers of the notes that the filters let through."""
        clauses, values = ["1"], list[object]()
        for tag in filters.tags:
            clauses.append(
                "EXISTS (SELECT 1 FROM tags WHERE note = notes.id"
                " AND (tag = ? OR substr(tag, 1, ?) = ?))"
            )
            above = as_blob(f"{tag}/")
            values += [as_blob(tag), len(above), above]
        if filters.since:
            clauses.append("CASE date WHEN '' THEN mtime_ns >= ? ELSE date >= ? END")
            day, moment_ns = start_of(filters.since)
            values += [moment_ns, day]
        if filters.paths:
            clauses.append("path_matches(path)")
            matches = path_matcher(filters.paths)
            self._db.create_function("path_matches", 1, lambda path: matches(os.fsdecode(path)))
        with self._naming():
            query = " AND ".join(clauses)
            found = self._db.execute(f"SELECT id FROM notes WHERE {query}", values)  # noqa: S608 - clauses are ours, values parameters
            return [row[0] for row in found]

    def problems(self) -> list[str]:
        """Let SQLite look for damage."""
        with self._naming():
            found = [str(row[0]) for row in self._db.execute("PRAGMA quick_check")]
        return [f"the index file {self._path}: {line}" for line in found if line != "ok"]

    def _connect(self) -> sqlite3.Connection:
        uri = f"file:{quote(os.fsencode(self._path.absolute()))}?mode=ro&immutable=1"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    def _naming(self) -> AbstractContextManager[None]:
        return naming(self._path, sqlite3.Error, ValueError, TypeError, KeyError)

    def _among(self, query: str, values: Sequence[int]) -> Iterator[sqlite3.Row]:
        for start in range(0, len(values), _BATCH):
            batch = values[start : start + _BATCH]
            found = self._db.execute(f"{query} ({','.join('?' * len(batch))})", batch)
            # All at once: a cursor that an error leaves half read is closed after its database.
            yield from found.fetchall()


def as_blob(text: str) -> bytes:
    """Encode text, and whatever stands in it for bytes that are no text."""
    return text.encode("utf-8", "surrogatepass")


def _record(row: sqlite3.Row) -> NoteRecord:
    return NoteRecord(
        path=os.fsdecode(row["path"]),
        stamp=Stamp(size=row["size"], mtime_ns=row["mtime_ns"]),
        sha256=row["sha256"],
        settled=bool(row["settled"]),
        title=json.loads(row["title"]),
        tags=tuple(json.loads(row["tags"])),
        date=row["date"],
        aliases=tuple(json.loads(row["aliases"])),
    )


def _passage(row: sqlite3.Row) -> Passage:
    return Passage(
        id=row["id"],
        embedding_key=row["embedding_key"],
        path=os.fsdecode(row["path"]),
        title=json.loads(row["title"]),
        start=row["start_char"],
        end=row["end_char"],
        lines=(row["first_line"], row["last_line"]),
        heading=tuple(json.loads(row["heading"])),
        text=row["text"],
        units=tuple(
            Unit(Kind(kind), start, end, context)
            for kind, start, end, context in json.loads(row["units"])
        ),
        note_sha256=row["sha256"],
        note_date=row["date"],
        aliases=tuple(json.loads(row["aliases"])),
    )
