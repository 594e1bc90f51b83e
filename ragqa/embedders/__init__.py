"""From text to unit vectors: the `Embedder` protocol and the table of implementations, and workers.

To add an embedder: write a class with the six members below in a module of this folder, add a line
to `EMBEDDERS`, and run `pytest tests/contracts/test_embedder_contract.py`. Workers embed many
passages: this process, or others.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias

from msgspec import Struct

from ragqa.errors import UsageError
from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"

CANARY = "The quick brown fox asks its notes a question."
"""Embedded when an index is built and again before questions: the vectors must agree."""


class Embedder(Protocol):
    """Turns text into unit vectors; equal texts always get equal vectors."""

    @property
    def info(self) -> EmbedderInfo:
        """The fingerprint stored with an index."""
        ...

    @property
    def dtype(self) -> str:
        """The number format of the computation: "float32" or "bfloat16"."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's untruncated tokens as a passage, special tokens and prompt included."""
        ...

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """Measure the word pieces of some texts: how well the embedder can read them."""
        ...

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages in order; returns shape (len(texts), dimension), float32.

        :param progress: called with ("embedding", done, total).
        :raises ValueError: a text exceeds the window; it would be truncated silently.
        """
        ...

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question with its token vectors, truncated to the window."""
        ...

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed candidate sentences with their token vectors, truncated to the window."""
        ...


class Factories(Struct, frozen=True):
    """Factories of an embedder for building and for asking; each takes the model's name or path.

    Their embedders may differ in speed, never in results. The one for building takes a number
    format, too: "" for the fastest, or the one that another machine has chosen.
    """

    building: Callable[[str, str], Embedder]
    asking: Callable[[str], Embedder]


def _sentence_transformers_building(model: str, dtype: str) -> Embedder:
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    load, load_in = SentenceTransformerEmbedder.load, SentenceTransformerEmbedder.load_in
    return load_in(model, dtype) if dtype else load(model)


def _sentence_transformers_asking(model: str) -> Embedder:
    from ragqa.embedders.onnx import load_asking

    return load_asking(model)


def _hashed(model: str, _dtype: str = "") -> Embedder:
    from ragqa.embedders.hashed import HashedEmbedder

    return HashedEmbedder.named(model)


EMBEDDERS: dict[str, Factories] = {
    "sentence-transformers": Factories(
        building=_sentence_transformers_building, asking=_sentence_transformers_asking
    ),
    "hashed": Factories(building=_hashed, asking=_hashed),
}


def embedder_for(spec: str, *, building: bool, dtype: str = "") -> Embedder:
    """Make the embedder that `spec` names: `MODEL`, or `KIND:MODEL` with KIND in `EMBEDDERS`.

    :param dtype: the number format for building; "" for the fastest.
    :raises UsageError: no such kind, or no such model.
    """
    kind, colon, model = spec.partition(":")
    if not colon or (kind not in EMBEDDERS and "/" in kind):
        kind, model = "sentence-transformers", spec
    if kind not in EMBEDDERS:
        known = ", ".join(sorted(EMBEDDERS))
        raise UsageError(
            f"there is no embedder of kind {kind!r}, only {known}",
            hint="ragqa config set embedder all-MiniLM-L6-v2",
        )
    factories = EMBEDDERS[kind]
    return factories.building(model, dtype) if building else factories.asking(model)


class Workers(Protocol):
    """Embeds batches of texts, first in, first out."""

    @property
    def ahead(self) -> int:
        """How many batches may be outstanding while more are prepared; 0 for none."""
        ...

    def give(self, texts: Sequence[str]) -> None:
        """Hand over a batch.

        :raises WorkersFailed: no worker can take it.
        """
        ...

    def take(self, progress: Progress) -> Vectors:
        """The embeddings of the next batch, shape (texts, dimension).

        :param progress: called with ("embedding", done, total), counted in texts.
        :raises WorkersFailed: they could not be computed.
        """
        ...


WorkersFor: TypeAlias = Callable[[Embedder, Progress], AbstractContextManager[Workers]]
"""Makes workers that compute the same as this embedder; they end with the context."""


class Here:
    """Embeds in this process, when a batch is taken."""

    ahead = 0

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._given: deque[Sequence[str]] = deque()

    def give(self, texts: Sequence[str]) -> None:
        """Queue a batch."""
        self._given.append(texts)

    def take(self, progress: Progress) -> Vectors:
        """Embed the next batch."""
        return self._embedder.embed_passages(self._given.popleft(), progress=progress)


def here(embedder: Embedder, progress: Progress) -> AbstractContextManager[Workers]:
    """Make workers in this process alone; `progress` is unused."""
    del progress
    return nullcontext(Here(embedder))
