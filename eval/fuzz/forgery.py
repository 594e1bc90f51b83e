"""Ways to forge an index: the sizes, times and checksums fit what is forged.

What is made from the database is named in it with its digests, so that these are forged, too.
"""

import hashlib
import json
import math
import random
import sqlite3
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from mutation import HOSTILE, mutated, worse

from ragqa.stores.rows import checksum

NOTHING = "sealed anew as it is"


_SUMMED = {
    "notes": ("id", "path", "sha256", "data"),
    "passages": ("*",),
    "meta": ("name", "value"),
}
"""By table, the columns that a row's checksum is of; "*" are all before it."""


_APART = {"LOCK", "seal.json"}


def _files(index: Path) -> list[Path]:
    """The files of the index that a reader opens, the small ones as often as the large."""
    files = sorted(path for path in index.rglob("*") if path.is_file())
    return [each for each in files if each.name not in _APART and each.suffix != ".lock"]


def reseal(index: Path, change: Callable[[Any], Any] = lambda content: content) -> None:
    """Make all checksums and the seal fit the files as they are, after a change to what is told.

    A database that cannot be read any more only gets its seal.
    """
    path = index / "index.sqlite"
    with suppress(sqlite3.Error, TypeError, ValueError, OverflowError, RecursionError):
        db = sqlite3.connect(path)
        try:
            _retell(db, index, change)
            _sum_up(db)
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            db.close()
    status = path.stat()
    (index / "seal.json").write_text(json.dumps([status.st_size, status.st_mtime_ns]))


def _retell(db: sqlite3.Connection, index: Path, change: Callable[[Any], Any]) -> None:
    """Change what the database says of itself and of the derived files; name these as they are."""
    for name, value in db.execute("SELECT name, value FROM meta").fetchall():
        with suppress(ValueError):
            content = json.loads(value)
            if not isinstance(content, dict):
                continue
            folder = index / str(content.get("name", ""))
            for file, seal in content.get("files", {}).items():
                made = folder / file if folder.is_dir() else index / file
                if made.is_file():
                    status = made.stat()
                    digest = hashlib.sha256(made.read_bytes()).hexdigest()
                    seal |= {
                        "size": status.st_size,
                        "mtime_ns": status.st_mtime_ns,
                        "sha256": digest,
                    }
            content.pop("digest", None)
            content = change(content)
            if isinstance(content, dict) and "info" in content:
                canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
                content["digest"] = hashlib.sha256(canonical.encode()).hexdigest()
            db.execute("UPDATE meta SET value = ? WHERE name = ?", (json.dumps(content), name))


def _sum_up(db: sqlite3.Connection) -> None:
    """Give each row the checksum that it should have."""
    db.row_factory = sqlite3.Row
    for table, columns in _SUMMED.items():
        for row in db.execute(f"SELECT * FROM {table}").fetchall():  # noqa: S608 - our own names
            fields = tuple(row)[:-1] if columns == ("*",) else tuple(row[name] for name in columns)
            update = f"UPDATE {table} SET checksum = ? WHERE {row.keys()[0]} IS ?"  # noqa: S608 - our own names
            db.execute(update, (checksum(*fields), row[0]))
    for row in db.execute("SELECT row, key, vector FROM embeddings").fetchall():
        check = zlib.crc32(row["vector"], row["key"] & 0xFFFFFFFF)
        db.execute("UPDATE embeddings SET checksum = ? WHERE row IS ?", (check, row["row"]))


def _nothing(rng: random.Random, index: Path) -> str:
    """Nothing but new seals: what is done to an index by all that forge it."""
    del rng
    reseal(index)
    return NOTHING


def _forge_told(rng: random.Random, index: Path) -> str:
    share = rng.choice((0.003, 0.01, 0.03, 0.1))
    reseal(index, lambda content: worse(rng, content, share=share))
    return "what the database says of itself, resealed"


def _forge_file(rng: random.Random, index: Path) -> str:
    """Bytes of a file, or its values if it is JSON."""
    path = rng.choice(_files(index))
    data = path.read_bytes()
    path.unlink()
    try:
        forged = json.dumps(worse(rng, json.loads(data))).encode()
    except (ValueError, RecursionError):
        forged = mutated(rng, [data])
    path.write_bytes(forged)
    reseal(index)
    return f"{path.name}, resealed"


