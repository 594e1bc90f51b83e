"""The collections of an index in Milvus: their fields and indexes."""

from typing import Any

from ragqa.stores.milvus_client import MAX_HITS, Client, Row
from ragqa.stores.milvus_rows import MAX_LABELS, MAX_TEXT_BYTES
from ragqa.stores.ranking import BM25_B, BM25_K1
from ragqa.types import DenseInfo

EXACT_UP_TO = 25_000
"""Up to this many passages, search is exhaustive; above, it uses an HNSW graph."""

PASSAGE_NUMBERS = ("passage", "note", "embedding_key", "born", "died", "length", "day")
NOTE_NUMBERS = ("note", "born", "died")
_INDEXED = frozenset({"passage", "note", "embedding_key", "born", "died"})
_LABELS = ("tags", "places")

_ANCHOR = "anchor"

DENSE = "vector"
TERMS = "bm25"
"""The searched fields; their indexes have the same names."""

PASSAGE_FIELDS = ("pk", *PASSAGE_NUMBERS, *_LABELS, "terms", DENSE, "data")
NOTE_FIELDS = ("pk", *NOTE_NUMBERS, "data", "anchor")
"""The fields of an inserted row."""

# Milvus's defaults, explicit because memory and recall depend on them.
_HNSW = {"M": 30, "efConstruction": 360}
_SEARCH_WIDTH = 400


def create_passages(client: Client, collection: str, dimension: int) -> None:
    """Create a collection of passages; its embeddings are not indexed yet."""
    milvus = client.milvus
    schema = _schema(milvus, PASSAGE_NUMBERS)
    for name in _LABELS:
        schema.add_field(
            name,
            milvus.DataType.ARRAY,
            element_type=milvus.DataType.INT64,
            max_capacity=MAX_LABELS,
        )
    # The terms come from our own analysis, encoded so that both tokenizers split only at blanks;
    # Milvus Lite has no whitespace tokenizer.
    analyzer = {"tokenizer": "standard" if client.is_lite else "whitespace"}
    schema.add_field(
        "terms",
        milvus.DataType.VARCHAR,
        max_length=MAX_TEXT_BYTES,
        enable_analyzer=True,
        enable_match=True,
        analyzer_params=analyzer,
    )
    schema.add_field(TERMS, milvus.DataType.SPARSE_FLOAT_VECTOR)
    schema.add_field(DENSE, milvus.DataType.FLOAT_VECTOR, dim=dimension)
    schema.add_function(
        milvus.Function(
            name=TERMS,
            function_type=milvus.FunctionType.BM25,
            input_field_names=["terms"],
            output_field_names=[TERMS],
        )
    )
    indexes = _indexes(milvus, PASSAGE_NUMBERS)
    indexes.add_index(
        TERMS,
        index_name=TERMS,
        index_type="SPARSE_INVERTED_INDEX",
        metric_type="BM25",
        params={"bm25_k1": BM25_K1, "bm25_b": BM25_B},
    )
    if not client.is_lite:  # Milvus Lite scans arrays
        for name in _LABELS:
            indexes.add_index(name, index_name=name, index_type="INVERTED")
    client.create(collection, schema, indexes)


def index_embeddings(client: Client, collection: str, passages: int) -> DenseInfo:
    """Index the embeddings of this many passages; returns the kind of index."""
    indexes = client.milvus.MilvusClient.prepare_index_params()
    exact = passages <= EXACT_UP_TO
    indexes.add_index(
        DENSE,
        index_name=DENSE,
        index_type="FLAT" if exact else "HNSW",
        metric_type="IP",
        params={} if exact else _HNSW,
    )
    client.index(collection, indexes)
    return DenseInfo() if exact else DenseInfo(kind="hnsw")


def search_params(dense: DenseInfo, limit: int) -> Row:
    """The search parameters for `limit` passages."""
    return {} if dense.kind == "exact" else {"ef": min(max(limit, _SEARCH_WIDTH), MAX_HITS)}


def create_notes(client: Client, collection: str) -> None:
    """Create a collection of notes."""
    _create_without_embeddings(client, collection, NOTE_NUMBERS)


def create_records(client: Client, collection: str) -> None:
    """Create the collection of records or complete it; others may do so at the same time."""
    _create_without_embeddings(client, collection, ("generation",))


def has_records(client: Client, collection: str) -> bool:
    """Whether there is a collection of records; loads it."""
    return client.has(collection) and client.load_if_needed(collection)


def missing_fields(client: Client, collection: str, *, passages: bool) -> list[str]:
    """The fields that a collection of passages, or else of notes, lacks."""
    there = {field["name"] for field in client.describe(collection)["fields"]}
    needed = {TERMS, *PASSAGE_FIELDS} if passages else set(NOTE_FIELDS)
    return sorted(needed - there)


def _create_without_embeddings(client: Client, collection: str, numbers: tuple[str, ...]) -> None:
    schema = _schema(client.milvus, numbers)
    # Milvus requires a vector field.
    schema.add_field(_ANCHOR, client.milvus.DataType.FLOAT_VECTOR, dim=2)
    indexes = _indexes(client.milvus, numbers)
    indexes.add_index(_ANCHOR, index_name=_ANCHOR, index_type="FLAT", metric_type="IP")
    if not client.has(collection):
        client.create(collection, schema, indexes)
    if not client.load_if_needed(collection):
        client.index(collection, indexes)
        client.load_if_needed(collection)


def _schema(milvus: Any, numbers: tuple[str, ...]) -> Any:  # noqa: ANN401 - pymilvus's
    schema = milvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("pk", milvus.DataType.INT64, is_primary=True)
    for name in numbers:
        schema.add_field(name, milvus.DataType.INT64)
    schema.add_field("data", milvus.DataType.VARCHAR, max_length=MAX_TEXT_BYTES)
    return schema


def _indexes(milvus: Any, numbers: tuple[str, ...]) -> Any:  # noqa: ANN401 - pymilvus's
    indexes = milvus.MilvusClient.prepare_index_params()
    for name in numbers:
        if name in _INDEXED:
            indexes.add_index(name, index_name=name, index_type="INVERTED")
    return indexes
