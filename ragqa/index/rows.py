"""What an index holds of notes, passages and embeddings, as it is written and read.

What reads a value raises one of `MALFORMED` if it is not as it should be.
"""

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from operator import attrgetter
from typing import TypeVar

import msgspec
import numpy as np

import ragqa
from ragqa.errors import IndexUnusable, NeedsRebuild
from ragqa.index.disk import REBUILD
from ragqa.types import IndexInfo, NoteRecord, Passage, Stamp, Unit, Vector, Vectors

_T = TypeVar("_T", NoteRecord, Passage)

MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
NUMBER = np.dtype("<f2")  # half precision changes a cosine by less than .001
UNIT_TOLERANCE = 1e-3

_UNIT = tuple(field.name for field in fields(Unit))
_UNIT_FIELDS = attrgetter(*_UNIT)
_USUAL = [field.default for field in fields(Unit)]


def packed(record: NoteRecord | Passage) -> bytes:
    """A note or passage as JSON, in which surrogates stand for undecodable bytes of a name."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    text = json.dumps(values, default=_row, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _row(value: Unit | Stamp) -> list[object]:
    """The fields of a stamp, or of a unit, without those at the end that are usual."""
    if isinstance(value, Stamp):
        return list(msgspec.structs.astuple(value))
    row = list(_UNIT_FIELDS(value))
    while row[-1] == _USUAL[len(row) - 1]:
        row.pop()
    return row


def unpacked(data: bytes | str, kind: type[_T]) -> _T:
    """What `packed` has made, strictly: it may be anything."""
    if kind is NoteRecord:  # three times as fast, but not of surrogates
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(data, type=kind)
    values = msgspec.convert(json.loads(data), dict[str, object])
    if kind is Passage:
        units = msgspec.convert(values["units"], list[list[object]])
        # Left out at the end is what is usual.
        values["units"] = [dict(zip(_UNIT, unit, strict=False)) for unit in units]
    return msgspec.convert(values, kind)


def read_info(
    content: dict[str, object], index: str, readable: int, *, is_shared: bool = False
) -> IndexInfo:
    """What an index says of itself.

    :param content: has its "format" and "info".
    :param index: which index it is, for messages.
    :raises NeedsRebuild: it has another format than the readable; only a rebuild replaces that of
        a shared index.
    """
    number = msgspec.convert(content["format"], int)
    if number != readable:
        about = content.get("info")
        raise NeedsRebuild(
            f"the index {index} was written in format {number} by another version of ragqa; this "
            f"one, {ragqa.__version__}, reads format {readable}",
            hint=REBUILD if is_shared else "ragqa index",
            corpus=str(about.get("corpus", "")) if isinstance(about, dict) else "",
        )
    return msgspec.convert(content["info"], IndexInfo)


def model_of(info: IndexInfo) -> int:
    """The number of the model that made an index's embeddings; those of one number may be mixed.

    The embedder's name does not count. The canary does: another library may give other vectors.
    """
    content = [asdict(replace(info.embedder, name="")), info.dtype, info.canary]
    canonical = json.dumps(content, sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(canonical).digest()[:8], signed=True)


def check_vectors(passages: Sequence[Passage], vectors: Vectors) -> None:
    """Check that each passage has a vector of unit length, as some models give none.

    :raises IndexUnusable: one has not; the message names the passage.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    for passage, length in zip(passages, lengths, strict=True):
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            flaw = f"has length {length:.3g}" if np.isfinite(length) else "is not finite"
            raise IndexUnusable(
                f"the embedding of {location_of(passage)} {flaw}",
                hint="ragqa config set embedder NAME, then ragqa index --rebuild",
            )


def location_of(passage: Passage) -> str:
    """Where a passage stands, for messages."""
    first, last = passage.lines
    return f"{passage.path}, lines {first} to {last},"


def checksum(*values: object) -> int:
    """CRC-32 of a row's values."""
    return zlib.crc32(msgspec.msgpack.encode(values))


def check_row(what: str, check: object, *values: object) -> None:
    """Compare a row's values with its checksum; raises `ValueError`."""
    if checksum(*values) != check:
        raise ValueError(f"{what} does not match its checksum")


def note_row(number: int, record: NoteRecord) -> tuple[object, ...]:
    """A note as a row of its table."""
    path, data = os.fsencode(record.path), packed(record)
    check = checksum(number, path, record.sha256, record.date, data)
    stamp = record.stamp.size, record.stamp.mtime_ns
    return (number, path, *stamp, record.settled, record.sha256, record.date, data, check)


def read_note(row: sqlite3.Row) -> NoteRecord:
    """A note from its row."""
    checked = [row[name] for name in ("id", "path", "sha256", "date", "data")]
    check_row("a note", row["checksum"], *checked)
    record = unpacked(row["data"], NoteRecord)
    stamp, settled = Stamp(row["size"], row["mtime_ns"]), bool(row["settled"])
    is_same = (record.stamp, record.settled) == (stamp, settled)
    return record if is_same else replace(record, stamp=stamp, settled=settled)


def passage_row(note: int, embedding: int, passage: Passage) -> tuple[object, ...]:
    """A passage as a row of its table, by the numbers of its note and embedding."""
    values = (passage.id, note, embedding, packed(passage))
    return (*values, checksum(*values))


def read_passage(row: sqlite3.Row) -> Passage:
    """A passage from its row."""
    *values, check = row
    check_row("a passage", check, *values)
    return unpacked(row["data"], Passage)


def vector_row(model: int, key: int, vector: Vector) -> tuple[int, int, bytes, int]:
    """An embedding, shape (dimension,), as a row of its table without the number."""
    blob = vector.astype(NUMBER).tobytes()
    return model, key, blob, _check_of(model, key, blob)


def _check_of(model: int, key: int, blob: bytes) -> int:
    return zlib.crc32(blob, (model ^ key) & 0xFFFFFFFF)


def read_vectors(rows: Sequence[sqlite3.Row]) -> Vectors:
    """Embeddings, shape (rows, dimension), from their rows.

    Half precision leaves some a little too short or long, where a model gives few digits.
    """
    blobs = []
    for number, model, key, blob, check in rows:
        if not isinstance(blob, bytes) or _check_of(model, key, blob) != check:
            raise ValueError(f"the embedding {number} does not match its checksum")
        blobs.append(blob)
    numbers = np.frombuffer(b"".join(blobs), NUMBER).astype(np.float32)
    vectors: Vectors = numbers.reshape(len(rows), -1 if rows else 0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-6))
    return vectors
