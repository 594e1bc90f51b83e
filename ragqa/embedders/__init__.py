"""Text to unit vectors: the `Embedder` protocol and the table of implementations.

To add one: write a class with the five members below in a module of this folder, add a line to
`EMBEDDERS`, and run `pytest tests/contracts/test_embedder_contract.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ragqa.errors import UsageError
from ragqa.types import EmbedderInfo, Progress, TokenVectors, Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"

CANARY = "The quick brown fox asks its notes a question."
"""Embedded when an index is built and again when it is asked: the vectors must agree."""


class Embedder(Protocol):
    """Turns text into unit vectors; the same text always gives the same vector."""

    @property
    def info(self) -> EmbedderInfo:
        """The fingerprint kept with an index."""
        ...

    @property
    def dtype(self) -> str:
        """The number format computed in: "float32" or "bfloat16"."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as passages, special tokens and prompt included, never truncated."""
        ...

    def embed_passages(self, texts: Sequence[str], *, progress: Progress | None = None) -> Vectors:
        """Embed passages, shape (len(texts), dimension), float32, in the order given.

        `progress` is called with ("embedding", done, total). Texts beyond the window raise
        ValueError: they would be cut in silence.
        """
        ...

    def embed_query(self, text: str) -> TokenVectors:
        """Embed a question; what is beyond the window is ignored."""
        ...

    def embed_sentences(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Embed candidate sentences with their token vectors; cut at the window."""
        ...


@dataclass(frozen=True, slots=True)
class Factories:
    """How to make an embedder for building and for asking; each takes the model's name or path.

    They may differ in speed, never in what they compute. `working` is the one for building on
    another machine, in the number format that is given.
    """

    building: Callable[[str], Embedder]
    asking: Callable[[str], Embedder]
    working: Callable[[str, str], Embedder]


def _sentence_transformers_building(model: str) -> Embedder:
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder.load(model)


def _sentence_transformers_working(model: str, dtype: str) -> Embedder:
    from ragqa.embedders.sentence_transformers import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder.load_in(model, dtype)


def _sentence_transformers_asking(model: str) -> Embedder:
    from ragqa.embedders.asking import load_asking

    return load_asking(model)


def _hashed(model: str, dtype: str = "float32") -> Embedder:
    from ragqa.embedders.hashed import HashedEmbedder

    del dtype  # there is one only
    return HashedEmbedder.named(model)


EMBEDDERS: dict[str, Factories] = {
    "sentence-transformers": Factories(
        building=_sentence_transformers_building,
        asking=_sentence_transformers_asking,
        working=_sentence_transformers_working,
    ),
    "hashed": Factories(building=_hashed, asking=_hashed, working=_hashed),
}


def embedder_for(spec: str, *, building: bool) -> Embedder:
    """Make the embedder that `spec` names: `MODEL`, or `KIND:MODEL` with KIND in `EMBEDDERS`.

    :raises UsageError: no such kind, or no such model.
    """
    factories, model = _factories_for(spec)
    return (factories.building if building else factories.asking)(model)


def worker_embedder(spec: str, *, dtype: str) -> Embedder:
    """Make the embedder that `spec` names for building, in a number format chosen elsewhere.

    :raises UsageError: no such kind, or no such model.
    """
    factories, model = _factories_for(spec)
    return factories.working(model, dtype)


def _factories_for(spec: str) -> tuple[Factories, str]:
    kind, colon, model = spec.partition(":")
    if not colon or (kind not in EMBEDDERS and "/" in kind):
        kind, model = "sentence-transformers", spec
    if kind not in EMBEDDERS:
        known = ", ".join(sorted(EMBEDDERS))
        raise UsageError(
            f"no embedder of the kind {kind!r}; there are: {known}",
            hint="ragqa config set embedder all-MiniLM-L6-v2",
        )
    return EMBEDDERS[kind], model
