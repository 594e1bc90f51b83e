"""Compare a sentence word by word with the parts of the sources it cites."""

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

HEADING_MATCH = 0.8
"""The match of a word that is only in the headings above a part."""

MAX_WEIGHT = 5.0
"""The cap on a word's weight, so that no single rare word decides."""

_CLAUSE_END = re.compile(
    r"[,;:()\u2014\u2013]\s"
    r"|\s(?:while|whereas|but|because|since|so that|and then|although)\s"
)
_MIN_CLAUSE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim compared with each part of the cited sources.

    `similarity` has one matrix per part, shape (claim words, part words): 1 for the same stem, else
    the cosine. `matches` is the best of these, shape (parts, claim words). `weights` are the idf
    weights of the claim's words, 0 for stop words. `clauses` are spans of the claim.
    """

    claim: Statement
    parts: tuple[Part, ...]
    similarity: tuple[Vectors, ...]
    matches: Vectors
    weights: Vector
    clauses: tuple[Span, ...]

    def words_in(self, clause: Span) -> list[int]:
        """Indices of the claim's content words that begin in a clause."""
        start, end = clause
        return [i for i in self.claim.content_words if start <= self.claim.words[i].start < end]

    def scores(self, words: Sequence[int]) -> npt.NDArray[np.float64]:
        """The weighted match of each part with some words of the claim, shape (parts,)."""
        weights = self.weights[list(words)]
        return np.asarray(self.matches[:, list(words)] @ weights / max(weights.sum(), 1e-9))


def compare(claim: Statement, parts: Sequence[Part], idf: Idf) -> Comparison:
    """Compare a claim with at least one part."""
    similarity = _similarity(claim, [part.statement for part in parts])
    above = np.array([_heading_matches(claim, part.above) for part in parts])
    best = np.array([matrix.max(axis=1) for matrix in similarity])
    rarity = idf(sorted({word.stem for word in claim.words if word.stem}))
    weights = [min(rarity.get(word.stem, 0.0), MAX_WEIGHT) for word in claim.words]
    return Comparison(
        claim=claim,
        parts=tuple(parts),
        similarity=similarity,
        matches=np.asarray(np.maximum(best, above), np.float32),
        weights=np.asarray(weights, np.float32),
        clauses=tuple(_clauses(claim)),
    )


def _similarity(claim: Statement, parts: Sequence[Statement]) -> tuple[Vectors, ...]:
    vectors = np.concatenate([part.vectors for part in parts])
    if claim.vectors.shape[1] == vectors.shape[1]:
        similarity = claim.vectors @ vectors.T
    else:
        # The embedder read only one of them.
        similarity = np.zeros((len(claim.words), len(vectors)), np.float32)
    places: dict[str, list[int]] = {}
    for k, word in enumerate(chain.from_iterable(part.words for part in parts)):
        places.setdefault(word.stem, []).append(k)
    for i, word in enumerate(claim.words):
        if word.stem and word.stem in places:
            similarity[i, places[word.stem]] = 1
    ends = np.cumsum([len(part.words) for part in parts])
    return tuple(np.split(similarity, ends[:-1], axis=1))


def _heading_matches(claim: Statement, above: Statement) -> list[float]:
    stems = {word.stem for word in above.words if word.stem}
    return [HEADING_MATCH * (word.stem in stems) for word in claim.words]


def _clauses(claim: Statement) -> list[Span]:
    """The clauses with enough content words, or the whole claim."""
    ends = [found.end() for found in _CLAUSE_END.finditer(claim.text)]
    cuts = [0, *ends, len(claim.text)]
    starts = [claim.words[i].start for i in claim.content_words]
    long = [
        (start, end)
        for start, end in pairwise(cuts)
        if sum(start <= word < end for word in starts) >= _MIN_CLAUSE_WORDS
    ]
    return long or [(0, len(claim.text))]
