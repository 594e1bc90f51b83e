"""Faults in a store, and the outcome of a repair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ragqa.types import IndexInfo, Progress, Vector

EmbeddingLookup = Callable[[Sequence[int]], Mapping[int, Vector]]
"""Returns the known embeddings, shape (dimension,), among these passage ids, by passage id."""


class IndexPart(StrEnum):
    """A part of an index that can be damaged and rebuilt."""

    CATALOGUE = "the catalogue"
    TERMS = "the terms"
    VECTORS = "the embeddings"
    NEW_VECTORS = "the embeddings of recent changes"


@dataclass(frozen=True, slots=True)
class Fault:
    """A damaged part, and what is wrong with it, in a sentence."""

    part: IndexPart
    what: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on where an index is kept; `fix` is the remedy, "" if none is needed."""

    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class OlderIndex:
    """What an index of an older format offers for reuse.

    :param embeddings: reads and checks its embeddings, reporting progress.
    """

    info: IndexInfo
    embeddings: Callable[[Progress], EmbeddingLookup]


def no_embeddings(_: Sequence[int]) -> Mapping[int, Vector]:
    """Look up nothing: no embeddings are known."""
    return {}


@dataclass(frozen=True, slots=True)
class Repair:
    """The outcome of a store's own repair.

    :param done: what was found and rebuilt, each in a sentence.
    :param rolled_back: whether an older snapshot is now the newest, so that notes may have changed.
    :param rebuild: why everything must be rebuilt from the notes, in a sentence, or "".
    :param embeddings: the sound embeddings to reuse in such a rebuild.
    """

    done: tuple[str, ...] = ()
    rolled_back: bool = False
    rebuild: str = ""
    embeddings: EmbeddingLookup = no_embeddings
