"""The truth of an index: notes, passages and embeddings in one SQLite file.

A checksum of each row is compared whenever it is read: SQLite finds damage to the structure only.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import msgspec
import numpy as np

from ragqa.errors import IndexUnusable, NeedsRebuild, NoIndex
from ragqa.index.disk import cannot_write, naming_file, sqlite_code
from ragqa.index.rows import (
    MALFORMED,
    check_row,
    checksum,
    read_info,
    read_note,
    read_passage,
    read_vectors,
)
from ragqa.safe import private_file
from ragqa.types import DenseInfo, IndexInfo, NoteRecord, NoteState, Passage, Stamp, Vector, Vectors

FORMAT = 17  # raised whenever the meaning of an index's files changes

DATABASE = "index.sqlite"
ANEW = "anew.sqlite"  # is to replace a damaged database, while it is being built
LOGS = ("-wal", "-shm")  # the ends of the names of SQLite's log beside a database

_NUMBERS = "CREATE TABLE sqlite_sequence(name,seq)"  # SQLite's, for AUTOINCREMENT
_BATCH = 500  # parameters per statement; old builds of SQLite allow 999
_AT_ONCE = 4096
_MAX_FREE_SHARE = 0.2
_NO_LOG = {
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
}  # fmt: skip

# A file name need not be valid text, as SQLite's TEXT requires. So paths, and what has them, or
# titles, tags and headings, which may come from a file name, are BLOBs.
_MANIFEST = "CREATE TABLE manifest (data BLOB NOT NULL, checksum INTEGER NOT NULL)"

# By content: they are committed as they come, and a build finds those of any before it.
_EMBEDDINGS = """
    CREATE TABLE embeddings (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        model INTEGER NOT NULL,
        key INTEGER NOT NULL,
        vector BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        UNIQUE (model, key)
    )
""".strip()

_SCHEMA = (
    _MANIFEST,
    _EMBEDDINGS,
    """
    CREATE TABLE notes (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        settled INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        date TEXT NOT NULL,
        data BLOB NOT NULL,
        checksum INTEGER NOT NULL
    )
    """.strip(),
    """
    CREATE TABLE passages (
        id INTEGER NOT NULL UNIQUE,
        note INTEGER NOT NULL,
        embedding INTEGER NOT NULL,  -- 0 for none yet
        data BLOB NOT NULL,
        checksum INTEGER NOT NULL
    )
    """.strip(),
    "CREATE INDEX passages_by_note ON passages (note, embedding, id)",
    "CREATE INDEX passages_by_embedding ON passages (embedding, note, id)",
)

_LAYOUT = "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL"

# An embedding that was damaged keeps its row, which passages refer to.
_SAVE = """
    INSERT INTO embeddings (model, key, vector, checksum) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET vector = excluded.vector, checksum = excluded.checksum
