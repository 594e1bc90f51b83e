"""Change the files of an index as bad disks, other programs and forgers do."""

import json
import os
import sqlite3
from contextlib import closing

from ragqa.stores.local.database import DATABASE, SEAL
from ragqa.stores.rows import checksum


def flip(path, place, *, silently=False):
    """Change one bit; silently as a bad disk does, else as a program that writes to the file."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)
    later = status.st_mtime_ns + (0 if silently else 10**9)
    os.utime(path, ns=(later, later))


def places_of(path, content):
    """Where in a file some bytes are."""
    data, place, found = path.read_bytes(), -1, []
    while (place := data.find(content, place + 1)) >= 0:
        found.append(place)
    return found


def change(root, *statements):
    """Change the database as another program would; its seal no longer fits."""
    with closing(sqlite3.connect(root / DATABASE)) as db:
        for statement, *values in statements:
            db.execute(statement, values)
        db.commit()


def forge(root, *statements):
    """Change the database, with every checksum and the seal as they should be."""
    change(root, *statements)
    with closing(sqlite3.connect(root / DATABASE)) as db:
        db.create_function("checksum", -1, checksum)
        for table, fields in {
            "notes": "id, path, sha256, data",
            "passages": "id, note, embedding, data",
            "meta": "name, value",
        }.items():
            db.execute(f"UPDATE {table} SET checksum = checksum({fields})")  # noqa: S608 - ours
        db.commit()
    seal(root)


def seal(root):
    """Vouch for the database as it is."""
    status = (root / DATABASE).stat()
    (root / SEAL).write_text(json.dumps([status.st_size, status.st_mtime_ns]))


def forge_meta(root, changed):
    """Have `changed` change what the index says of itself, with the checksum for that."""
    with closing(sqlite3.connect(root / DATABASE)) as db:
        content = json.loads(
            db.execute("SELECT value FROM meta WHERE name = 'index'").fetchone()[0]
        )
        changed(content)
        text = json.dumps(content)
        values = (text, checksum("index", text))
        db.execute("UPDATE meta SET value = ?, checksum = ? WHERE name = 'index'", values)
        db.commit()
    seal(root)
