"""Results as JSON documents: the keys are declared with each type of result, as its `JSON`.

Scripts rely on the keys; `docs/schema` is made from them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import to_builtins

from ragqa.types import Keys, NoteList

Document = dict[str, Any]

_DIGITS = 4


def document_of(result: object) -> Document:
    """A result, or several by name, as a JSON document."""
    document: Document = _json(result)
    return document


def _json(value: object) -> Any:  # noqa: ANN401 - what JSON has
    """A value in what JSON has: with the keys of its type, else with all its fields."""
    if isinstance(value, Mapping):
        return {name: _json(of_name) for name, of_name in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_json, value))
    if keys := getattr(type(value), "JSON", None):
        return dict(_items(value, keys))
    return to_builtins(value, enc_hook=str)  # a path is a text


def _items(result: object, keys: Keys) -> Iterator[tuple[str, Any]]:
    """The keys with their values; numbers are rounded."""
    for key, attributes, may_be_null, may_lack in parsed(keys):
        value: Any = result
        for name in attributes:
            value = None if value is None else getattr(value, name)
        if may_lack and value in (None, ""):
            continue
        value = None if may_be_null and value == "" else value
        yield key, round(value, _DIGITS) if isinstance(value, float) else _json(value)


@cache
def parsed(keys: Keys) -> list[tuple[str, list[str], bool, bool]]:
    """Each key, the attributes that lead to its value, whether it may be null, and may lack."""
    pairs = [(name.partition("=")[0], name.rpartition("=")[2]) for name in keys.names.split()]
    null, optional = keys.null.split(), keys.optional.split()
    return [(key, at.split("."), key in null, key in optional) for key, at in pairs]


def list_document(listed: NoteList, *, tags: bool) -> Document:
    """What `ragqa list --json` prints."""
    document = document_of(listed)
    del document["notes" if tags else "tags"]
    return document
