"""Rank candidates by score, and by id where scores differ only by rounding."""

from collections.abc import Callable, Iterable

Candidate = tuple[int, float]
"""A passage id and its score."""

BM25_K1 = 1.2
BM25_B = 0.75
"""BM25's parameters in every store: the defaults of Lucene and tantivy."""

TOLERANCE = 2e-6
"""Scores closer than this, relative to the larger one, differ only by float32 rounding."""

_SPARE = 32


def rank(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Sort best first; scores that differ only by rounding become equal, and ids break ties.

    A refresh or another processor sums the same scores in another order; without this, the last
    bit of a score would decide between duplicates.
    """
    ranked: list[Candidate] = []
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


def top_k(fetch: Callable[[int], list[Candidate]], k: int, total: int) -> list[Candidate]:
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
        found = fetch(limit)
        scores = sorted((score for _, score in found), reverse=True)
        if len(found) < limit or limit == total or scores[-1] < _floor(scores[k - 1]):
            return rank(found)[:k]
        limit = min(4 * limit, total)


def _floor(score: float) -> float:
    return score - TOLERANCE * max(1.0, abs(score))
