"""Take over an index of the format before this one: a folder for each generation.

This file is for that one step, and can be deleted with its two callers once no such index is left.
"""

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import numpy as np

from ragqa.errors import OtherFormat, WriterBusy
from ragqa.safe import private_folder
from ragqa.stores.decoding import MALFORMED, check_seal
from ragqa.stores.disk import explaining_failure, locked, report_embedded
from ragqa.stores.local import derived
from ragqa.stores.local.database import (
    DATABASE,
    INTO_EMBEDDINGS,
    OLD_POINTER,
    Database,
    fingerprint,
    is_old,
)
from ragqa.stores.local.rows import checksum, vector_row
from ragqa.stores.local.vectors import faiss
from ragqa.types import IndexInfo, Vectors

PATIENCE_S = 20.0
"""How long to wait for another process that is taking the index over, too."""

_FORMAT = 5
_APART = "taken-over"
_OLD = re.compile(r"gen-\d{6,18}(\.tmp)?|CURRENT\.tmp|saved-embeddings(-anew)?|taken-over")


def take_over(root: Path, *, wait: bool) -> None:
    """Make the index in a folder one of this format, if it is one of the format before.

    Its notes, passages and embeddings stay. It answers until the new one is in its place.

    :raises OtherFormat: it is damaged or still older, so it must be made anew from the notes.
    :raises IndexNotWritable: the folder cannot be written.
    :raises WriterBusy: another process has been at it for `PATIENCE_S`, and `wait` is False.
    """
    deadline = time.monotonic() + PATIENCE_S
    while is_old(root):
        try:
            with locked(root, wait=wait), explaining_failure(root):
                if is_old(root):
                    report_embedded(root, 0)
                    _take_over(root)
        except WriterBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def remove_old(root: Path) -> None:
    """Remove an older index, as far as possible; what its name does not show to be ours stays."""
    if (root / OLD_POINTER).exists():
        with suppress(OSError):
            for path in root.iterdir():
                if _OLD.fullmatch(path.name):
                    derived.discard(path)
        derived.discard(root / OLD_POINTER)  # last: without it, what is left is no index


def _take_over(root: Path) -> None:
    apart = root / _APART
    derived.discard(apart)
    private_folder(apart)
    database = Database.create(apart)
    try:
        _copy(root, database)
        database.finish()
        for path in sorted(apart.iterdir(), key=lambda path: path.name == DATABASE):
            derived.discard(root / path.name)
            path.replace(root / path.name)  # the database last: from then on it counts
    except (sqlite3.Error, RuntimeError, *MALFORMED) as exc:
        raise OtherFormat(
            f"the index in {root} was written by another version of ragqa, and cannot be used: "
            f"{exc}",
            hint="ragqa index",
        ) from exc
    finally:
        database.close()
        derived.discard(apart)
    remove_old(root)


def _copy(root: Path, database: Database) -> None:
    name = (root / OLD_POINTER).read_text("ascii").strip()
    if not _OLD.fullmatch(name):
        raise ValueError(f"{OLD_POINTER} names no generation")
    old = root / name
    try:
        info = _sound_info(old)
    except FileNotFoundError as exc:
        raise ValueError(f"{exc.filename} is missing") from exc
    database.db.execute("BEGIN")
    for part in (old, old / "delta"):
        if part.is_dir():
            _copy_part(part, _gone(old) if part == old else set(), database, info)
    database.set_meta("saved by 1", fingerprint(info.embedder, info.dtype))
    database.set_meta("generation", str(info.generation))
    derived.make_terms(database)
    derived.update_lists(database, info, 1)
    database.write(info, 1)
    database.db.execute("COMMIT")


def _sound_info(folder: Path) -> IndexInfo:
    """What an older index is, once its files have been compared with their digests."""
    content = msgspec.convert(
        json.loads((folder / "manifest.json").read_bytes()), dict[str, object]
    )
    check_seal(content, f"in {folder}", _FORMAT)
    files = msgspec.convert(content["files"], dict[str, dict[str, object]])
    for name, record in files.items():
        if name.startswith("terms/"):
            continue
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != record["sha256"]:
                raise ValueError(f"the file {name} is damaged")
    return msgspec.convert(content["info"], IndexInfo)


def _gone(folder: Path) -> set[int]:
    """The numbers of the notes that the delta deletes."""
    if not (folder / "delta").is_dir():
        return set()
    with closing(_catalogue(folder / "delta")) as db:
        return {row[0] for row in db.execute("SELECT note FROM gone")}


def _catalogue(part: Path) -> sqlite3.Connection:
    uri = f"{(part / 'catalogue.sqlite').absolute().as_uri()}?mode=ro&immutable=1"
    db = sqlite3.connect(uri, uri=True)
    db.execute("PRAGMA trusted_schema = OFF")
    if db.execute("SELECT count(*) FROM sqlite_master WHERE type = 'view'").fetchone()[0]:
        db.close()
        raise ValueError("its tables are not those of ragqa")
    return db


def _copy_part(part: Path, gone: set[int], database: Database, info: IndexInfo) -> None:
    with closing(_catalogue(part)) as db:
        notes = "id, path, size, mtime_ns, settled, sha256, title, date, tags, aliases, properties"
        for row in db.execute(f"SELECT {notes}, language FROM notes"):  # noqa: S608 - our own names
            if row[0] not in gone:
                number, path, *stamp, sha256, title, date, tags, aliases, properties, language = row
                lists = (json.loads(text) for text in (tags, aliases, properties))
                about = json.dumps([json.loads(title), date, *lists, language])
                check = checksum(number, path, sha256, about)
                values = (number, path, *stamp, sha256, about, check)
                database.db.execute("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        vectors, rows = dict(_vectors(part, info.embedder.dimension)), dict[int, int]()
        passages = "id, note, embedding_key, start_char, end_char, first_line, last_line"
        for row in db.execute(f"SELECT {passages}, heading, text, units, language FROM passages"):  # noqa: S608 - our own names
            id_, note, key, *rest = row
            if note not in gone:
                if key not in rows:  # another part may have it
                    values = vector_row(1, key, vectors[id_])
                    database.db.execute(f"INSERT OR IGNORE {INTO_EMBEDDINGS}", values)
                    rows[key] = database.number(
                        "row FROM embeddings WHERE key = ? AND build = 1", key
                    )
                fields = (id_, note, rows[key], key, *rest)
                places = ",".join("?" * (len(fields) + 1))
                values = (*fields, checksum(*fields))
                database.db.execute(f"INSERT INTO passages VALUES ({places})", values)  # noqa: S608 - our own names


def _vectors(part: Path, dimension: int) -> Iterator[tuple[int, Vectors]]:
    """The embedding of each passage, by the passage's id."""
    ids = np.load(part / "rows.npy", mmap_mode="r", allow_pickle=False)[0]
    index = faiss().read_index(str(part / "vectors.faiss"))  # its parts end with it
    is_flat = type(index) is faiss().IndexFlatIP
    flat = index if is_flat else faiss().downcast_index(index.refine_index)
    if (flat.d, flat.ntotal) != (dimension, len(ids)):
        raise ValueError("its embeddings have another shape")
    matrix = faiss().rev_swig_ptr(flat.get_xb(), len(ids) * dimension).reshape(-1, dimension)
    for id_, vector in zip(ids.tolist(), matrix, strict=True):
        yield id_, vector.copy()
