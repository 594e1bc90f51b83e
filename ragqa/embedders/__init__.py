"""From text to unit vectors: the `Embedder` protocol and the table of implementations.

To add one: write a class with the six members below in a module of this folder, add a line to
`EMBEDDERS`, and run `pytest tests/contracts/test_embedder_contract.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class Factories:
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