_WHOLE = (0, 1, -1, 2, 3, 64, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
_FLOATS = (math.nan, math.inf, -math.inf, 3e38, -3e38, 0.0, 1e-45)


def _forge_numbers(rng: random.Random, index: Path) -> str:
    """Whole numbers near the beginning or end of a binary file, or floats anywhere in it."""
    path = rng.choice([each for each in _files(index) if each.suffix != ".sqlite"])
    data = bytearray(path.read_bytes())
    if rng.random() < 0.5:
        for _ in range(rng.choice((1, 1, 2, 4))):
            near = rng.choice((0, max(0, len(data) - 300)))
            at, width = near + rng.randrange(300), rng.choice((1, 4, 8))
            at = min(at if rng.random() < 0.5 else at // 4 * 4, max(0, len(data) - 8))
            whole = rng.choice(_WHOLE) % 2 ** (8 * width)
            data[at : at + width] = whole.to_bytes(width, "little")
    else:
        start = rng.randrange(len(data) + 1) // 4 * 4
        count = min(rng.choice((1, 64, 10**9)), (len(data) - start) // 4)
        data[start : start + 4 * count] = struct.pack("<f", rng.choice(_FLOATS)) * count
    path.write_bytes(data)
    reseal(index)
    return f"{path.name}, numbers, resealed"


def _forge_faiss(rng: random.Random, index: Path) -> str:
    """Parts of a FAISS index that do not fit each other, each of them sound."""
    lists = [each for each in _files(index) if each.suffix == ".faiss"]
    if not lists:  # in a small index
        return _forge_numbers(rng, index)
    path = rng.choice(lists)
    faiss = import_module("faiss")
    whole = faiss.read_index(str(path))
    names = [name for name in ("index", "base_index", "refine_index") if hasattr(whole, name)]
    parts = [whole, *(faiss.downcast_index(getattr(whole, name)) for name in names)]
    numbers = ("d", "ntotal", "nlist", "nprobe", "code_size", "metric_type", "k_factor")
    places = [(part, name) for part in parts for name in numbers if hasattr(part, name)]
    places += [(part, "quantizer") for part in parts if hasattr(part, "quantizer")] * 3
    part, name = rng.choice(places)
    if name == "quantizer":
        width = rng.choice((part.d, 1, 2 * part.d))
        other = faiss.IndexFlatIP(width)
        other.add(import_module("numpy").ones((rng.choice((1, part.nlist + 1)), width), "float32"))
        part.quantizer = other
        part.own_fields = False
        _kept.append(other)
    else:
        with suppress(TypeError, OverflowError):
            setattr(part, name, rng.choice((0, 1, 2, 63, 65, 1000, 2**30)))
    path.unlink()
    faiss.write_index(whole, str(path))
    reseal(index)
    return f"{path.name}, {type(part).__name__}.{name}, resealed"


_kept: list[object] = []
"""What an index in C++ points to, so that it is not freed before that is written."""


_CELLS = (
    *(each for each in HOSTILE if isinstance(each, float | None) or each in (0, -1, 2**63 - 1)),
    *("", "x", "\x1b[31m", "../../etc/passwd", "x" * 70_000, "2024-02-30"),
    *(b"x", b"a\0b", b"\xff", b"\xed\xa0\x80"),
    *("[[", "[" * 100_000, '"x"', '["a", 1]', "null", "NaN", "{}", '"\\ud800"'),
)


def _forge_row(rng: random.Random, index: Path) -> str:
    """One column of the database, in some rows or in all."""
    path = index / "index.sqlite"
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        table = rng.choice([name for (name,) in found if not name.startswith("sqlite_")])
        column = rng.choice([row[1] for row in db.execute(f"PRAGMA table_info({table})")])
        value = rng.choice(_CELLS)
        where = rng.choice(("", f" WHERE length({column}) % 2"))
        with suppress(sqlite3.Error):
            db.execute(f"UPDATE OR REPLACE {table} SET {column} = ?{where}", (value,))  # noqa: S608 - the names are the database's
    db.close()
    reseal(index)
    return f"{path.name}, {table}.{column} = {value!r:.40}, resealed"


_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
_SET_JSON = "UPDATE {} SET data = json_set(CAST(data AS TEXT), '$.{}', json('{}'))"
_SCHEMES = (
    "DROP TABLE passages",
    "DROP TABLE saved",
    "DELETE FROM notes",
    "DELETE FROM passages",
    "ALTER TABLE passages RENAME TO p; CREATE VIEW passages AS SELECT * FROM p, p AS q",
    f"ALTER TABLE notes RENAME TO n0; CREATE VIEW notes AS {_ENDLESS} SELECT n0.* FROM n0, n",  # noqa: S608 - ours
    f"ALTER TABLE passages RENAME TO p; CREATE VIEW passages AS {_ENDLESS} SELECT p.* FROM p, n",  # noqa: S608 - ours
    """ALTER TABLE passages RENAME TO p; CREATE VIEW passages AS
    SELECT id, note, embedding, hex(zeroblob(900000000)) AS data FROM p""",
    "ALTER TABLE notes ADD COLUMN more TEXT",
    "ALTER TABLE passages DROP COLUMN data",
    "CREATE TABLE t2(x); PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'nonsense'",
    "PRAGMA user_version = 7",
    "UPDATE passages SET id = -id",
    "UPDATE passages SET note = note + 1",
    "UPDATE notes SET path = x'2f6574632f706173737764'",
    "UPDATE notes SET path = x'2e2e2f2e2e2f782e6d64'",
    _SET_JSON.format("passages", "start", "1"),
    _SET_JSON.format("passages", "end", "1000000000000"),
    _SET_JSON.format("passages", "lines", '[-5, "x"]'),
    _SET_JSON.format("passages", "units", '[["paragraph", 0, 1000000, "", [], 0, 0, 0]]'),
    _SET_JSON.format("passages", "units", '[["paragraph", 5, 2, {}]]'),
    _SET_JSON.format("passages", "units", '[["no kind", 5, 9, "", [], 0, 0, 0]]'),
    _SET_JSON.format("passages", "heading", "[1, {}]"),
    _SET_JSON.format("notes", "title", '"\\ud800\\u001b[31m"'),
    _SET_JSON.format("notes", "aliases", "[1, null]"),
    "UPDATE embeddings SET vector = zeroblob(2)",
    "UPDATE embeddings SET vector = zeroblob(128)",
    "UPDATE embeddings SET key = -key, row = row + 7",
    "UPDATE notes SET sha256 = 'x'",
)


def _forge_scheme(rng: random.Random, index: Path) -> str:
    path, statements = index / "index.sqlite", rng.choice(_SCHEMES)
    with sqlite3.connect(path) as db, suppress(sqlite3.Error):
        db.executescript(statements)
    db.close()
    reseal(index)
    return f"{path.name}, {statements:.120}, resealed"


FORGERIES = (
    _nothing,
    *[_forge_told] * 5,
    *[_forge_file] * 6,
    *[_forge_numbers] * 7,
    *[_forge_faiss] * 4,
    *[_forge_row] * 5,
    *[_forge_scheme] * 4,
)
