"""A connection to one index in Milvus: every call has a deadline, and an error is one sentence.

`pymilvus` itself retries a call that failed temporarily, until the deadline.
"""

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import grpc

from ragqa.config.addresses import is_file
from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.stores.disk import REBUILD, step
from ragqa.stores.milvus.connection import (
    LITE,
    NEEDED,
    UNCLOSED,
    close_unused,
    connect,
    is_new_enough,
    pymilvus,
    translate_error,
)

CONNECT_S = 10.0
CALL_S = 60.0
LOAD_S = 3600.0
"""How long a call may take, including retries; the last is for indexing and loading.

pymilvus allows each retry the whole timeout and starts none after it, so it is given half.
"""

MAX_HITS = 16_384
"""The most rows that Milvus returns for one search or query."""

ROWS_AT_ONCE = 1_000
BYTES_AT_ONCE = 4 * 2**20
"""Limits of one call; a server accepts messages of up to 64 MB."""

Row = dict[str, Any]

_KINDS = {"p": "passages", "n": "notes"}
_TEXTS = frozenset({"data", "terms"})
_LISTS = frozenset({"vector", "anchor", "tags", "places"})
"""The fields that are not integers."""


class Client:
    """A Milvus server, or a file that Milvus Lite serves from threads of this process.

    :param uri: `http(s)://HOST:PORT[/DATABASE]`, or the path of a file.
    :param name: the index's name, that of its collection of records.
    :ivar milvus: the module `pymilvus`, an optional dependency.
    :raises WriterBusy: another process has the file open.
    :raises IndexNotReadable: no server answers, or it refuses the token.
    """

    def __init__(self, uri: str, name: str) -> None:
        close_unused()
        self.uri = uri
        self.name = self.records = name
        self.place = f"{name} at {uri}"
        self._loaded: set[str] = set()
        self._call_s = CALL_S
        self.milvus = pymilvus()
        with self._translating_errors():
            self._client = connect(self.milvus, uri, CONNECT_S)
        weakref.finalize(self, UNCLOSED.append, (self._client, uri))

    def passages(self, base: int) -> str:
        """The collection of passages that this attempt created."""
        return f"{self.name}_p{base}"

    def notes(self, base: int) -> str:
        """The collection of notes that this attempt created."""
        return f"{self.name}_n{base}"

    def bases(self) -> set[int]:
        """The attempts that created the collections of this index."""
        return bases_of(self.name, self.collections())

    @cached_property
    def version(self) -> str:
        """The version that the server reports."""
        return str(self._call("get_server_version"))

    @property
    def is_lite(self) -> bool:
        """Whether it is Milvus Lite, as a file or a server."""
        return is_file(self.uri) or self.version.startswith(LITE)

    def check_version(self) -> None:
        """Check that the server is new enough.

        :raises IndexUnusable: it is too old.
        """
        if not is_new_enough(self.version):
            raise IndexUnusable(
                f"the Milvus server at {self.uri} has version {self.version:.40}; "
                f"ragqa needs {'.'.join(map(str, NEEDED))} or newer",
                hint="upgrade the server, or name another: --store-uri URI",
            )

    def collections(self) -> list[str]:
        """The names of all collections."""
        return [str(name) for name in self._call("list_collections")]

    def has(self, collection: str) -> bool:
        """Whether there is a collection of this name."""
        return bool(self._call("has_collection", collection))

    def fields(self, collection: str) -> set[str]:
        """The names of a collection's fields."""
        return {field["name"] for field in self._call("describe_collection", collection)["fields"]}

    def create(self, collection: str, schema: Any, indexes: Any) -> None:  # noqa: ANN401 - pymilvus's
        """Create a collection without loading it."""
        # Every write must be visible to the next reader.
        self._change(
            "create", "create_collection", collection, schema=schema, consistency_level="Strong"
        )
        self.index(collection, indexes)

    def index(self, collection: str, indexes: Any) -> None:  # noqa: ANN401 - pymilvus's
        """Create indexes on fields; a server may still be building them when this returns.

        Milvus Lite builds them at once, which takes long for many embeddings.
        """
        self._change("index", "create_index", collection, indexes, sync=False, timeout=LOAD_S)

    def indexes(self, collection: str) -> list[str]:
        """The names of a collection's indexes."""
        return list(self._call("list_indexes", collection))

    def load(self, collection: str) -> None:
        """Load a collection for queries; a large one is indexed first, which takes long."""
        self._change("load", "load_collection", collection, timeout=LOAD_S)

    def load_if_needed(self, collection: str) -> bool:
        """Load a collection unless it is loaded; one in a file never is at first.

        A loaded collection is assumed to stay so. Returns False if it has no index yet.
        """
        if collection not in self._loaded:
            state = self._call("get_load_state", collection)["state"]
            if str(getattr(state, "name", state)) != "Loaded":
                if not self.indexes(collection):
                    return False
                self.load(collection)
            self._loaded.add(collection)
        return True

    def drop(self, collection: str) -> None:
        """Delete a collection with its contents, if it exists."""
        self._loaded.discard(collection)
        self._change("drop", "drop_collection", collection)

    def upsert(self, collection: str, rows: Sequence[Row], *, partial: bool = False) -> None:
        """Insert rows, or replace those with the same key, in one call.

        :param rows: no more than fit one call, see `batches`.
        :param partial: keep the fields that are not given.
        """
        doing = "change" if partial else "put"
        self._change(doing, "upsert", collection, list(rows), partial_update=partial)

    def delete(self, collection: str, where: str) -> None:
        """Delete the rows that match a condition."""
        self._change("delete", "delete", collection, filter=where)

    def flush(self, collection: str) -> None:
        """Flush writes into searchable segments; a server does so by itself.

        Milvus Lite scans the rows of its log one by one, and keeps them there until a clean close.
        """
        if self.is_lite:
            self._change("flush", "flush", collection)

    def count(self, collection: str, where: str) -> int:
        """How many rows match a condition."""
        found = self._call("query", collection, filter=where, output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def query(
        self, collection: str, where: str, fields: Sequence[str], *, limit: int = MAX_HITS
    ) -> list[Row]:
        """The rows that match a condition, `limit` at most."""
        wanted: Row = {"filter": where, "output_fields": list(fields), "limit": limit}
        return self._checked(self._call("query", collection, **wanted), fields)

    def each(self, collection: str, where: str, fields: Sequence[str]) -> Iterator[Row]:
        """All rows that match a condition, however many."""
        # An iterator makes at least five calls.
        found = self.query(collection, where, fields, limit=ROWS_AT_ONCE)
        if len(found) < ROWS_AT_ONCE:
            yield from found
            return
        wanted: Row = {"filter": where, "output_fields": list(fields), "batch_size": ROWS_AT_ONCE}
        iterator = self._call("query_iterator", collection, **wanted)
        try:
            while True:
                with self._translating_errors():
                    batch = iterator.next()
                if not batch:
                    return
                yield from self._checked(batch, fields)
        finally:
            iterator.close()

    def search(
        self,
        collection: str,
        field: str,
        query: object,
        **options: Any,  # noqa: ANN401 - pymilvus's
    ) -> list[tuple[float, Row]]:
        """The rows nearest to a query in a field, best first: (Milvus's score, fields).

        :param options: `filter`, `limit`, `output_fields` and perhaps `search_params`.
        """
        options["limit"] = min(options["limit"], MAX_HITS)
        found = self._call("search", collection, data=[query], anns_field=field, **options)[0]
        rows = self._checked([hit["entity"] for hit in found], options["output_fields"])
        return [(float(hit["distance"]), row) for hit, row in zip(found, rows, strict=True)]

    def _checked(self, rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> list[Row]:
        """Check the types of rows' fields, since the server may not be trustworthy."""
        checked = [dict(row) for row in rows]
        for name in fields:
            kind = object if name in _LISTS else str if name in _TEXTS else int
            for row in checked:
                if not isinstance(row.get(name), kind):
                    raise IndexUnusable(
                        f"a row in Milvus at {self.uri} has {row.get(name)!r:.40} for its {name}",
                        hint=REBUILD,
                    )
        return checked

    def _change(
        self, doing: str, method: str, collection: str, *args: object, **options: object
    ) -> None:
        """Make a change on the server, announced as a step, so that tests can make it fail."""
        end = collection.rpartition("_")[2][:1]
        with self._translating_errors():
            step(f"{doing} {_KINDS.get(end, 'records')}")
            self._call(method, collection, *args, **options)

    def _call(self, method: str, *args: object, **options: object) -> Any:  # noqa: ANN401 - as pymilvus gives it
        with self._translating_errors():
            return getattr(self._client, method)(*args, **{"timeout": self._call_s / 2, **options})

    @contextmanager
    def _translating_errors(self) -> Iterator[None]:
        """Translate Milvus and network errors."""
        try:
            yield
        except (self.milvus.MilvusException, grpc.RpcError, ConnectionError, TimeoutError) as exc:
            error = translate_error(exc, self.uri)
            if isinstance(error, IndexNotReadable):
                self._call_s = min(CALL_S, CONNECT_S)  # clean-up should fail fast
            raise error from exc


def bases_of(name: str, collections: Iterable[str]) -> set[int]:
    """The attempts that created those of these collections that belong to an index."""
    ends = (each.removeprefix(f"{name}_") for each in collections)
    return {int(end[1:]) for end in ends if end[:1] in ("p", "n") and end[1:].isdecimal()}


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Split rows into batches that fit one call."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(_size(value) for value in row.values())
        if len(batch) == ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(value: object) -> int:
    """About how many bytes a value takes in a message."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    return int(getattr(value, "nbytes", 8))
