"""Notes and passages as Milvus rows, and the conditions that select rows.

A condition holds only field names and integers: text from notes and questions enters it as a hash.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import chain

import msgspec

from ragqa.errors import IndexUnusable
from ragqa.stores.decoding import MALFORMED, check_languages, passage_of, units_json
from ragqa.stores.disk import REPAIR
from ragqa.stores.filters import fold_tag, tag_and_parents
from ragqa.stores.milvus.client import Row
from ragqa.stores.vectors import place_of
from ragqa.text.words import passage_terms
from ragqa.types import NoteRecord, Passage, Vector, with_parents

ALIVE = 2**62
"""The `died` value of a live row."""

MAX_TEXT_BYTES = 65_535
MAX_LABELS = 4_096
"""Milvus's limits for one field."""

IDS_AT_ONCE = 1_000

# The order of the values in the field `data`.
_NOTE = ("path", "size", "mtime_ns", "sha256", "settled", "title", "tags", "date", "aliases",
         "properties", "language")  # fmt: skip
_PASSAGE = (
    "id",
    "embedding_key",
    "path",
    "title",
    "start",
    "end",
    "lines",
    "heading",
    "text",
    "units",
    "note_sha256",
    "note_date",
    "aliases",
    "language",
)

_COMPRESSED = "z"
_MAX_UNPACKED_BYTES = 64 * 2**20
_MAX_PLAIN_BYTES = 60_000
_SPECIAL = re.compile(r"[^a-z0-9]")
_NO_DAY = 0


def hash_key(*parts: object) -> int:
    """Hash texts and numbers to an integer from 0 to 2**63 - 1."""
    data = "\0".join(map(str, parts)).encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(data, digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def note_key(path: str) -> int:
    """The number shared by all rows of a note."""
    return hash_key("note", path)


def passage_key(id_: int, attempt: int) -> int:
    """The key of the row of a passage born in this attempt."""
    return hash_key("passage", id_, attempt)


def encode_term(term: str) -> str:
    """Encode a term uniquely, in letters, digits and underscores that no tokenizer splits."""
    return _SPECIAL.sub(lambda match: f"_{ord(match[0]):x}_", term)


def encoded_terms(passage: Passage) -> list[str]:
    """All terms of a passage, encoded for Milvus."""
    return [encode_term(term) for term in passage_terms(passage)]


def passage_row(
    passage: Passage, vector: Vector, terms: Sequence[str], tags: Sequence[str], attempt: int
) -> Row:
    """The row of a passage born in this attempt.

    :param vector: shape (dimension,).
    :param terms: the encoded terms, one per occurrence.
    :raises IndexUnusable: the passage is too large for a row.
    """
    joined = " ".join(terms)
    where = f"the passage at {place_of(passage)}"
    if len(joined) > MAX_TEXT_BYTES:
        raise _too_large(where, "terms")
    content = [
        units_json(passage) if name == "units" else getattr(passage, name) for name in _PASSAGE
    ]
    return {
        "pk": passage_key(passage.id, attempt),
        "passage": passage.id,
        "note": note_key(passage.path),
        "embedding_key": passage.embedding_key,
        "born": attempt,
        "died": ALIVE,
        "length": len(terms),
        "tags": _labels(where, "tag", chain.from_iterable(map(tag_and_parents, tags))),
        "places": _labels(where, "place", with_parents(passage.path)),
        "day": _day(passage.note_date),
        "terms": joined,
        "vector": vector,
        "data": _pack(where, content),
    }


def note_row(record: NoteRecord, attempt: int) -> Row:
    """The row of a note born in this attempt.

    :raises IndexUnusable: the note is too large for a row.
    """
    stamp = record.stamp._asdict()
    content = [stamp[name] if name in stamp else getattr(record, name) for name in _NOTE]
    return {
        "pk": hash_key("note", record.path, attempt),
        "note": note_key(record.path),
        "born": attempt,
        "died": ALIVE,
        "data": _pack(f"the note {record.path}", content),
        "anchor": [1.0, 0.0],
    }


def read_note(data: str) -> NoteRecord:
    """Parse the `data` field of a note's row.

    :raises IndexUnusable: it is damaged.
    """
    with _reading("note"):
        fields = dict(zip(_NOTE, _unpack(data), strict=True))
        stamp = (fields["size"], fields["mtime_ns"])
        note = msgspec.convert({**fields, "stamp": stamp}, NoteRecord)
        _check_names(note.path, *note.tags)
        _day(note.date)
        check_languages([note.language])
        return note


def read_passage(data: str) -> Passage:
    """Parse the `data` field of a passage's row.

    :raises IndexUnusable: it is damaged.
    """
    with _reading("passage"):
        passage = passage_of(dict(zip(_PASSAGE, _unpack(data), strict=True)))
        _check_names(passage.path)
        _day(passage.note_date)
        return passage


def any_of(field: str, numbers: Iterable[int]) -> str:
    """The condition that a field is one of these numbers, of which there must be at least one."""
    return f"{field} in [{', '.join(map(str, sorted(set(numbers))))}]"


def any_of_each(field: str, numbers: Iterable[int]) -> Iterator[str]:
    """Conditions of bounded length, one of which holds if a field is one of these numbers."""
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), IDS_AT_ONCE):
        yield any_of(field, wanted[start : start + IDS_AT_ONCE])


