"""The order of candidates: by score, and by id where scores are equal but for rounding."""

from collections.abc import Callable, Iterable

Candidate = tuple[int, float]
"""A passage id and its score."""

BM25_K1 = 1.2
BM25_B = 0.75
"""What every store scores BM25 with: Lucene's and tantivy's defaults."""

TOLERANCE = 2e-6
"""Scores closer than this, relative to the larger one, differ by float32 rounding alone."""

_SPARE = 32


def settle(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Sort best first; scores equal but for rounding are made equal, and then the id decides.

    The same passages are summed up in another order after a refresh or on another processor, so
    without this the last bit of a score would decide between duplicates.
    """
    settled: list[Candidate] = []
    equals: list[int] = []
    leader = 0.0
    for passage_id, score in sorted(candidates, key=lambda candidate: -candidate[1]):
        if equals and score < _floor(leader):
            settled.extend((equal, leader) for equal in sorted(equals))
            equals = []
        if not equals:
            leader = score
        equals.append(passage_id)
    settled.extend((equal, leader) for equal in sorted(equals))
    return settled


def best(fetch: Callable[[int], list[Candidate]], k: int, total: int) -> list[Candidate]:
    """The k best, ties at the cut included in the decision.

    :param fetch: gives the so many best by raw score, or all there are; it may keep or drop any
        of those that tie with its last.
    :param total: how many candidates there can be.
    """
    k = min(k, total)
    if k <= 0:
        return []
    limit = min(k + _SPARE, total)
    while True:
        found = fetch(limit)
        scores = sorted((score for _, score in found), reverse=True)
        if len(found) < limit or limit == total or scores[-1] < _floor(scores[k - 1]):
            return settle(found)[:k]
        limit = min(4 * limit, total)


def _floor(score: float) -> float:
    return score - TOLERANCE * max(1.0, abs(score))
