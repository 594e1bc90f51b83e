"""Checks of embeddings on their way into a store, or into a search."""

from collections.abc import Sequence

import numpy as np

from ragqa.errors import EmbedderMismatch, IndexUnusable
from ragqa.stores.disk import REBUILD
from ragqa.types import IndexInfo, Passage, Vector, Vectors

UNIT_TOLERANCE = 1e-3


def check_vectors(passages: Sequence[Passage], vectors: Vectors, dimension: int | None) -> None:
    """Check that each passage has a unit vector of the right dimension.

    :param vectors: shape (passages, dimension).
    :raises ValueError: the numbers of passages and vectors differ.
    :raises IndexUnusable: a vector is unsuitable; the message names the passage.
    """
    if len(passages) != len(vectors):
        raise ValueError(f"{len(passages)} passages with {len(vectors)} vectors")
    if not passages:
        return
    first = place_of(passages[0])
    if vectors.ndim != 2 or (dimension is not None and vectors.shape[1] != dimension):
        raise IndexUnusable(
            f"the embedding of {first} has shape {vectors.shape[1:]}, not ({dimension},)",
            hint=REBUILD,
        )
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    for passage, length in zip(passages, lengths, strict=True):
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            flaw = f"has length {length:.3g}" if np.isfinite(length) else "is not finite"
            raise IndexUnusable(
                f"the embedding of {place_of(passage)} {flaw}",
                hint="check the embedder: ragqa doctor",
            )


def check_dimension(info: IndexInfo, dimension: int | None) -> None:
    """Check that a generation's vectors, if any, have the embedder's dimension.

    :raises IndexUnusable: they do not.
    """
    if dimension not in (None, info.embedder.dimension):
        raise IndexUnusable(
            f"the embeddings have {dimension} dimensions, "
            f"but the embedder {info.embedder.name} has {info.embedder.dimension}",
            hint=REBUILD,
        )


def place_of(passage: Passage) -> str:
    """Where a passage stands, for messages."""
    first, last = passage.lines
    return f"{passage.path}, lines {first} to {last},"


def check_question(vector: Vector, dimension: int) -> None:
    """Check that a question's embedding, shape (dimension,), fits an index.

    :raises EmbedderMismatch: it has another dimension or is not finite.
    """
    if vector.shape != (dimension,) or not np.isfinite(vector).all():
        raise EmbedderMismatch(
            f"the question's embedding, of shape {vector.shape}, is not a finite vector of "
            f"the index's {dimension} dimensions",
            hint=REBUILD,
        )
