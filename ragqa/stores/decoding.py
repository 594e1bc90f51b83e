"""Check what is read from an index, which anyone may have written, and embeddings before their use.

What decodes a value raises one of `MALFORMED` if it is not as it should be.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeVar

import msgspec
import numpy as np

import ragqa
from ragqa.errors import EmbedderMismatch, IndexUnusable, OtherFormat
from ragqa.languages import LANGUAGES
from ragqa.stores.disk import REBUILD
from ragqa.types import IndexInfo, Passage, Unit, Vector, Vectors

_T = TypeVar("_T")

MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""The errors that malformed values raise."""

_MAX_COUNT = 2**53
_UNIT = tuple(field.name for field in fields(Unit))

UNIT_TOLERANCE = 1e-3


def decoded(json_text: object, kind: type[_T]) -> _T:
    """Decode JSON that holds a value of this type.

    `json` and not `msgspec` parses, since it keeps surrogates, which stand for undecodable bytes.
    """
    return msgspec.convert(json.loads(msgspec.convert(json_text, str)), kind)


def passage_of(row: Mapping[str, object]) -> Passage:
    """Make a passage from its fields by name; its units are JSON, each a list of its values."""
    units = decoded(row["units"], list[list[object]])
    # An index that has not been rebuilt since has fewer.
    named = [dict(zip(_UNIT, unit, strict=False)) for unit in units]
    passage = msgspec.convert({**row, "units": named}, Passage)
    check_languages([passage.language])
    return passage


def check_languages(codes: Iterable[str]) -> None:
    """Check that `LANGUAGES` has these."""
    if unknown := set(codes).difference(LANGUAGES):
        raise ValueError(f"it has the unknown language {min(unknown)!r}")


def check_info(info: IndexInfo) -> None:
    """Check what an index says of its languages."""
    check_languages(info.languages)
    for pieces in info.languages.values():
        counts = (pieces.known_bytes, pieces.number, pieces.words)
        if min(counts) < 0 or max(counts) > _MAX_COUNT:
            raise ValueError("it holds a number out of range")


def units_json(passage: Passage) -> str:
    """A passage's units as `passage_of` reads them."""
    units = [[getattr(unit, name) for name in _UNIT] for unit in passage.units]
    return json.dumps(units, separators=(",", ":"))


def info_json(info: IndexInfo) -> dict[str, object]:
    """An index's description as JSON-compatible values."""
    plain = replace(info, chunking=dict(info.chunking), languages=dict(info.languages))
    built: dict[str, object] = msgspec.to_builtins(plain)
    return built


def digest_of(content: object) -> str:
    """SHA-256 of a JSON-compatible value in canonical form, in hexadecimal."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_seal(
    content: dict[str, object], index: str, readable: int, *, is_shared: bool = False
) -> None:
    """Check the format and the digest, which it removes, of an index's description.

    :param index: which index it is, for messages.
    :param readable: the format that can be read. Of `is_shared`, only a rebuild replaces another.
    :raises OtherFormat: it has another format.
    """
    number = msgspec.convert(content["format"], int)
    if number != readable:
        by, this = "", "this ragqa"
        if "ragqa" in content:
            by = f" by ragqa {content['ragqa']}"
            this = f"this is ragqa {ragqa.__version__}, which"
        info = content.get("info")
        raise OtherFormat(
            f"the index {index} was written{by} in format {number}; {this} reads format {readable}",
            hint=REBUILD if is_shared else "ragqa index",
            corpus=str(info.get("corpus", "")) if isinstance(info, dict) else "",
        )
    if content.pop("digest") != digest_of(content):
        raise ValueError("it does not match its own digest")


def check_vectors(passages: Sequence[Passage], vectors: Vectors, dimension: int | None) -> None:
    """Check that each passage has a unit vector of the right dimension.

    :param vectors: shape (passages, dimension).
    :raises ValueError: the numbers of passages and vectors differ.
    :raises IndexUnusable: a vector is unsuitable; the message names the passage.
    """
    if len(passages) != len(vectors):
        raise ValueError(f"{len(passages)} passages with {len(vectors)} vectors")
    if not passages:
        return
    first = place_of(passages[0])
    if vectors.ndim != 2 or (dimension is not None and vectors.shape[1] != dimension):
        raise IndexUnusable(
            f"the embedding of {first} has shape {vectors.shape[1:]}, not ({dimension},)",
            hint=REBUILD,
        )
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    for passage, length in zip(passages, lengths, strict=True):
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            flaw = f"has length {length:.3g}" if np.isfinite(length) else "is not finite"
            raise IndexUnusable(
                f"the embedding of {place_of(passage)} {flaw}",
                hint="check the embedder: ragqa doctor",
            )


def check_dimension(info: IndexInfo, dimension: int | None) -> None:
    """Check that a generation's vectors, if any, have the embedder's dimension.

    :raises IndexUnusable: they do not.
    """
    if dimension not in (None, info.embedder.dimension):
        raise IndexUnusable(
            f"the embeddings have {dimension} dimensions, "
            f"but the embedder {info.embedder.name} has {info.embedder.dimension}",
            hint=REBUILD,
        )


def place_of(passage: Passage) -> str:
    """Where a passage stands, for messages."""
    first, last = passage.lines
    return f"{passage.path}, lines {first} to {last},"


def check_question(vector: Vector, dimension: int) -> None:
    """Check that a question's embedding, shape (dimension,), fits an index.

    :raises EmbedderMismatch: it has another dimension or is not finite.
    """
    if vector.shape != (dimension,) or not np.isfinite(vector).all():
        raise EmbedderMismatch(
            f"the question's embedding, of shape {vector.shape}, is not a finite vector of "
            f"the index's {dimension} dimensions",
            hint=REBUILD,
        )
