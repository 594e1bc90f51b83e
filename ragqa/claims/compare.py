"""Compare a sentence word by word with the parts of the sources it cites."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ragqa.claims.sources import Encoded, Part
from ragqa.types import Span, Vector, Vectors

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

HEADING_MATCH = 0.8
"""The match of a word that is only in the headings above a part."""

COUNTERPART = 0.5
"""A word that matches at least this well has a counterpart in a source."""

MIN_SHARED = 0.2
"""The weighted share of a claim that must have counterparts: in all sources together for the best
of them to be evidence, in each further source for that one."""

MIN_GAIN = 0.03
"""How much more of the claim a further source must match to be evidence. On the tune half this
admits 34 of 38 second passages that a supported sentence needs, and 2 of 49 irrelevant ones."""

_MOST_CLAUSES = 3

_CLAUSE_END = re.compile(r"[,;:()\u2014\u2013]\s")
_MIN_CLAUSE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim compared with each part of the cited sources.

    `matches` has the best match of each word of the claim in each part, shape (parts, claim words):
    1 for the same stem, else the cosine. `weights` are the idf weights of the claim's words, 0 for
    stop words. `clauses` are spans of the claim.
    """

    claim: Encoded
    parts: tuple[Part, ...]
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


def compare(claim: Encoded, parts: Sequence[Part], idf: Idf) -> Comparison:
    """Compare a claim with at least one part."""
    similarity = _similarity(claim, [part.statement for part in parts])
    stems_above = [{word.stem for word in part.above.words if word.stem} for part in parts]
    above = np.array(
        [[HEADING_MATCH * (word.stem in one) for word in claim.words] for one in stems_above]
    )
    best = np.array([matrix.max(axis=1) for matrix in similarity])
    rarity = idf(sorted({word.stem for word in claim.words if word.stem}))
    weights = [rarity.get(word.stem, 0.0) for word in claim.words]
    return Comparison(
        claim=claim,
        parts=tuple(parts),
        matches=np.asarray(np.maximum(best, above), np.float32),
        weights=np.asarray(weights, np.float32),
        clauses=tuple(_clauses(claim)),
    )


def _similarity(claim: Encoded, parts: Sequence[Encoded]) -> tuple[Vectors, ...]:
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


def _clauses(claim: Encoded) -> list[Span]:
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


def evidence_in(comparison: Comparison) -> dict[int, tuple[Span, ...]]:
    """For each source that adds something, the spans that match the claim and its clauses best."""
    content_words = comparison.claim.content_words or list(range(len(comparison.claim.words)))
    weights = comparison.weights[content_words]
    weights = weights / max(float(weights.sum()), 1e-9)
    matches = comparison.matches[:, content_words]
    sources = np.array([part.source for part in comparison.parts])
    best = matches @ weights
    counterparts = matches * (matches >= COUNTERPART)
    by_source = {int(n): matches[sources == n].max(axis=0) for n in np.unique(sources)}
    found: dict[int, set[int]] = {}
    covered = np.zeros(len(content_words))
    for number in sorted(by_source, key=lambda n: -float(best[sources == n].max())):
        own = np.flatnonzero(sources == number)
        gain = float(np.maximum(by_source[number] - covered, 0) @ weights)
        shared = counterparts[own] if found else counterparts
        if float(shared.max(axis=0) @ weights) >= MIN_SHARED and gain >= MIN_GAIN:
            found[number] = {int(own[best[own].argmax()])}
            covered = np.maximum(covered, by_source[number])
    for clause in comparison.clauses[:_MOST_CLAUSES]:
        words = comparison.words_in(clause)
        if words:
            part = int(np.argmax(comparison.scores(words)))
            if comparison.parts[part].source in found:
                found[comparison.parts[part].source].add(part)
    return {
        number: tuple(comparison.parts[part].span for part in sorted(parts))
        for number, parts in sorted(found.items())
    }