def in_ranges(field: str, ranges: Sequence[tuple[int, int]]) -> str:
    """The condition that a field is in one of these inclusive ranges, at least one."""
    found = (f"({field} >= {first} and {field} <= {last})" for first, last in ranges)
    return f"({' or '.join(found)})"


def has_tags(tags: Sequence[str]) -> str:
    """The condition that a passage's note has all these tags, or tags nested in them."""
    return f"array_contains_all(tags, {[hash_key('tag', fold_tag(tag)) for tag in tags]})"


def in_places(globs: Sequence[str]) -> str:
    """The condition that a passage's note is one of these, or below one of these folders.

    :param globs: path globs without wildcards.
    """
    paths = (glob.removeprefix("./").rstrip("/") for glob in globs)
    return f"array_contains_any(places, {[hash_key('place', path) for path in paths]})"


def dated_since(day: str) -> str:
    """The condition that a passage's note is dated on this day or later."""
    return f"day >= {_day(day)} and day > {_NO_DAY}"


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Translate parse errors into damage of a row, since the server may not be trustworthy."""
    try:
        yield
    except (*MALFORMED, zlib.error) as exc:
        raise IndexUnusable(
            f"a row of a {what} in Milvus is damaged: {exc!s:.80}", hint=REPAIR
        ) from exc


def _check_names(*names: str) -> None:
    """Check that names of a file or tag have no surrogates but those for undecodable bytes."""
    for name in names:
        name.encode("utf-8", "surrogateescape")


def _too_large(where: str, what: str) -> IndexUnusable:
    return IndexUnusable(
        f"{where} has more {what} than a Milvus row can hold",
        hint="exclude the note in .ragqaignore, or keep the index here: --store local",
    )


def _labels(where: str, kind: str, names: Iterable[str]) -> list[int]:
    found = sorted({hash_key(kind, name) for name in names})
    if len(found) > MAX_LABELS:
        raise _too_large(where, f"{kind}s")
    return found


def _day(iso: str) -> int:
    return date.fromisoformat(iso).toordinal() if iso else _NO_DAY


def _pack(where: str, content: object) -> str:
    """Encode as ASCII JSON, which preserves undecodable bytes; compress it if long."""
    plain = json.dumps(content, separators=(",", ":"))
    if len(plain) <= _MAX_PLAIN_BYTES:
        return plain
    packed = _COMPRESSED + base64.b85encode(zlib.compress(plain.encode())).decode()
    if len(packed) > MAX_TEXT_BYTES:
        raise _too_large(where, "text")
    return packed


def _unpack(data: str) -> list[object]:
    if data.startswith(_COMPRESSED):
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b85decode(data[1:]), _MAX_UNPACKED_BYTES).decode()
    return msgspec.convert(json.loads(data), list[object])
