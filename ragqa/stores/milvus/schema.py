"""The collections of an index in Milvus: their fields and indexes."""

from collections.abc import Iterable
from typing import Any

from ragqa.stores.milvus.client import MAX_HITS, Client, Row
from ragqa.stores.milvus.rows import MAX_LABELS, MAX_TEXT_BYTES
from ragqa.stores.ranking import BM25_B, BM25_K1
from ragqa.types import DenseInfo

EXACT_UP_TO = 25_000
"""Up to this many passages, search is exhaustive; above, it uses an HNSW graph."""

RECORD_NUMBERS = ("generation",)
PASSAGE_NUMBERS = ("passage", "note", "embedding_key", "born", "died", "length", "day")
NOTE_NUMBERS = ("note", "born", "died")
_INDEXED = frozenset({"passage", "note", "embedding_key", "born", "died"})
_LABELS = ("tags", "places")
_ANCHOR = "anchor"

DENSE = "vector"
TERMS = "bm25"
"""The searched fields; their indexes have the same names."""

PASSAGE_FIELDS = frozenset({"pk", *PASSAGE_NUMBERS, *_LABELS, "terms", TERMS, DENSE, "data"})
NOTE_FIELDS = frozenset({"pk", *NOTE_NUMBERS, "data", _ANCHOR})
"""The fields of a collection."""

# Milvus's defaults, explicit because memory and recall depend on them.
_HNSW = {"M": 30, "efConstruction": 360}
_SEARCH_WIDTH = 400


def create_passages(client: Client, collection: str, dimension: int) -> None:
    """Create a collection of passages; its embeddings are not indexed yet."""
    types = client.milvus.DataType
    schema = _schema(client, PASSAGE_NUMBERS)
    for name in _LABELS:
        schema.add_field(name, types.ARRAY, element_type=types.INT64, max_capacity=MAX_LABELS)
    # The terms come from our own analysis, encoded so that both tokenizers split only at blanks;
    # Milvus Lite has no whitespace tokenizer.
    analyzer = {"tokenizer": "standard" if client.is_lite else "whitespace"}
    analyzed = {"enable_analyzer": True, "enable_match": True, "analyzer_params": analyzer}
    schema.add_field("terms", types.VARCHAR, max_length=MAX_TEXT_BYTES, **analyzed)
    schema.add_field(TERMS, types.SPARSE_FLOAT_VECTOR)
    schema.add_field(DENSE, types.FLOAT_VECTOR, dim=dimension)
    bm25 = client.milvus.FunctionType.BM25
    schema.add_function(
        client.milvus.Function(
            name=TERMS,
            function_type=bm25,
            input_field_names=["terms"],
            output_field_names=[TERMS],
        )
    )
    # Milvus Lite scans arrays.
    indexes = _indexes(client, (*PASSAGE_NUMBERS, *(() if client.is_lite else _LABELS)))
    params = {"bm25_k1": BM25_K1, "bm25_b": BM25_B}
    _add_index(indexes, TERMS, "SPARSE_INVERTED_INDEX", metric_type="BM25", params=params)
    client.create(collection, schema, indexes)


def index_embeddings(client: Client, collection: str, passages: int) -> DenseInfo:
    """Index the embeddings of this many passages; returns the kind of index."""
    exact = passages <= EXACT_UP_TO
    kind, params = ("FLAT", {}) if exact else ("HNSW", _HNSW)
    indexes = _indexes(client, ())
    _add_index(indexes, DENSE, kind, metric_type="IP", params=params)
    client.index(collection, indexes)
    return DenseInfo() if exact else DenseInfo(kind="hnsw")


def search_params(dense: DenseInfo, limit: int) -> Row:
    """The search parameters for `limit` passages."""
    return {} if dense.kind == "exact" else {"ef": min(max(limit, _SEARCH_WIDTH), MAX_HITS)}


def has_records(client: Client) -> bool:
    """Whether there is a collection of records; loads it."""
    return client.has(client.records) and client.load_if_needed(client.records)


def create_without_embeddings(client: Client, collection: str, numbers: tuple[str, ...]) -> None:
    """Create or complete a collection of notes or records; others may do so at the same time."""
    schema, indexes = _schema(client, numbers), _indexes(client, numbers)
    # Milvus requires a vector field.
    schema.add_field(_ANCHOR, client.milvus.DataType.FLOAT_VECTOR, dim=2)
    _add_index(indexes, _ANCHOR, "FLAT", metric_type="IP")
    if not client.has(collection):
        client.create(collection, schema, indexes)
    if not client.load_if_needed(collection):
        client.index(collection, indexes)
        client.load_if_needed(collection)


def _schema(client: Client, numbers: tuple[str, ...]) -> Any:  # noqa: ANN401 - pymilvus's
    types = client.milvus.DataType
    schema = client.milvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("pk", types.INT64, is_primary=True)
    for name in numbers:
        schema.add_field(name, types.INT64)
    schema.add_field("data", types.VARCHAR, max_length=MAX_TEXT_BYTES)
    return schema


def _indexes(client: Client, names: Iterable[str]) -> Any:  # noqa: ANN401 - pymilvus's
    """The indexes of those of these fields that conditions need."""
    indexes = client.milvus.MilvusClient.prepare_index_params()
    for name in names:
        if name in _INDEXED or name in _LABELS:
            _add_index(indexes, name, "INVERTED")
    return indexes


def _add_index(indexes: Any, name: str, kind: str, **options: object) -> None:  # noqa: ANN401 - pymilvus's
    indexes.add_index(name, index_name=name, index_type=kind, **options)
