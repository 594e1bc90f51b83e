"""A connection to Milvus: every call has a deadline, and a failure is told in one sentence.

`pymilvus` itself repeats a call that failed for a passing reason, until the deadline.
"""

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ragqa.config.storeuri import is_file
from ragqa.errors import IndexNotReadable, IndexUnusable
from ragqa.stores.failures import REBUILD
from ragqa.stores.generations import step
from ragqa.stores.milvus_connection import LEFT, close_left, connect, pymilvus
from ragqa.stores.milvus_failures import explained
from ragqa.stores.milvus_versions import NEEDED, is_lite, is_new_enough

CONNECT_S = 10.0
CALL_S = 60.0
LOAD_S = 3600.0
"""How long a call may take, its repetitions included; the last is for indexes and loading.

pymilvus gives each repetition all of its time, and begins none after it: so it is given half.
"""

MOST_HITS = 16_384
"""What Milvus gives for one search or query at most."""

ROWS_AT_ONCE = 1_000
BYTES_AT_ONCE = 4 * 2**20
"""How much goes with one call; a server takes messages of up to 64 MB."""

Row = dict[str, Any]

_TEXTS = frozenset({"data", "terms"})
_LISTS = frozenset({"vector", "anchor", "tags", "places"})
"""The fields that are no whole numbers."""


