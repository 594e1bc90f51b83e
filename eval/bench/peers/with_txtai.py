"""txtai with its own hybrid of dense vectors and BM25, and the texts in its database."""

from collections.abc import Sequence
from pathlib import Path

from txtai import Embeddings
from worker import Find, Found, Texts, run


def build(folder: Path, model: Path, passages: Texts) -> None:
    """Index all passages with the settings that txtai's documentation gives for hybrid search."""
    embeddings = Embeddings(path=str(model), hybrid=True, content=True, gpu=False)
    embeddings.index(passages.items())
    embeddings.save(str(folder))


def open_index(folder: Path, _: Path) -> Find:
    """Load the index; it knows its model."""
    embeddings = _loaded(folder)

    def find(question: str, k: int) -> Found:
        return [(row["id"], row["text"]) for row in embeddings.search(question, k)]

    return find


def edit(folder: Path, _: Path, removed: Sequence[str], added: Texts) -> None:
    """Delete, upsert and save."""
    embeddings = _loaded(folder)
    embeddings.delete(list(removed))
    embeddings.upsert(added.items())
    embeddings.save(str(folder))


def _loaded(folder: Path) -> Embeddings:
    embeddings = Embeddings()
    embeddings.load(str(folder))
    return embeddings


run(open_index, build, edit)
