"""A sentence held against the parts of the sources that it cites, word by word."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ragqa.grounding.sources import Part
from ragqa.grounding.statements import Span, Statement
from ragqa.types import Vector, Vectors

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

IN_HEADING = 0.8
"""How far a word is met that stands only in what is above a part."""

MOST_WEIGHT = 5.0
"""Rarer words count no more than this, so that one of them does not decide alone."""

_CLAUSE_END = re.compile(
    r"[,;:()\u2014\u2013]\s"
    r"|\s(?:while|whereas|but|because|since|so that|and then|although)\s"
)
_CLAUSE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim, and what of it each part of the cited sources has.

    `alike` has for each part how alike each word
    of the claim is to each of its words: 1 for the same stem, else the cosine. `met` is the best
    of these, shape (parts, words of the claim). `weights` are what the claim's words weigh, by
    their rarity, 0 for those that say little. `clauses` are stretches of the claim.
    """

    claim: Statement
    parts: tuple[Part, ...]
    alike: tuple[Vectors, ...]
    met: Vectors
    weights: Vector
    clauses: tuple[Span, ...]

    def words_in(self, clause: Span) -> list[int]:
        """Which telling words of the claim begin in a clause."""
        start, end = clause
        return [i for i in self.claim.telling if start <= self.claim.words[i].start < end]

    def scores(self, words: Sequence[int]) -> npt.NDArray[np.float64]:
        """How far each part meets some words of the claim, by their weight."""
        weights = self.weights[list(words)]
        return np.asarray(self.met[:, list(words)] @ weights / max(weights.sum(), 1e-9))


def compare(claim: Statement, parts: Sequence[Part], idf: Idf) -> Comparison:
    """Hold a claim against parts, of which there is at least one."""
    alike = _alike(claim, [part.statement for part in parts])
    above = np.array([_above(claim, part.above) for part in parts])
    best = np.array([matrix.max(axis=1) for matrix in alike])
    rarity = idf(sorted({word.stem for word in claim.words if word.stem}))
    weights = [min(rarity.get(word.stem, 0.0), MOST_WEIGHT) for word in claim.words]
    return Comparison(
        claim=claim,
        parts=tuple(parts),
        alike=alike,
        met=np.asarray(np.maximum(best, above), np.float32),
        weights=np.asarray(weights, np.float32),
        clauses=tuple(_clauses(claim)),
    )


def _alike(claim: Statement, parts: Sequence[Statement]) -> tuple[Vectors, ...]:
    vectors = np.concatenate([part.vectors for part in parts])
    if claim.vectors.shape[1] == vectors.shape[1]:
        alike = claim.vectors @ vectors.T
    else:
        # An embedder read only one of them.
        alike = np.zeros((len(claim.words), len(vectors)), np.float32)
    places: dict[str, list[int]] = {}
    for k, word in enumerate(chain.from_iterable(part.words for part in parts)):
        places.setdefault(word.stem, []).append(k)
    for i, word in enumerate(claim.words):
        if word.stem and word.stem in places:
            alike[i, places[word.stem]] = 1
    ends = np.cumsum([len(part.words) for part in parts])
    return tuple(np.split(alike, ends[:-1], axis=1))


def _above(claim: Statement, above: Statement) -> list[float]:
    stems = {word.stem for word in above.words if word.stem}
    return [IN_HEADING * (word.stem in stems) for word in claim.words]


def _clauses(claim: Statement) -> list[Span]:
    """The clauses of some words each; the whole where there are none."""
    ends = [found.end() for found in _CLAUSE_END.finditer(claim.text)]
    cuts = [0, *ends, len(claim.text)]
    starts = [claim.words[i].start for i in claim.telling]
    long = [
        (start, end)
        for start, end in pairwise(cuts)
        if sum(start <= word < end for word in starts) >= _CLAUSE_WORDS
    ]
    return long or [(0, len(claim.text))]
