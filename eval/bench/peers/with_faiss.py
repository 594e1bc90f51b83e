"""The script that everybody writes: encode, a flat FAISS index, and the texts beside it."""

import json
from pathlib import Path

import faiss
from sentence_transformers import SentenceTransformer
from worker import Find, Found, Texts, run


def build(folder: Path, model: Path, passages: Texts) -> None:
    """Encode all passages and write the index and the texts."""
    encoder = SentenceTransformer(str(model), device="cpu")
    vectors = encoder.encode(list(passages.values()), normalize_embeddings=True)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    folder.mkdir()
    faiss.write_index(index, str(folder / "vectors.faiss"))
    (folder / "passages.json").write_text(json.dumps(list(passages.items())), encoding="utf-8")


def open_index(folder: Path, model: Path) -> Find:
    """Load all of it into memory."""
    encoder = SentenceTransformer(str(model), device="cpu")
    index = faiss.read_index(str(folder / "vectors.faiss"))
    passages = json.loads((folder / "passages.json").read_text(encoding="utf-8"))

    def find(question: str, k: int) -> Found:
        _, rows = index.search(encoder.encode([question], normalize_embeddings=True), k)
        return [tuple(passages[row]) for row in rows[0] if row >= 0]

    return find


run(open_index, build)
