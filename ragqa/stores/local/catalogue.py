"""The catalogue of one generation: notes and passages in SQLite, and the filters over them.

A large index keeps its changes in a second file, the delta, beside the base: added notes, and
which notes of the base are deleted or restamped.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import msgspec
import numpy as np

from ragqa.errors import IndexUnusable
from ragqa.stores.decoding import check_languages, decoded, passage_of
from ragqa.stores.disk import REPAIR, naming_file
from ragqa.stores.filters import checked_day, fold_tag, path_matcher, property_test
from ragqa.stores.local.schema import DELTA_SCHEMA, SCHEMA, VIEWS
from ragqa.types import Filters, NoteRecord, NoteState, Numbers, Passage, Stamp

LAST_NUMBER = 2**40
"""An upper bound of note numbers; a greater one is forged."""

_BATCH = 500
"""Parameters per statement; old builds of SQLite allow 999."""


class Catalogue:
    """The catalogue of a published generation, read-only.

    :param path: its file, or that of its delta.
    :param base: the file that the delta applies to.
    :raises IndexUnusable: here and in every method: a file cannot be read or is damaged.
    """

    def __init__(self, path: Path, base: Path | None = None) -> None:
        self._path = path
        self._base = base
        with self._naming():
            self._db = self._connect()
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA trusted_schema = OFF")
            self._db.execute("PRAGMA temp_store = MEMORY")
            self._check_schema("main", SCHEMA if base is None else SCHEMA + DELTA_SCHEMA)
            if base is not None:
                self._db.execute("ATTACH ? AS base", (read_only(base),))
                self._check_schema("base", SCHEMA)
            for name, parts in VIEWS.items():
                whole = " UNION ALL ".join(parts if base is not None else parts[:1])
                self._db.execute(f"CREATE TEMP VIEW {name} AS {whole}")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def notes(self) -> dict[str, NoteRecord]:
        """Read every note's record, by path."""
        with self._naming():
            rows = self._db.execute("SELECT * FROM all_notes")
            return {note.path: note for note in map(_record, rows)}

    def states(self) -> dict[str, NoteState]:
        """Read the state of every note's file, by path; faster than `notes`."""
        query = "SELECT path, size, mtime_ns, sha256, settled FROM all_notes"
        with self._naming():
            return {
                os.fsdecode(path): NoteState(Stamp(size, mtime_ns), sha256, bool(settled))
                for path, size, mtime_ns, sha256, settled in self._db.execute(query)
            }

    def counts(self) -> tuple[int, int]:
        """Count notes and passages."""
        return self._number("count(*) FROM all_notes"), self._number("count(*) FROM all_passages")

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """Read passages in the order given.

        :raises IndexUnusable: one is missing.
        """
        found = {passage.id: passage for _, passage in self._passages_with("id", ids)}
        for missing in set(ids) - found.keys():
            raise IndexUnusable(
                f"the index file {self._path} has no passage {missing}", hint=REPAIR
            )
        return [found[passage_id] for passage_id in ids]

    def all_passages(self) -> Iterator[tuple[int, Passage]]:
        """Read every passage with its note's number."""
        with self._naming():
            for row in self._db.execute("SELECT * FROM whole_passages"):
                yield row["note"], _passage(row)

    def passages_of(self, notes: Iterable[int]) -> Iterator[tuple[int, Passage]]:
        """Read the passages of these notes, each with its note's number."""
        return self._passages_with("note", sorted(notes))

    def passages_at(self, paths: Iterable[str]) -> Iterator[Passage]:
        """Read the passages of the notes at these paths."""
        names = [os.fsencode(path) for path in paths]
        return (passage for _, passage in self._passages_with("path", names))

    def owners(self, *, of_delta: bool = False) -> Numbers:
        """Read the id of every passage and its note's number: int64, (2, passages).

        :param of_delta: only the passages that the delta adds.
        """
        table = "main.passages" if of_delta else "all_passages"
        with self._naming():
            rows = self._db.execute(f"SELECT id, note FROM {table}")  # noqa: S608 - our own names
            return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 2).T

    def paths(self) -> dict[int, str]:
        """Read every note's path, by the note's number."""
        with self._naming():
            rows = self._db.execute("SELECT id, path FROM all_notes")
            return {number: os.fsdecode(path) for number, path in rows}

    def note_at(self, path: str) -> int | None:
        """The number of the note at a path; None if there is none."""
        with self._naming():
            rows = self._db.execute("SELECT id FROM all_notes WHERE path = ?", (os.fsencode(path),))
            return next((row["id"] for row in rows), None)

    def ids_by_embedding(self, embedding_keys: Iterable[int]) -> dict[int, int]:
        """Find the id of a passage for each embedding key; unknown keys are left out."""
        query = "SELECT embedding_key, id FROM all_passages WHERE embedding_key IN"
        with self._naming():
            return dict(map(tuple, self._fetch(query, list(embedding_keys))))

    def gone(self) -> list[int]:
        """Read the numbers of the base's notes that are deleted or replaced in the delta."""
        if self._base is None:
            return []
        with self._naming():
            return [row[0] for row in self._db.execute("SELECT note FROM main.gone")]

    def notes_matching(self, filters: Filters) -> list[int]:
        """The sorted numbers of the notes that pass the filters."""
        if not filters.since:
            return self._matching(filters, [])
        recent = ("SELECT id FROM all_notes WHERE date >= ?", checked_day(filters.since))
        return self._matching(filters, [recent])

    def undated(self, filters: Filters) -> int:
        """Count the undated notes that pass all filters except `since`."""
        return len(self._matching(filters, [("SELECT id FROM all_notes WHERE date = ?", "")]))

    def _matching(self, filters: Filters, dated: Sequence[tuple[str, str]]) -> list[int]:
        """The notes that match the tags, the paths and (query, value) pairs about dates."""
        queries, values = [query for query, _ in dated], list[object](day for _, day in dated)
        for tag in map(fold_tag, filters.tags):
            queries.append("SELECT note FROM all_tags WHERE tag = ? OR (tag > ? AND tag < ?)")
            # Nested tags lie between "tag/" and "tag0": "0" is the byte after "/".
            values += [as_blob(tag), as_blob(f"{tag}/"), as_blob(f"{tag}0")]
        if filters.paths:
            queries.append("SELECT id FROM all_notes WHERE path_matches(path)")
            matches = path_matcher(filters.paths)
            self._db.create_function("path_matches", 1, lambda path: matches(os.fsdecode(path)))
        if filters.where:
            queries.append("SELECT id FROM all_notes WHERE has(properties)")
            test = property_test(filters.where)
            self._db.create_function("has", 1, lambda found: test(_properties(found)))
        with self._naming():
            return sorted({row[0] for row in self._db.execute(" INTERSECT ".join(queries), values)})

    def problems(self) -> list[str]:
        """Have SQLite look for damage and for rows without a note."""
        with self._naming():
            found = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check")]
            orphans = len(list(self._db.execute("PRAGMA foreign_key_check")))
        forged = self._number(f"count(*) FROM all_notes WHERE id < 1 OR id >= {LAST_NUMBER}")
        if forged:
            found.append(f"{forged} notes have a number out of range")
        if orphans:
            found.append(f"{orphans} rows belong to a missing note")
        return [f"the index file {self._path}: {line}" for line in found if line != "ok"]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(read_only(self._path), uri=True, check_same_thread=False)

    def _check_schema(self, part: str, expected: Iterable[str]) -> None:
        """Refuse any other schema: a view in place of a table would be executed."""
        found = self._db.execute(f"SELECT sql FROM {part}.sqlite_master WHERE sql IS NOT NULL")  # noqa: S608 - our own names
        if {row["sql"].strip() for row in found} != {statement.strip() for statement in expected}:
            raise ValueError(f"its {part} tables are not those of this ragqa")

    def _naming(self) -> AbstractContextManager[None]:
        expected = (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError)
        return naming_file(self._path, *expected)

    def _number(self, query: str) -> int:
        """The one number that a query of our own gives."""
        with self._naming():
            return int(self._db.execute(f"SELECT {query}").fetchone()[0])

    def _passages_with(self, field: str, values: Sequence[object]) -> Iterator[tuple[int, Passage]]:
        with self._naming():
            for row in self._fetch(f"SELECT * FROM whole_passages WHERE {field} IN", values):  # noqa: S608 - our own names
                yield row["note"], _passage(row)

    def _fetch(self, query: str, values: Sequence[object]) -> Iterator[sqlite3.Row]:
        for start in range(0, len(values), _BATCH):
            batch = values[start : start + _BATCH]
            found = self._db.execute(f"{query} ({','.join('?' * len(batch))})", batch)
            # Fetch all: an error would otherwise close a half-read cursor after its database.
            yield from found.fetchall()


