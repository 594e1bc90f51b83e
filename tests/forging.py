"""Change the files of an index as bad disks, other programs and forgers do."""

import json
import sqlite3
import zlib
from contextlib import closing

from ragqa.index.database import DATABASE
from ragqa.index.rows import checksum

SUMS = {
    "notes": "checksum(id, path, sha256, date, data)",
    "passages": "checksum(id, note, embedding, data)",
    "manifest": "checksum(data)",
    "embeddings": "crc32(model, key, vector)",
}
"""What the checksum of a row of each table should be."""


def flip(path, place):
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def places_of(path, content):
    """Where in a file some bytes are."""
    data, place, found = path.read_bytes(), -1, []
    while (place := data.find(content, place + 1)) >= 0:
        found.append(place)
    return found


def change(root, *changes):
    """Change the database as another program would.

    :param changes: SQL, or functions of the connection.
    """
    with closing(sqlite3.connect(root / DATABASE)) as db:
        for each in changes:
            each(db) if callable(each) else db.executescript(each)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def forge(root, *changes):
    """Change the database, with every checksum as it should be."""
    change(root, *changes, _vouch)


def _vouch(db):
    db.create_function("checksum", -1, checksum)
    db.create_function("crc32", 3, lambda m, key, data: zlib.crc32(data, (m ^ key) & 0xFFFFFFFF))
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in SUMS.keys() & there:
        db.execute(f"UPDATE {table} SET checksum = {SUMS[table]}")  # noqa: S608 - ours


def forge_manifest(root, changed):
    """Have `changed` change what the index says of itself."""

    def forged(db):
        content = json.loads(db.execute("SELECT data FROM manifest").fetchone()[0])
        changed(content)
        db.execute("UPDATE manifest SET data = ?", [json.dumps(content).encode()])

    forge(root, forged)
