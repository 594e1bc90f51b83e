"""What can be wrong with a store, and what becomes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ragqa.types import IndexInfo, Progress, Vector

Kept = Callable[[Sequence[int]], Mapping[int, Vector]]
"""Gives embeddings by the ids of their passages; those that it has not are left out."""


class Faulty(StrEnum):
    """Which part of an index is damaged: what has to be made anew."""

    CATALOGUE = "the catalogue"
    TERMS = "the terms"
    VECTORS = "the embeddings"
    NEW_VECTORS = "the embeddings of what is new"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong: with which part, and what, in a sentence."""

    part: Faulty
    what: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say of the place that an index is in; `fix` mends it, "" where it is fine."""

    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Older:
    """What can be taken over from an index of an older format.

    :param embeddings: reads and checks its embeddings, telling how far it is.
    """

    info: IndexInfo
    embeddings: Callable[[Progress], Kept]


def none_kept(_: Sequence[int]) -> Mapping[int, Vector]:
    """No embedding at all."""
    return {}


@dataclass(frozen=True, slots=True)
class Repair:
    """What a store could do for itself.

    :param done: what was found and made anew, each in a sentence.
    :param went_back: whether an older snapshot is the newest now, so that notes may have changed.
    :param lost: why all has to be made from the notes, in a sentence; "" where it need not.
    :param kept: what embeddings are sound where all has to be made.
    """

    done: tuple[str, ...] = ()
    went_back: bool = False
    lost: str = ""
    kept: Kept = none_kept
