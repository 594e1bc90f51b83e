"""LanceDB with its hybrid of vectors and full-text search, fused by reciprocal ranks."""

from collections.abc import Sequence
from pathlib import Path

import lancedb
from lancedb.rerankers import RRFReranker
from sentence_transformers import SentenceTransformer
from worker import Find, Found, Texts, run

TABLE = "passages"


def build(folder: Path, model: Path, passages: Texts) -> None:
    """Write a table of all passages and index their words.

    Vectors are searched exactly: its documentation advises an index for them beyond 100,000 rows.
    """
    table = lancedb.connect(folder).create_table(TABLE, _rows(model, passages))
    table.create_fts_index("text")


def open_index(folder: Path, model: Path) -> Find:
    """Open the table, which stays on disk, and load the model."""
    encoder = SentenceTransformer(str(model), device="cpu")
    table = lancedb.connect(folder).open_table(TABLE)
    reranker = RRFReranker()

    def find(question: str, k: int) -> Found:
        query = table.search(query_type="hybrid").text(question)
        query = query.vector(encoder.encode(question, normalize_embeddings=True))
        rows = query.distance_type("cosine").rerank(reranker).limit(k).to_list()
        return [(row["id"], row["text"]) for row in rows]

    return find


def edit(folder: Path, model: Path, removed: Sequence[str], added: Texts) -> None:
    """Delete and add rows, then bring the full-text index up to date."""
    table = lancedb.connect(folder).open_table(TABLE)
    ids = ", ".join(f"'{id_}'" for id_ in removed)
    if ids:
        table.delete(f"id IN ({ids})")
    table.add(_rows(model, added))
    table.optimize()


def _rows(model: Path, passages: Texts) -> list[dict[str, object]]:
    encoder = SentenceTransformer(str(model), device="cpu")
    vectors = encoder.encode(list(passages.values()), normalize_embeddings=True)
    return [
        {"id": id_, "text": text, "vector": vector}
        for (id_, text), vector in zip(passages.items(), vectors, strict=True)
    ]


run(open_index, build, edit)
