"""An index's description as JSON, for stores to keep with it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TypeVar

from ragqa.types import DenseInfo, EmbedderInfo, IndexInfo, Skipped

_A = TypeVar("_A")

UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""The errors that reading malformed JSON raises."""


def info_json(info: IndexInfo) -> dict[str, object]:
    """An index's description as JSON-compatible values."""
    return asdict(replace(info, chunking=dict(info.chunking)))


def digest_of(content: object) -> str:
    """SHA-256 of a JSON-compatible value in canonical form, in hexadecimal."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def info_of(content: Mapping[str, object]) -> IndexInfo:
    """Read an index's description back.

    :raises LookupError, TypeError, ValueError: it is malformed.
    """
    skipped = [_strings(pair, "path", "reason") for pair in typed(content, "skipped", list)]
    return IndexInfo(
        generation=typed(content, "generation", int),
        embedder=_embedder(typed(content, "embedder", dict)),
        dtype=typed(content, "dtype", str),
        canary=tuple(float(number) for number in typed(content, "canary", list)),
        chunking={key: int(value) for key, value in typed(content, "chunking", dict).items()},
        notes=typed(content, "notes", int),
        passages=typed(content, "passages", int),
        corpus=typed(content, "corpus", str),
        created=typed(content, "created", str),
        skipped=tuple(Skipped(path=path, reason=reason) for path, reason in skipped),
        dense=_dense(typed(content, "dense", dict)),
    )


def _dense(content: dict[str, object]) -> DenseInfo:
    return DenseInfo(
        kind=typed(content, "kind", str),
        lists=typed(content, "lists", int),
        probes=typed(content, "probes", int),
        recall=typed(content, "recall", float),
    )


def _embedder(content: dict[str, object]) -> EmbedderInfo:
    return EmbedderInfo(
        name=typed(content, "name", str),
        weights_sha256=typed(content, "weights_sha256", str),
        dimension=typed(content, "dimension", int),
        window=typed(content, "window", int),
        pooling=typed(content, "pooling", str),
        query_prompt=typed(content, "query_prompt", str),
        passage_prompt=typed(content, "passage_prompt", str),
    )


def _strings(content: dict[str, object], *names: str) -> list[str]:
    return [typed(content, name, str) for name in names]


def typed(content: Mapping[str, object], name: str, kind: type[_A]) -> _A:
    """The value of a field, checked for its type.

    :raises LookupError: it is missing.
    :raises TypeError: it has another type.
    """
    value = content[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{name} is {value!r:.40}")
    return value
