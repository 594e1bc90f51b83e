"""Notes, passages and embeddings as rows of the database, each with a checksum.

Whatever reads a row raises one of `MALFORMED` where it is damaged or forged.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Sequence

import msgspec
import numpy as np

from ragqa.stores.decoding import check_languages, decoded, passage_of
from ragqa.types import Note, NoteRecord, Passage, Stamp, Vector, Vectors

NUMBER = np.dtype("<f2")
"""How embeddings are stored: half precision changes a cosine by less than .001."""

_About = tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...], str]
"""A note's title, date, tags, aliases, properties and language."""

_DECODER = msgspec.json.Decoder(_About)


def checksum(*fields: object) -> int:
    """CRC-32 of a row's values."""
    return zlib.crc32(msgspec.msgpack.encode(fields))


def damaged(what: str) -> ValueError:
    """The error to raise for a row that differs from its checksum."""
    return ValueError(f"{what} is damaged: it does not match its checksum")


def note_row(number: int, note: Note, *, settled: bool) -> tuple[object, ...]:
    """A note as a row of its table."""
    path = os.fsencode(note.path)
    about = json.dumps(
        [note.title, note.date, note.tags, note.aliases, note.properties, note.language]
    )
    check = checksum(number, path, note.sha256, about)
    return (number, path, *note.stamp, settled, note.sha256, about, check)


def read_note(row: sqlite3.Row) -> NoteRecord:
    """A note from its row."""
    _check_note(row, row["id"], row["checksum"])
    stamp, settled = Stamp(row["size"], row["mtime_ns"]), bool(row["settled"])
    title, date, tags, aliases, properties, language = _about(row)
    path = os.fsdecode(row["path"])
    record = NoteRecord(
        path, stamp, row["sha256"], settled, title, tags, date, aliases, properties, language
    )
    check_languages([language])
    return record


def _about(row: sqlite3.Row) -> _About:
    try:
        return _DECODER.decode(row["about"])
    except msgspec.DecodeError:  # of surrogates, which stand for undecodable bytes
        about: _About = msgspec.convert(json.loads(row["about"]), _About)
        return about


def _check_note(row: sqlite3.Row, number: int, check: int) -> None:
    if checksum(number, row["path"], row["sha256"], row["about"]) != check:
        raise damaged("a note")


def passage_row(note: int, embedding: int, passage: Passage, units: str) -> tuple[object, ...]:
    """A passage as a row of its table.

    :param units: the passage's units as JSON.
    """
    fields = (
        passage.id,
        note,
        embedding,
        passage.embedding_key,
        passage.start,
        passage.end,
        *passage.lines,
        json.dumps(passage.heading),
        passage.text,
        units,
        passage.language,
    )
    return (*fields, checksum(*fields))


_PASSAGE_FIELDS = 12


def read_passage(row: sqlite3.Row) -> Passage:
    """A passage from its row and its note's."""
    fields = tuple(row)[:_PASSAGE_FIELDS]
    if checksum(*fields) != row["checksum"]:
        raise damaged("a passage")
    _check_note(row, row["note"], row["note_checksum"])
    title, date, _, aliases, *_ = _about(row)
    return passage_of(
        {
            "id": row["id"],
            "embedding_key": row["embedding_key"],
            "path": os.fsdecode(row["path"]),
            "title": title,
            "start": row["start_char"],
            "end": row["end_char"],
            "lines": (row["first_line"], row["last_line"]),
            "heading": decoded(row["heading"], list[object]),
            "text": row["text"],
            "units": row["units"],
            "note_sha256": row["sha256"],
            "note_date": date,
            "aliases": aliases,
            "language": row["language"],
        }
    )


def vector_row(build: int, key: int, vector: Vector) -> tuple[int, int, bytes, int]:
    """An embedding, shape (dimension,), as a row of its table without the number."""
    blob = vector.astype(NUMBER).tobytes()
    return build, key, blob, zlib.crc32(blob, key & 0xFFFFFFFF)


def read_vector(row: sqlite3.Row) -> Vector:
    """An embedding, shape (dimension,), from its row."""
    vector: Vector = read_vectors([row])[0]
    return vector


def read_vectors(rows: Sequence[sqlite3.Row]) -> Vectors:
    """Embeddings, shape (rows, dimension), from their rows.

    Half precision leaves some a little too short or long, where a model gives few digits.
    """
    numbers = np.frombuffer(b"".join(map(blob_of, rows)), NUMBER).astype(np.float32)
    vectors: Vectors = numbers.reshape(len(rows), -1 if rows else 0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-6))
    return vectors


def blob_of(row: sqlite3.Row) -> bytes:
    """An embedding, shape (dimension,), as the bytes of its numbers, from its row."""
    _, key, blob, check = row
    if not isinstance(blob, bytes) or zlib.crc32(blob, key & 0xFFFFFFFF) != check:
        raise damaged(f"the embedding {row['row']}")
    return blob