def read_only(path: Path) -> str:
    """The URI with which SQLite reads an immutable file."""
    return f"file:{quote(os.fsencode(path.absolute()))}?mode=ro&immutable=1"


def as_blob(text: str) -> bytes:
    """Encode text, including surrogates that stand for undecodable bytes."""
    return text.encode("utf-8", "surrogatepass")


def _record(row: sqlite3.Row) -> NoteRecord:
    fields = dict(row) | {
        "path": os.fsdecode(row["path"]),
        "stamp": (row["size"], row["mtime_ns"]),
        "settled": bool(row["settled"]),
        "title": decoded(row["title"], str),
        "tags": decoded(row["tags"], list[object]),
        "aliases": decoded(row["aliases"], list[object]),
        "properties": _properties(row["properties"]),
    }
    record = msgspec.convert(fields, NoteRecord)
    check_languages([record.language])
    return record


def _properties(text: str) -> list[tuple[str, str]]:
    return decoded(text, list[tuple[str, str]])


def _passage(row: sqlite3.Row) -> Passage:
    fields = dict(row) | {
        "path": os.fsdecode(row["path"]),
        "title": decoded(row["title"], str),
        "lines": [row["first_line"], row["last_line"]],
        "heading": decoded(row["heading"], list[object]),
        "aliases": decoded(row["aliases"], list[object]),
    }
    return passage_of(fields)
