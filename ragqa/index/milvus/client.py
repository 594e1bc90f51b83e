"""A connection to one index in Milvus: every call has a deadline, and an error is one sentence."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import grpc

from ragqa.config.urls import TOKEN_VARIABLE, is_file, remote_host
from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable, WriterBusy
from ragqa.index.disk import REBUILD
from ragqa.index.ranking import BM25_B, BM25_K1
from ragqa.safe import private_folder

# How long a call may take with the retries that pymilvus makes; the last is for loading.
CONNECT_S, CALL_S, LOAD_S = 10.0, 60.0, 3600.0
FILE_WAIT_S = 5.0  # for a file that another process has open; a query takes about a second
MAX_HITS, MAX_TEXT_BYTES = 16_384, 65_535  # Milvus's limits: rows found at once, a text in a row
ROWS_AT_ONCE = 250  # to send; of the largest, that is 33 MB, and a server takes 64
DENSE, TERMS = "vector", "bm25"  # the searched fields, and their indexes

Row = dict[str, Any]
Keys: TypeAlias = Iterable[int]

_PAGE = 1_000
_SERVED: dict[str, tuple[object, ...]] = {}

# Words in the messages of Milvus and gRPC, of any version, and what they mean.
_MEANINGS: tuple[tuple[str, type[IndexUnusable], str, str], ...] = (
    ("unauthenticated|not authenticated|auth check failure|permission|permitted",
     IndexNotReadable, "{at} denies access", f"set {TOKEN_VARIABLE} to a token, or USER:PASSWORD"),
    ("quota|limit exceeded|exceeded the limit|resource_exhausted|insufficient|disk|deny to write",
     IndexNotWritable, "{at} accepts no more data", "give it more space or a higher quota"),
    ("unavailable|connect|not ready",
     IndexNotReadable, "no Milvus answers at {uri}", "start it, or change the setting store"),
    ("deadline|timeout", IndexNotReadable, "{at} did not answer in time", "ragqa status"),
    ("", IndexUnusable, "{at} failed", "ragqa status"),
)  # fmt: skip


class Client:
    """A Milvus server, or a file that Milvus Lite serves from threads of this process.

    :param name: that of the index, an alias of the collection that counts.
    :param builder: a name of this machine and folder; no other writes to its collections.
    :ivar own: how the names of those begin.
    """

    def __init__(self, uri: str, name: str, builder: str) -> None:
        self.uri, self.name, self.place = uri, name, f"{name} at {uri}"
        self.own = f"{name}_{builder}_"
        self._loaded: set[str] = set()
        self._replaced: set[str] = set()
        self._call_s = CALL_S
        self._milvus = pymilvus()
        self._client = self._translating(_connect, self._milvus, uri)
        self.version = str(self.call("get_server_version"))
        self.is_exact = self.is_lite = is_file(uri) or self.version.startswith("milvus_lite")
        if [*map(int, re.findall(r"\d+", self.version)[:2])] < [2, 5]:
            what = f"the Milvus server at {uri} has version {self.version:.40}; ragqa needs 2.5"
            raise IndexUnusable(what, hint="upgrade it, or change the setting store")

    def current(self) -> str:
        """The collection that the name of the index stands for; "" if there is none."""
        if not self.call("has_collection", self.name):
            return ""
        return str(self.call("describe_alias", self.name)["collection_name"])

    def switch(self, collection: str) -> None:
        """Have the name of the index stand for a collection."""
        if not self.call("has_collection", self.name):
            self.call("create_alias", collection, self.name)
        elif (before := self.current()) != collection:
            self.call("alter_alias", collection, self.name)
            self._replaced.add(before)

    def drop_replaced(self) -> None:
        """Delete what the name stood for before, and what builds of this folder have left."""
        there = self.call("list_collections")
        left = {name for name in there if name.startswith(self.own)} - {self.current()}
        for collection in self._replaced.intersection(there) | left:
            self._loaded.discard(collection)
            self.call("drop_collection", collection)

    def create(self, collection: str, dimension: int) -> None:
        """Create a collection."""
        milvus, types = self._milvus.MilvusClient, self._milvus.DataType
        schema = milvus.create_schema(auto_id=False, enable_dynamic_field=False)
        indexes = milvus.prepare_index_params()
        schema.add_field("pk", types.INT64, is_primary=True)
        schema.add_field("data", types.VARCHAR, max_length=MAX_TEXT_BYTES)
        # Milvus's defaults, explicit since memory and recall depend on them.
        graph = {} if self.is_exact else {"M": 30, "efConstruction": 360}
        schema.add_field(DENSE, types.FLOAT_VECTOR, dim=dimension)
        indexes.add_index(DENSE, "HNSW" if graph else "FLAT", DENSE, metric_type="IP", params=graph)
        for name in ("note", "embedding_key", "length"):
            schema.add_field(name, types.INT64)
            indexes.add_index(name, "INVERTED", name)
        # The terms are encoded: both tokenizers split at blanks only. Milvus Lite has but one.
        analyzer = {"tokenizer": "standard" if self.is_lite else "whitespace"}
        analyzed = {"enable_analyzer": True, "enable_match": True, "analyzer_params": analyzer}
        schema.add_field("terms", types.VARCHAR, max_length=MAX_TEXT_BYTES, **analyzed)
        schema.add_field(TERMS, types.SPARSE_FLOAT_VECTOR)
        bm25 = self._milvus.FunctionType.BM25
        schema.add_function(self._milvus.Function(TERMS, bm25, ["terms"], [TERMS]))
        like = {"metric_type": "BM25", "params": {"bm25_k1": BM25_K1, "bm25_b": BM25_B}}
        indexes.add_index(TERMS, "SPARSE_INVERTED_INDEX", TERMS, **like)
        # Every write must be visible to the next reader.
        self.call("create_collection", collection, schema=schema, consistency_level="Strong")
        self.call("create_index", collection, indexes, sync=False)
        self.ready(collection)

    def ready(self, collection: str) -> bool:
        """Whether there is a collection that has its indexes; loads it if it is not loaded."""
        if collection not in self._loaded and self.call("has_collection", collection):
            state = self.call("get_load_state", collection)["state"]
            if str(getattr(state, "name", state)) == "Loaded":
                self._loaded.add(collection)
            elif self.call("list_indexes", collection):
                self.call("load_collection", collection, seconds=LOAD_S)
                self._loaded.add(collection)
        return collection in self._loaded

    def put(self, collection: str, rows: Iterable[Row]) -> None:
        """Insert rows, or replace those with the same key."""
        rows = list(rows)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self.call("upsert", collection, rows[start : start + ROWS_AT_ONCE])

    def delete(self, name: str, keys: Keys, field: str = "pk") -> None:
        """Delete the rows in which a field is one of these."""
        for where in _any_of_each(field, keys):
            self.call("delete", name, filter=where)

    def count(self, collection: str, where: str = "") -> int:
        """How many rows match a condition."""
        rows = self.call("query", collection, filter=where, output_fields=["count(*)"])
        return int(rows[0]["count(*)"])

    def each(self, collection: str, where: str, fields: Sequence[str]) -> Iterator[Row]:
        """All rows that match a condition, however many."""
        wanted: Row = {"filter": where, "output_fields": list(fields)}
        rows = self.call("query", collection, limit=_PAGE, **wanted)
        if len(rows) < _PAGE:  # an iterator makes at least five calls
            yield from self._checked(rows, fields)
            return
        iterator = self.call("query_iterator", collection, batch_size=_PAGE, **wanted)
        try:
            while batch := self._translating(iterator.next):
                yield from self._checked(batch, fields)
        finally:
            iterator.close()

    def of(self, name: str, keys: Keys, fields: Sequence[str], field: str = "pk") -> Iterator[Row]:
        """The rows in which a field is one of these."""
        for where in _any_of_each(field, keys):
            yield from self.each(name, where, fields)

    def search(
        self, collection: str, field: str, query: object, where: str, limit: int, **params: object
    ) -> list[tuple[float, Row]]:
        """The rows nearest to a query in a field, best first: (Milvus's score, key and terms)."""
        fields = ["pk", "terms"] if field == TERMS else ["pk"]
        options: Row = {"filter": where, "limit": min(limit, MAX_HITS), "output_fields": fields}
        options |= {"anns_field": field, "search_params": {"params": params}}
        hits = self.call("search", collection, data=[query], **options)[0]
        rows = self._checked([hit["entity"] for hit in hits], fields)
        return [(float(hit["distance"]), row) for hit, row in zip(hits, rows, strict=True)]

    def call(self, method: str, *args: object, seconds: float = 0, **options: Any) -> Any:  # noqa: ANN401 - as pymilvus has it
        """Call a method of pymilvus's client; what fails is an `IndexUnusable`."""
        # Each retry may take that long, and none starts after it.
        options["timeout"] = (seconds or self._call_s) / 2
        return self._translating(getattr(self._client, method), *args, **options)

    def _checked(self, rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> list[Row]:
        """Check the types of rows' fields, since the server may not be trustworthy."""
        kinds = {"data": str, "terms": str, DENSE: object}
        for name, row in product(fields, checked := [dict(row) for row in rows]):
            if not isinstance(row.get(name), kinds.get(name, int)):
                what = f"a row in Milvus at {self.uri} has {row.get(name)!r:.40} for its {name}"
                raise IndexUnusable(what, hint=REBUILD)
        return checked

    def _translating(self, call: Callable[..., Any], *args: object, **options: Any) -> Any:  # noqa: ANN401 - as above
        failures = (self._milvus.MilvusException, grpc.RpcError, ConnectionError, TimeoutError)
        try:
            return call(*args, **options)
        except failures as exc:
            error = translate_error(exc, self.uri)
            if isinstance(error, IndexNotReadable):
                self._call_s = min(CALL_S, CONNECT_S)  # clean-up should fail fast
            raise error from exc


def _any_of_each(field: str, keys: Iterable[int]) -> Iterator[str]:
    """Conditions of bounded length, one of which holds if a field is one of these."""
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _PAGE):
        yield f"{field} in {wanted[start : start + _PAGE]}"


def translate_error(exc: Exception, uri: str) -> IndexUnusable:
    """The error to raise for an error of pymilvus or gRPC."""
    at = f"the Milvus Lite file {uri}" if is_file(uri) else f"the Milvus server at {uri}"
    message = str(getattr(exc, "message", "") or exc)
    signs = f"{getattr(exc, 'code', '')} {message}"
    call = next((cause for cause in (exc, exc.__cause__) if isinstance(cause, grpc.Call)), None)
    if call is not None:
        message = call.details() or message
        signs += f" {call.code().name} {message}"
    # Brackets and quotes enclose names, which may contain any word.
    signs = re.sub(r"\[[^]]*]|'[^']*'", "", signs).lower()
    _, error, what, hint = next(meaning for meaning in _MEANINGS if re.search(meaning[0], signs))
    return error(f"{what.format(at=at, uri=uri)}: {' '.join(message.split())[:300]}", hint=hint)


def pymilvus() -> Any:  # noqa: ANN401 - the module is there only with the extra
    """Import `pymilvus`, isolated from the environment and silenced."""
    # It would read settings and the token from a `.env` file, perhaps in a folder of notes.
    before = {"GRPC_VERBOSITY": "NONE"} | dict(os.environ)
    os.environ.update(before | {"PYTHON_DOTENV_DISABLED": "1"})
    try:
        import pymilvus as module
    finally:
        os.environ.clear()
        os.environ.update(before)
    # They would print tracebacks of errors that are reported in one sentence here.
    for name in ("pymilvus", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return module


def _connect(milvus: Any, uri: str) -> Any:  # noqa: ANN401 - pymilvus's
    # gRPC would use a proxy even for this machine, and a proxy can read unencrypted traffic.
    options = {"grpc.enable_http_proxy": int(uri.startswith("https://"))}
    if not remote_host(uri):
        # pymilvus pings every ten seconds; Milvus Lite takes that for an attack and hangs up.
        options["grpc.keepalive_time_ms"] = 2**31 - 1
    address, token = (
        (_serve(uri), "") if is_file(uri) else (uri, os.environ.get(TOKEN_VARIABLE, ""))
    )
    # Connections are shared by address unless dedicated.
    shared = {"timeout": CONNECT_S, "dedicated": True, "grpc_options": options}
    return milvus.MilvusClient(address, token=token, **shared)


def _serve(uri: str) -> str:
    """Serve a file until this process ends, on a socket that only its user can reach."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread
    from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError

    deadline = time.monotonic() + FILE_WAIT_S
    while uri not in _SERVED:
        folder = TemporaryDirectory(prefix="ragqa-")
        try:
            private_folder(Path(uri))
            served = start_server_in_thread(uri, "unix", f"{folder.name}/socket")
            _SERVED[uri] = (f"unix:{folder.name}/socket", folder, served)
        except DataDirLockedError as exc:
            if time.monotonic() > deadline:
                what = f"another process has the Milvus Lite file {uri} open, and only one can"
                hint = "try again when it is done; to share the file: milvus-lite server"
                raise WriterBusy(what, hint=hint) from exc
            time.sleep(0.1)
        except (MilvusLiteError, OSError, ValueError, KeyError) as exc:
            what = f"the Milvus Lite file {uri} cannot be opened: {exc}"
            raise IndexUnusable(what, hint="remove it, then: ragqa index --rebuild") from exc
    return str(_SERVED[uri][0])