"""

_CHECKED = {"notes": "id, path, sha256, date, data", "passages": "id, note, embedding, data"}
"""The columns of each table that its checksums are of."""


class Derived(msgspec.Struct, frozen=True):
    """What an engine made: a folder of files, with the CRC-32 of each, or a collection.

    Terms have `documents`, passages that are gone included; lists the embeddings `upto` a row.
    """

    name: str
    files: dict[str, int] = {}
    documents: int = 0
    upto: int = 0
    dense: DenseInfo = DenseInfo()


class Database:
    """The file of an index, open for reading one state of it, or for writing.

    :ivar info: once it was read, what the index is; None if nothing has been committed.
    :raises NoIndex: there is no file to read; for writing, one is made.
    :raises IndexUnusable: here and in every method: it cannot be read or is damaged.
    """

    def __init__(
        self, root: Path, name: str = DATABASE, *, writing: bool = False, in_memory: bool = False
    ) -> None:
        self.root, self.path = root, root / name
        self.info: IndexInfo | None = None
        self.made: Mapping[str, Derived] = {}
        self._unlocked: tuple[int, int] | None = None
        if in_memory:
            self.db = self._connect("mode=memory", writing=True)
            return
        with self.naming():
            if writing:
                if not self.path.exists():  # its user may have let others read it
                    private_file(self.path)
                self.db = self._connect("mode=rw", writing=True)
                self._keep_a_log()
            elif self.path.exists():
                self.db = self._open()
            else:
                raise self._none()

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def _keep_a_log(self) -> None:
        if self.db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            self.db.close()
            why = "its file system has no shared memory, as some in a network have not"
            raise cannot_write(self.root, why)
        self.db.execute("PRAGMA wal_autocheckpoint = 8000")  # 64 MB
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("PRAGMA cache_size = -64000")
        self.db.execute("PRAGMA temp_store = FILE")  # what waits may be larger than the memory

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Translate what SQLite and malformed rows raise into an error that names the file."""
        try:
            with naming_file(self.path, sqlite3.Error, *MALFORMED):
                yield
        finally:
            if self._unlocked is not None and self._unlocked != self._stamp():
                raise IndexUnusable(
                    f"the index file {self.path} was written while it was read without a lock",
                    hint="ask again",
                )

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect("mode=ro", writing=False)
        except sqlite3.OperationalError as exc:
            # Without a log, and where none can be made (a full disk, too), nobody writes.
            if sqlite_code(exc) not in _NO_LOG or self.has_log():
                raise
        self._unlocked = self._stamp()
        return self._connect("mode=ro&immutable=1", writing=False)

    def _connect(self, how: str, *, writing: bool) -> sqlite3.Connection:
        """Connect, and see which tables there are; for writing, make them."""
        uri = f"file:{quote(os.fsencode(self.path.absolute()))}?{how}"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA temp_store = MEMORY")
            if not writing:
                db.execute("BEGIN")
            made = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            self._tables = {row["sql"].strip() for row in made}
            if writing and not self._tables:
                db.executescript("; ".join((_LAYOUT, "BEGIN", *_SCHEMA, "COMMIT")))
                self._tables = {*_SCHEMA, _NUMBERS}
        except BaseException:
            db.close()
            raise
        if not self._tables:  # a writer was killed before it made any
            db.close()
            raise self._none()
        return db

    def has_log(self) -> bool:
        """Whether some of what was committed is not in the file itself yet."""
        with suppress(FileNotFoundError):
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size > 0
        return False

    def _none(self) -> NoIndex:
        return NoIndex(f"there is no index in {self.root} yet", hint="ragqa index")

    def read(self) -> IndexInfo:
        """Read what the index is, and by kind what was `made` from it.

        :raises NoIndex: nothing has been committed yet.
        :raises NeedsRebuild: another version of ragqa wrote it.
        """
        with self.naming():
            row = None
            if _MANIFEST in self._tables:  # what else has the name would be executed
                row = self.db.execute("SELECT * FROM manifest").fetchone()
            if row is not None:
                check_row("the manifest", row["checksum"], row["data"])
                content = msgspec.convert(json.loads(row["data"]), dict[str, object])
                info = read_info(content, f"in {self.root}", FORMAT)
            if self._tables != {*_SCHEMA, _NUMBERS}:
                what = f"the tables of the index file {self.path} are not those of this ragqa"
                raise NeedsRebuild(what, hint="ragqa index")
            if row is not None:
                self.info, self.made = info, msgspec.convert(content["made"], dict[str, Derived])
                return info
            if self.number("count(*) FROM notes"):
                raise ValueError("it no longer says what it holds")
            raise self._none()

    def write(self, info: IndexInfo, made: Mapping[str, Derived]) -> None:
        """Write what the index is, the last part of a transaction; raises SQLite's errors."""
        content = {"format": FORMAT, "info": info, "made": made}
        data = json.dumps(msgspec.to_builtins(content)).encode()
        self.db.execute("DELETE FROM manifest")
        self.db.execute("INSERT INTO manifest VALUES (?, ?)", (data, checksum(data)))

    def number(self, query: str, *values: object) -> int:
        """The one number that a query of our own gives; 0 for NULL."""
        with self.naming():
            return int(self.db.execute(f"SELECT {query}", values).fetchone()[0] or 0)

    def fetch(self, query: str, values: Sequence[object]) -> Iterator[sqlite3.Row]:
        """The rows of a query that ends with IN, for any number of values."""
        for start in range(0, len(values), _BATCH):
            batch = values[start : start + _BATCH]
            cursor = self.db.execute(f"{query} ({','.join('?' * len(batch))})", batch)
            # Fetch all: an error would otherwise close a half-read cursor after its database.
            yield from cursor.fetchall()

    def insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert whole rows into a table; raises SQLite's errors."""
        if rows:
            places = ",".join("?" * len(rows[0]))
            self.db.executemany(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - our own names

    def save(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Save the rows of embeddings, made by `vector_row`; raises SQLite's errors."""
        self.db.executemany(_SAVE, rows)

    def notes(self, at: Sequence[str] | None = None) -> dict[int, NoteRecord]:
        """All notes, or those at these paths, by number."""
        query = "SELECT * FROM notes"
        with self.naming():
            rows: Iterator[sqlite3.Row] = self.db.execute(f"{query} ORDER BY id")
            if at is not None:
                rows = self.fetch(f"{query} WHERE path IN", list(map(os.fsencode, at)))
            return {row["id"]: read_note(row) for row in rows}

    def states(self) -> dict[str, NoteState]:
        """The state of every note's file, by path; a damaged one has the note read again."""
        query = "SELECT path, size, mtime_ns, sha256, settled, date FROM notes"
        with self.naming():
            return {
                os.fsdecode(path): NoteState(Stamp(size, mtime_ns), sha256, bool(settled), date)
                for path, size, mtime_ns, sha256, settled, date in self.db.execute(query)
            }

    def passages(
        self, where: str = "", values: Sequence[object] = ()
    ) -> Iterator[tuple[int, Passage]]:
        """Passages, each with its note's number; all, or those whose `where` is in the values."""
        query = "SELECT * FROM passages"
        with self.naming():
            rows: Iterator[sqlite3.Row] = self.db.execute(query)
            if where:
                rows = self.fetch(f"{query} WHERE {where} IN", values)
            for row in rows:
                yield row["note"], read_passage(row)

    def bare(self, ids: Sequence[int] | None, k: int) -> list[Passage]:
        """Passages without an embedding, k at most: of these ids in their order, or of all."""
        query = "SELECT id FROM passages WHERE embedding = 0"
        with self.naming():
            rows = self.db.execute(query) if ids is None else self.fetch(f"{query} AND id IN", ids)
            found = {row["id"] for row in rows}
        wanted = [id_ for id_ in (sorted(found) if ids is None else ids) if id_ in found][:k]
        return [passage for _, passage in self.passages("id", wanted)]

    def embeddings(self, model: int, keys: Iterable[int]) -> dict[int, Vector]:
        """The sound embeddings that a model made, shape (dimension,), by these keys."""
        query = f"SELECT * FROM embeddings WHERE model = {model:d} AND key IN"  # noqa: S608 - a number
        vectors = {}
        with self.naming():
            for row in self.fetch(query, list(keys)):
                with suppress(ValueError):
                    vectors[row["key"]] = read_vectors([row])[0]
        return vectors

    def all_embeddings(self) -> Iterable[sqlite3.Row]:
        """The rows of all embeddings, also of another version's index; raises SQLite's errors."""
        if _EMBEDDINGS in self._tables:  # what else has the name would be executed
            return self.db.execute("SELECT * FROM embeddings")
        return ()

    def vectors(self, rows: Sequence[int]) -> tuple[list[int], Vectors]:
        """The embeddings in these rows, shape (rows, dimension), with the rows that there are."""
        query = "SELECT * FROM embeddings WHERE row IN"
        with self.naming():
            fetched = list(self.fetch(query, rows))
            return [row["row"] for row in fetched], read_vectors(fetched)

    def matrix(self, after: int = 0) -> tuple[list[int], Vectors]:
        """The rows and embeddings, shape (rows, dimension), that passages have after a row."""
        live = "row > ? AND EXISTS (SELECT 1 FROM passages WHERE embedding = row)"
        query = f"SELECT * FROM embeddings WHERE {live} ORDER BY row"  # noqa: S608 - our own names
        rows: list[int] = []
        matrix = np.empty((0, 0), np.float32)
        with self.naming():
            total = self.number(f"count(*) FROM embeddings WHERE {live}", after)
            cursor = self.db.execute(query, (after,))
            while batch := cursor.fetchmany(_AT_ONCE):
                numbers = read_vectors(batch)
                if not rows:
                    matrix = np.empty((total, numbers.shape[1]), np.float32)
                matrix[len(rows) : len(rows) + len(batch)] = numbers
                rows += [row["row"] for row in batch]
        return rows, matrix

    def check(self) -> None:
        """Read the structure of the whole file: the pages, and the indexes of the tables."""
        with self.naming():
            if self.db.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
                raise ValueError("its pages do not fit together")

    def check_rows(self) -> None:
        """Compare every row with its checksum."""
        with self.naming():
            for table, columns in _CHECKED.items():
                query = f"SELECT {columns}, checksum FROM {table}"  # noqa: S608 - our own names
                for *values, check in self.db.execute(query):
                    check_row(f"a row of {table}", check, *values)
            cursor = self.db.execute("SELECT * FROM embeddings")
            while batch := cursor.fetchmany(_AT_ONCE):
                read_vectors(batch)

    def finish(self) -> None:
        """Move what the log holds to the file, unless a reader needs it, and close it.

        A file that was built anew, and is committed, replaces the damaged one.
        """
        is_whole = False
        with suppress(sqlite3.Error, OSError, IndexUnusable, NoIndex):
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            self.read()
            self.db.execute("PRAGMA busy_timeout = 0")
            free = self.number("* FROM pragma_freelist_count")
            if free > _MAX_FREE_SHARE * self.number("* FROM pragma_page_count"):
                self.db.execute("PRAGMA incremental_vacuum").fetchall()
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            is_whole = not self.has_log()
        self.close()
        if self.path.name == ANEW and is_whole:
            for end in LOGS:  # SQLite would play the log of the damaged file back into this one
                (self.root / f"{DATABASE}{end}").unlink(missing_ok=True)
            self.path.replace(self.root / DATABASE)

    def _stamp(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns
