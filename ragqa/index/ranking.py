"""BM25, and rankings in which ids decide where scores differ only by rounding."""

import math
from collections.abc import Callable, Iterable, Mapping

ScoredId = tuple[int, float]
"""A passage id and its score."""

BM25_K1 = 1.2
BM25_B = 0.75
"""BM25's parameters in every store: the defaults of Lucene and tantivy."""

TOLERANCE = 2e-6
"""Scores closer than this, relative to the larger one, differ only by float32 rounding."""

_SPARE = 32


def inverse_frequency(passages: int, with_term: int) -> float:
    """BM25's inverse document frequency in Lucene's variant, ln(1 + (N - n + .5) / (n + .5))."""
    return math.log1p((passages - with_term + 0.5) / (with_term + 0.5))


def bm25(counts: Mapping[str, int], weights: Mapping[str, float], mean_length: float) -> float:
    """The BM25 score of a passage, its length quantized to one byte as in Lucene and tantivy.

    :param counts: the passage's term frequencies.
    :param weights: of each query term, its count there times its inverse document frequency.
    :param mean_length: the mean number of terms in a passage.
    """
    length = sum(counts.values())
    if length >= 40:  # lengths are exact below 40, then in steps
        shift = (length - 24).bit_length() - 4
        length = 24 + ((length - 24) >> shift << shift)
    share = length / mean_length if mean_length else 1.0
    damping = BM25_K1 * (1 - BM25_B + BM25_B * share)
    return sum(
        weight * (BM25_K1 + 1) * counts[term] / (counts[term] + damping)
        for term, weight in weights.items()
        if term in counts
    )


def rank(candidates: Iterable[ScoredId]) -> list[ScoredId]:
    """Sort best first; scores that differ only by rounding become equal, and ids break ties.

    Else the last bit of a sum, made in another order, would decide between duplicates.
    """
    ranked: list[ScoredId] = []
    tied: list[int] = []
    leader = 0.0
    for passage_id, score in sorted(candidates, key=lambda candidate: -candidate[1]):
        if tied and score < _floor(leader):
            ranked.extend((id_, leader) for id_ in sorted(tied))
            tied = []
        if not tied:
            leader = score
        tied.append(passage_id)
    ranked.extend((id_, leader) for id_ in sorted(tied))
    return ranked


def top_k(fetch: Callable[[int], list[ScoredId]], k: int, total: int) -> list[ScoredId]:
    """The k best candidates, with ties at the cut-off resolved.

    :param fetch: returns the given number of candidates, best by raw score, or all there are; it
        may keep or drop any that tie with the last.
    :param total: the greatest possible number of candidates.
    """
    k = min(k, total)
    if k <= 0:
        return []
    limit = min(k + _SPARE, total)
    while True:
        candidates = fetch(limit)
        scores = sorted((score for _, score in candidates), reverse=True)
        if len(candidates) < limit or limit == total or scores[-1] < _floor(scores[k - 1]):
            return rank(candidates)[:k]
        limit = min(4 * limit, total)


def _floor(score: float) -> float:
    return score - TOLERANCE * max(1.0, abs(score))
