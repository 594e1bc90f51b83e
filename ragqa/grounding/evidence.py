"""The sentences of the sources that support a claim."""

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.statements import Span

COUNTERPART = 0.5
"""A word that matches at least this well has a counterpart in a source."""

MIN_SHARED = 0.2
"""The weighted share of a claim that must have counterparts: in all sources together for the best
of them to be evidence, in each further source for that one."""

MIN_GAIN = 0.03
"""How much more of the claim a further source must match to be evidence. On the tune half this
admits 34 of 38 second passages that a supported sentence needs, and 2 of 49 irrelevant ones."""

_MOST_CLAUSES = 3


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
