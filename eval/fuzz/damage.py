"""Ways to damage an index, and to forge one: then sizes, times and digests fit its files.

Nothing here knows which files a generation has.
"""

import hashlib
import json
import math
import random
import sqlite3
import struct
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from mutation import HOSTILE, mutated, worse

NOTHING = "sealed anew as it is"


def _generation(index: Path) -> Path:
    return index / (index / "CURRENT").read_text().strip()


def _files(index: Path) -> list[Path]:
    """The files of the generation but the manifest, the small ones as often as the large."""
    files = sorted(path for path in _generation(index).rglob("*") if path.is_file())
    return [path for path in files if path.name != "manifest.json"]


def reseal(index: Path, change: Callable[[Any], Any] = lambda content: content) -> None:
    """Make the manifest fit the files as they are, and itself, after a change to it."""
    folder = _generation(index)
    path = folder / "manifest.json"
    content = json.loads(path.read_bytes())
    content.pop("digest")
    for name, record in content["files"].items():
        file = folder / name
        if file.is_file():
            status = file.stat()
            record |= {
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
    content = change(content)
    if isinstance(content, dict):
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        content["digest"] = hashlib.sha256(canonical.encode()).hexdigest()
    path.write_text(json.dumps(content), encoding="utf-8")


def _damage_current(rng: random.Random, index: Path) -> str:
    path = index / "CURRENT"
    names = [b"gen-000001\n", b"../gen-000001\n", b"gen-000002", b"gen-" + b"9" * 18, b""]
    path.write_bytes(mutated(rng, names))
    return "CURRENT"


def _damage_manifest(rng: random.Random, index: Path) -> str:
    path = _generation(index) / "manifest.json"
    path.write_bytes(mutated(rng, [path.read_bytes()]))
    return "manifest.json, bytes"


def _forge_manifest(rng: random.Random, index: Path) -> str:
    share = rng.choice((0.01, 0.03, 0.1))
    reseal(index, lambda content: worse(rng, content, share=share))
    return "manifest.json, resealed"


def _forge_value(rng: random.Random, index: Path) -> str:
    """One value of the manifest, so that what is read after it is reached."""
    path: list[Any] = []

    def change(content: Any) -> Any:  # noqa: ANN401 - any JSON
        at = content
        while True:
            key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
            path.append(key)
            if not (isinstance(at[key], dict | list) and at[key]) or rng.random() < 0.1:
                at[key] = rng.choice([*HOSTILE, at[key]])
                return content
            at = at[key]

    reseal(index, change)
    return f"manifest.json, {path}, resealed"


def _damage_file(rng: random.Random, index: Path) -> str:
    path = rng.choice(_files(index))
    path.write_bytes(mutated(rng, [path.read_bytes()]))
    return f"{path.name}, bytes"


def _forge_file(rng: random.Random, index: Path) -> str:
    path = rng.choice(_files(index))
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(mutated(rng, [data]))
    reseal(index)
    return f"{path.name}, resealed"


def _forge_words(rng: random.Random, index: Path) -> str:
    """Numbers of a binary file, where they stand: headers are at its beginning or its end."""
    path = rng.choice([each for each in _files(index) if each.suffix != ".sqlite"])
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 2, 4))):
        near = rng.choice((0, max(0, len(data) - 300)))
        at = min(near + rng.randrange(300), max(0, len(data) - 8))
        if rng.random() < 0.5:
            at = at // 4 * 4
        number = rng.choice(
            (0, 1, -1, 2, 3, 64, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
        )
        width = rng.choice((1, 4, 8))
        data[at : at + width] = (number % 2 ** (8 * width)).to_bytes(width, "little")
    path.write_bytes(data)
    reseal(index)
    return f"{path.name}, numbers, resealed"


def _forge_vectors(rng: random.Random, index: Path) -> str:
    """Vectors that are none: NaN, infinite, enormous, nothing."""
    path = rng.choice([each for each in _files(index) if each.name.startswith(("vectors", "rows"))])
    data = bytearray(path.read_bytes())
    value = rng.choice((math.nan, math.inf, -math.inf, 3e38, -3e38, 0.0, 1e-45))
    start = rng.randrange(len(data)) // 4 * 4
    end = rng.choice((start + 4, start + 256, len(data) // 4 * 4))
    for at in range(start, min(end, len(data) - 4), 4):
        data[at : at + 4] = struct.pack("<f", value)
    path.write_bytes(data)
    reseal(index)
    return f"{path.name}, {value}, resealed"


def _forge_faiss(rng: random.Random, index: Path) -> str:
    """Parts of a FAISS index that do not fit each other, each of them sound."""
    path = rng.choice([each for each in _files(index) if each.suffix == ".faiss"])
    faiss = import_module("faiss")
    whole = faiss.read_index(str(path))
    names = [name for name in ("index", "base_index", "refine_index") if hasattr(whole, name)]
    parts = [whole, *(faiss.downcast_index(getattr(whole, name)) for name in names)]
    numbers = (
        "d",
        "ntotal",
        "nlist",
        "nprobe",
        "code_size",
        "metric_type",
        "by_residual",
        "k_factor",
    )
    done = []
    places = [(part, name) for part in parts for name in numbers if hasattr(part, name)]
    places += [
        (part, name) for part in parts for name in ("quantizer", "sq") if hasattr(part, name)
    ] * 3
    for part, name in rng.sample(places, rng.choice((1, 1, 2))):
        if name == "quantizer":
            size = rng.choice((1, part.nlist, part.nlist + 1, 1000))
            other = faiss.IndexFlatIP(rng.choice((part.d, part.d, 1, 2 * part.d, 10**6)))
            other.add(
                import_module("numpy").ones((size if other.d < 10**6 else 9, other.d), "float32")
            )
            part.quantizer = other
            _kept.append(other)
            done.append(f"quantizer of {size} x {other.d}")
        elif name == "sq":
            part.sq.trained.resize(rng.choice((0, 1, 5)))
            part.sq.qtype = rng.choice((part.sq.qtype, 0, 1, 2, 3, 4, 5, 99))
            part.sq.d = rng.choice((part.sq.d, 1, 10_000))
            done.append("sq")
        else:
            value = rng.choice((0, 1, 2, 63, 65, 1000, 2**30))
            with suppress(TypeError, OverflowError):
                setattr(part, name, bool(value) if name == "by_residual" else value)
            done.append(f"{type(part).__name__}.{name} = {value}")
    path.unlink()
    faiss.write_index(whole, str(path))
    reseal(index)
    return f"{path.name}, {done}, resealed"


_kept: list[object] = []


def _forge_json(rng: random.Random, index: Path) -> str:
    path = rng.choice([each for each in _files(index) if each.suffix == ".json"])
    data = path.read_bytes()
    path.unlink()
    try:
        content = worse(rng, json.loads(data), share=rng.choice((0.02, 0.1)))
        path.write_text(json.dumps(content) + "\n")
    except ValueError:
        path.write_bytes(mutated(rng, [data]))
    reseal(index)
    return f"{path.name}, JSON, resealed"


def _catalogue(rng: random.Random, index: Path) -> Path:
    return rng.choice([each for each in _files(index) if each.suffix == ".sqlite"])


_CELLS = [value for value in HOSTILE if not isinstance(value, int) or -(2**63) <= value < 2**63]


def _cell(rng: random.Random) -> object:
    value = rng.choice(_CELLS)
    if isinstance(value, str) and "\ud800" in value:
        return b"\xed\xa0\x80"
    if isinstance(value, list | dict):
        return json.dumps(value)
    deep = "[" * 100_000
    texts = (
        b"x",
        b"a\0b",
        b"\xff",
        "[[",
        deep,
        '"x"',
        '["a", 1]',
        "null",
        "NaN",
        "{}",
        '"\\ud800"',
    )
    return rng.choice((value, value, *texts))


def _forge_row(rng: random.Random, index: Path) -> str:
    """One column of the catalogue, in some rows or in all."""
    path = _catalogue(rng, index)
    with sqlite3.connect(path) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        table = rng.choice([name for name in tables if not name.startswith("sqlite_")])
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        column = rng.choice(columns)
        value = _cell(rng)
        where = rng.choice(("", f" WHERE length({column}) % 2"))
        with suppress(sqlite3.Error):
            db.execute(f"UPDATE OR REPLACE {table} SET {column} = ?{where}", (value,))  # noqa: S608 - the names are the catalogue's
    db.close()
    reseal(index)
    return f"{path.name}, {table}.{column} = {value!r:.40}, resealed"


_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
_SCHEMES = (
    "DROP TABLE passages",
    "DROP TABLE tags",
    "DELETE FROM notes",
    "DELETE FROM passages",
    "ALTER TABLE passages RENAME TO p; CREATE VIEW passages AS SELECT * FROM p, p AS q",
    f"ALTER TABLE notes RENAME TO n0; CREATE VIEW notes AS {_ENDLESS} SELECT n0.* FROM n0, n",  # noqa: S608 - ours
    f"ALTER TABLE passages RENAME TO p; CREATE VIEW passages AS {_ENDLESS} SELECT p.* FROM p, n",  # noqa: S608 - ours
    """ALTER TABLE passages RENAME TO p; CREATE VIEW passages AS
    SELECT id, note, embedding_key, start_char, end_char, first_line, last_line, heading,
    hex(zeroblob(900000000)) AS text, units FROM p""",
    "ALTER TABLE notes ADD COLUMN more TEXT",
    "ALTER TABLE passages DROP COLUMN units",
    "CREATE TABLE t2(x); PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = 'nonsense'",
    "PRAGMA user_version = 7",
    "UPDATE passages SET id = -id",
    "UPDATE passages SET note = note + 1",
    "UPDATE notes SET path = x'2f6574632f706173737764'",
    "UPDATE notes SET path = x'2e2e2f2e2e2f782e6d64'",
    "UPDATE passages SET start_char = start_char + 1",
    "UPDATE passages SET end_char = 1000000000000",
    "UPDATE passages SET first_line = -5, last_line = 'x'",
    """UPDATE passages SET units = '[["paragraph", 0, 1000000, ""]]'""",
    """UPDATE passages SET units = '[["paragraph", -9, "x", ""]]'""",
    """UPDATE passages SET units = '[["paragraph", 5, 2, {}]]'""",
    """UPDATE passages SET units = '[["no kind", 5, 9, ""]]'""",
    """UPDATE passages SET units = '[["row", 1.5, 9, 7]]', heading = '[1, {}]'""",
    """UPDATE notes SET title = '"\\ud800\\u001b[31m"', aliases = '["\\u202e"]', date = char(27)""",
    "UPDATE notes SET sha256 = 'x', date = '9999-99-99'",
)


def _forge_scheme(rng: random.Random, index: Path) -> str:
    path, statements = _catalogue(rng, index), rng.choice(_SCHEMES)
    with sqlite3.connect(path) as db, suppress(sqlite3.Error):
        db.executescript(statements)
    db.close()
    reseal(index)
    return f"{path.name}, {statements:.120}, resealed"


def _nothing(rng: random.Random, index: Path) -> str:
    """Nothing but new seals: what is done to an index by all that forge it."""
    del rng
    reseal(index)
    return NOTHING


DAMAGES = (
    _nothing,
    _damage_current,
    _damage_manifest,
    *[_forge_manifest] * 3,
    *[_forge_value] * 4,
    _damage_file,
    *[_forge_file] * 4,
    *[_forge_words] * 6,
    *[_forge_vectors] * 2,
    *[_forge_faiss] * 4,
    *[_forge_json] * 3,
    *[_forge_row] * 5,
    *[_forge_scheme] * 4,
)
