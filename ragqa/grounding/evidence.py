"""The sentences of the sources that a claim rests on."""

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.statements import Span

COUNTERPART = 0.5
"""A word of a claim that is met as far as this has a counterpart in a source."""

LEAST = 0.2
"""The least of a claim, by the weight of its words, that must have counterparts: in all sources for
the best of them to be evidence, in each other one for that."""

ADDS = 0.03
"""How much more of the claim a further source must meet to be of the evidence: on the tune half 34
of 38 second passages that a supported sentence needs do, and 2 of 49 beside the point."""

_MOST_CLAUSES = 3


def evidence_in(comparison: Comparison) -> dict[int, tuple[Span, ...]]:
    """For each source that adds to what is said, the parts that say most of claim and clauses."""
    telling = comparison.claim.telling or list(range(len(comparison.claim.words)))
    weights = comparison.weights[telling]
    weights = weights / max(float(weights.sum()), 1e-9)
    met = comparison.met[:, telling]
    sources = np.array([part.source for part in comparison.parts])
    best = met @ weights
    common = met * (met >= COUNTERPART)
    left = {int(n): met[sources == n].max(axis=0) for n in np.unique(sources)}
    found: dict[int, set[int]] = {}
    covered = np.zeros(len(telling))
    for number in sorted(left, key=lambda n: -float(best[sources == n].max())):
        of_it = np.flatnonzero(sources == number)
        adds = float(np.maximum(left[number] - covered, 0) @ weights)
        shared = common[of_it] if found else common
        if float(shared.max(axis=0) @ weights) >= LEAST and adds >= ADDS:
            found[number] = {int(of_it[best[of_it].argmax()])}
            covered = np.maximum(covered, left[number])
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
