"""From text to unit vectors: the `Embedder` protocol and its implementations, and workers.

To add an embedder: write a class with the members below in a module of this folder, choose it in
`embedder_for`, and run `pytest tests/contracts/test_embedder_contract.py`. Workers embed many
passages: this process, or others.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias

from ragqa.types import EmbedderInfo, Pieces, Progress, TokenVectors, Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"

CANARY = "The quick brown fox asks its notes a question."
"""Embedded when an index is built and again before questions: the vectors must agree."""


class Embedder(Protocol):
    """Turns text into unit vectors; equal texts always get equal vectors.

    `info` is the fingerprint stored with an index, `dtype` the number format of the computation:
    "float32" or "bfloat16".
    """

    info: EmbedderInfo
    dtype: str

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


def embedder_for(spec: str, *, building: bool, dtype: str = "") -> Embedder:
    """Make the embedder of a model, which `spec` names.

    :param building: whether it is to embed many passages, or to start fast. Its results are the
        same.
    :param dtype: the number format for building; "" for the fastest.
    :raises UsageError: there is no such model.
    """
    from ragqa.embedders.loading import load_asking, on_torch

    model = model_in(spec)
    return on_torch(model, dtype) if building else load_asking(model)


def model_in(spec: str) -> str:
    """The name or folder of a model; `sentence-transformers:` may stand before it."""
    return spec.removeprefix("sentence-transformers:")


EmbedParts: TypeAlias = Callable[[Sequence[Sequence[str]], Progress], Iterator[Vectors]]
"""Embeds parts of many texts, one after another, and reports as `embed_passages` does."""

Workers: TypeAlias = Callable[[Embedder, Progress], AbstractContextManager[EmbedParts]]
"""Makes what computes the same as this embedder, and ends with the context."""


def here(embedder: Embedder, progress: Progress) -> AbstractContextManager[EmbedParts]:
    """Embed in this process alone; the progress of starting is unused."""
    del progress

    def embed(parts: Sequence[Sequence[str]], progress: Progress) -> Iterator[Vectors]:
        for texts in parts:
            yield embedder.embed_passages(texts, progress=progress)

    return nullcontext(embed)
