"""An index that somebody forged: its content is changed, and all checksums and the seal fit."""

import json
import sqlite3
import zlib
from contextlib import closing

from ragqa.stores.rows import checksum


def forge(root, change):
    """Change the database of an index, by SQL statements or by a function of the connection."""
    path = root / "index.sqlite"
    with closing(sqlite3.connect(path)) as db:
        change(db) if callable(change) else db.executescript(change)
        _vouch(db)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    status = path.stat()
    (root / "seal.json").write_text(json.dumps([status.st_size, status.st_mtime_ns]))


def _vouch(db):
    """Give each row of our own tables the checksum that it should have."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        sums = {
            "notes": _of_note,
            "passages": _of_fields,
            "meta": _of_fields,
            "embeddings": _of_embedding,
        }.get(table)
        if sums:
            rows = db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            key = db.execute(f"PRAGMA table_info({table})").fetchone()[1]
            db.executemany(
                f"UPDATE {table} SET checksum = ? WHERE {key} = ?",  # noqa: S608
                [(sums(row), row[0]) for row in rows],
            )


def _of_note(row):
    number, path, _size, _mtime_ns, _settled, sha256, data, _checksum = row
    return checksum(number, path, sha256, data)


def _of_fields(row):
    return checksum(*row[:-1])


def _of_embedding(row):
    _row, _build, key, vector, _checksum = row
    return zlib.crc32(vector, key & 0xFFFFFFFF)