class Client:
    """A Milvus server, or a file that Milvus Lite serves from a thread of this process.

    :param uri: `http(s)://HOST:PORT[/DATABASE]`, or the path of a file.
    :ivar milvus: the module `pymilvus`, which is there only with the extra.
    :raises WriterBusy: another process has the file open.
    :raises IndexNotReadable: nothing answers there, or not to this token.
    """

    def __init__(self, uri: str) -> None:
        close_left()
        self.uri = uri
        self._loaded: set[str] = set()
        self._call_s = CALL_S
        self.milvus = pymilvus()
        with self._explaining():
            self._client = connect(self.milvus, uri, CONNECT_S)
        weakref.finalize(self, LEFT.append, (self._client, uri))

    @property
    def is_file(self) -> bool:
        """Whether it is a file on this machine."""
        return is_file(self.uri)

    @cached_property
    def version(self) -> str:
        """The server's version, as it says it."""
        return str(self._call("get_server_version"))

    @property
    def is_lite(self) -> bool:
        """Whether it is Milvus Lite, as a file or a server."""
        return self.is_file or is_lite(self.version)

    def check_version(self) -> None:
        """Make sure that the server can do what is asked of it.

        :raises IndexUnusable: it is too old.
        """
        if not is_new_enough(self.version):
            needed = ".".join(map(str, NEEDED))
            raise IndexUnusable(
                f"the Milvus server at {self.uri} is of version {self.version:.40}; "
                f"ragqa needs {needed} or newer",
                hint="upgrade the server, or name another: --store-uri URI",
            )

    def collections(self) -> list[str]:
        """The names of all collections."""
        return [str(name) for name in self._call("list_collections")]

    def has(self, collection: str) -> bool:
        """Whether there is a collection of this name."""
        return bool(self._call("has_collection", collection))

    def describe(self, collection: str) -> Row:
        """The fields of a collection and how it was made."""
        found: Row = self._call("describe_collection", collection)
        return found

    def create(self, collection: str, schema: Any, indexes: Any) -> None:  # noqa: ANN401 - pymilvus's
        """Make a collection, which is not yet loaded."""
        # What was written must be there for whoever reads next.
        self._change(
            "create", "create_collection", collection, schema=schema, consistency_level="Strong"
        )
        self.index(collection, indexes)

    def index(self, collection: str, indexes: Any) -> None:  # noqa: ANN401 - pymilvus's
        """Make indexes of fields; they need not be complete when this is done.

        Milvus Lite makes them at once, which takes long for many embeddings.
        """
        self._change("index", "create_index", collection, indexes, sync=False, timeout=LOAD_S)

    def indexes(self, collection: str) -> list[str]:
        """The names of a collection's indexes."""
        return list(self._call("list_indexes", collection))

    def load(self, collection: str) -> None:
        """Make a collection ready for questions; a large one is indexed first, which takes long."""
        self._change("load", "load_collection", collection, timeout=LOAD_S)

    def load_if_needed(self, collection: str) -> bool:
        """Make a collection ready for questions unless it is: one of a file never is at first.

        One that was seen to be ready is taken to stay so. False where it has no index yet.
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
        """Remove a collection with all that is in it; it need not be there."""
        self._loaded.discard(collection)
        self._change("drop", "drop_collection", collection)

    def upsert(self, collection: str, rows: Sequence[Row], *, partial: bool = False) -> None:
        """Put rows in, or in the place of those with the same key, by one call.

        :param rows: so many as go with one call, see `batches`.
        :param partial: whether fields that are not given stay as they are.
        """
        doing = "change" if partial else "put"
        self._change(doing, "upsert", collection, list(rows), partial_update=partial)

    def delete(self, collection: str, where: str) -> None:
        """Remove the rows that are so."""
        self._change("delete", "delete", collection, filter=where)

    def settle(self, collection: str) -> None:
        """Have what was written lie as it is found quickest; a server sees to that by itself.

        Milvus Lite looks through the rows of its log one by one, and leaves them there until it is
        closed in order.
        """
        if self.is_lite:
            self._change("settle", "flush", collection)

    def count(self, collection: str, where: str) -> int:
        """How many rows are so."""
        found = self._call("query", collection, filter=where, output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def query(
        self, collection: str, where: str, fields: Sequence[str], *, limit: int = MOST_HITS
    ) -> list[Row]:
        """The rows that are so, or so many of them."""
        found = self._call(
            "query", collection, filter=where, output_fields=list(fields), limit=limit
        )
        return [self._checked(row, fields) for row in found]

    def each(self, collection: str, where: str, fields: Sequence[str]) -> Iterator[Row]:
        """All rows that are so, however many."""
        # An iterator makes five calls before it is at its end.
        found = self.query(collection, where, fields, limit=ROWS_AT_ONCE)
        if len(found) < ROWS_AT_ONCE:
            yield from found
            return
        iterator = self._call(
            "query_iterator",
            collection,
            batch_size=ROWS_AT_ONCE,
            filter=where,
            output_fields=list(fields),
        )
        try:
            while True:
                with self._explaining():
                    batch = iterator.next()
                if not batch:
                    return
                yield from (self._checked(row, fields) for row in batch)
        finally:
            iterator.close()

    def search(
        self,
        collection: str,
        query: object,
        field: str,
        *,
        where: str,
        limit: int,
        fields: Sequence[str],
        params: Row,
    ) -> list[tuple[float, Row]]:
        """The rows nearest to a query, best first: (score as Milvus has it, fields)."""
        found = self._call(
            "search",
            collection,
            data=[query],
            anns_field=field,
            filter=where,
            limit=min(limit, MOST_HITS),
            output_fields=list(fields),
            search_params={"params": params},
        )
        return [(float(hit["distance"]), self._checked(hit["entity"], fields)) for hit in found[0]]

    def _checked(self, row: Mapping[str, Any], fields: Sequence[str]) -> Row:
        """A row whose fields are numbers and texts as they should be: a server may be anyone's."""
        for name in fields:
            kind = object if name in _LISTS else str if name in _TEXTS else int
            if not isinstance(row.get(name), kind):
                raise IndexUnusable(
                    f"a row in Milvus at {self.uri} has {row.get(name)!r:.40} for its {name}",
                    hint=REBUILD,
                )
        return dict(row)

    def _change(
        self, doing: str, method: str, collection: str, *args: object, **options: object
    ) -> None:
        """Change what the server has, which is a step in whose place tests fail."""
        with self._explaining():
            step(f"{doing} {_kind(collection)}")
            self._call(method, collection, *args, **options)

    def _call(self, method: str, *args: object, **options: object) -> Any:  # noqa: ANN401 - as pymilvus gives it
        with self._explaining():
            return getattr(self._client, method)(*args, **{"timeout": self._call_s / 2, **options})

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn what a server or the way to it did wrong into one sentence."""
        import grpc

        try:
            yield
        except (self.milvus.MilvusException, grpc.RpcError, ConnectionError, TimeoutError) as exc:
            told = explained(exc, self.uri)
            if isinstance(told, IndexNotReadable):
                self._call_s = min(CALL_S, CONNECT_S)  # what is cleared up after it
            raise told from exc


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows, so many at a time as go with one call."""
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
    """About how many bytes a value is on its way."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    nbytes = getattr(value, "nbytes", None)
    return int(nbytes) if nbytes is not None else 8


def _kind(collection: str) -> str:
    """What of an index is in a collection of this name, for the name of a step."""
    return {"p": "passages", "n": "notes"}.get(collection.rpartition("_")[2][:1], "records")
