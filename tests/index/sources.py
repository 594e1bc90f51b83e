"""What the tests of indexing share: a source whose embedder is at hand."""

from ragqa.index.source import Embedders, Source
from ragqa.passages import Chunking
from ragqa.types import Corpus


def source_with(folder, embedder):
    """The notes and the index below a folder, embedded by this one embedder."""
    return Source(
        corpus=Corpus.of(folder / "notes"),
        index=folder / "index",
        embedders=Embedders("hashed:32", lambda *_, **__: embedder),
        chunking=Chunking(),
        max_note_bytes=100_000,
    )
