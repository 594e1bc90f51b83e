"""Doubt "A is more than B" where a source says "B is more than A"."""

from collections.abc import Iterator

import numpy as np

from ragqa.claims.compare import Comparison
from ragqa.claims.encoding import Encoded
from ragqa.claims.model import About, Doubt
from ragqa.text.lexicon import are_opposites

_AFTER_THAN = 5
_MARGIN = 0.15
_MARGIN_RANGE = 0.2


def swapped_comparisons(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt a comparison that a source has the other way round."""
    claim = comparison.claim
    at = _than_index(claim)
    if at is None or claim.negators:
        return
    compared = [i for i in claim.content_words if i > at][:_AFTER_THAN]
    if not compared or not any(i < at for i in claim.content_words):
        return
    for part, similarity in zip(comparison.parts, comparison.similarity, strict=True):
        there = _than_index(part.statement)
        # "Dearer than without it" reverses the comparison.
        if there is None or part.statement.negators:
            continue
        content_words = part.statement.content_words
        before = [k for k in content_words if k < there]
        after = [k for k in content_words if k > there]
        if not before or not after:
            continue
        by_before = similarity[np.ix_(compared, before)].max(axis=1).mean()
        by_after = similarity[np.ix_(compared, after[:_AFTER_THAN])].max(axis=1).mean()
        margin = float(by_before - by_after)
        if _has_opposites(claim, part.statement):
            margin = -margin
        strength = min(1.0, (margin - _MARGIN) / _MARGIN_RANGE)
        if strength > 0:
            yield Doubt(About.ORDER, strength, "compared the other way round")


def _than_index(statement: Encoded) -> int | None:
    words = [word.text for word in statement.words]
    return words.index("than") if "than" in words else None


def _has_opposites(one: Encoded, other: Encoded) -> bool:
    """Whether each has a word opposite to one of the other's.

    "A is less than B" means the same as "B is more than A".
    """
    here, there = ({word.text for word in each.words} for each in (one, other))
    return any(are_opposites(a, b) for a in here - there for b in there - here)
