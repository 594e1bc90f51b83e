"""Claims with the right words in the wrong relation: swapped comparisons and overstatements."""

import re
from collections.abc import Iterator

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.contradictions import About, Doubt
from ragqa.grounding.negations import negations_of
from ragqa.grounding.opposites import are_opposites, word_set
from ragqa.grounding.statements import Statement

_AFTER_THAN = 5
_MARGIN = 0.15
_MARGIN_RANGE = 0.2

_ALL = word_set("all every always never none")
_ALL_OR_WHOLE = _ALL | word_set(
    "each any entire entirely whole fully completely everything everyone both nothing nobody no per"
)
_SOME = word_set(
    "some several many most often sometimes usually mostly largely partly may might can could "
    "typically generally"
)
_NOT_ALL = re.compile(r"\b(?:(?:at|not|nearly|almost|virtually) all|all but)\b", re.IGNORECASE)


def swapped_comparisons(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt "A is more than B" where a source says "B is more than A"."""
    claim = comparison.claim
    at = _than_index(claim)
    if at is None:
        return
    compared = [i for i in claim.content_words if i > at][:_AFTER_THAN]
    if not compared or not any(i < at for i in claim.content_words):
        return
    for part, similarity in zip(comparison.parts, comparison.similarity, strict=True):
        there = _than_index(part.statement)
        # "Dearer than without it" reverses the comparison.
        if there is None or negations_of(part.statement) or negations_of(claim):
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


def overstatements(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt "all" and "always" where the part that matches best has only "some"."""
    claimed = frozenset(re.findall(r"\w+", _NOT_ALL.sub(" ", comparison.claim.text).casefold()))
    if not claimed & _ALL:
        return
    for clause in comparison.clauses:
        here = [
            comparison.claim.words[i].text
            for i in range(len(comparison.claim.words))
            if clause[0] <= comparison.claim.words[i].start < clause[1]
        ]
        best = int(comparison.scores(comparison.words_in(clause)).argmax())
        there = {word.text for word in comparison.parts[best].statement.words}
        word = next((word for word in here if word in claimed & _ALL), None)
        if word and there & _SOME and not there & _ALL_OR_WHOLE:
            yield Doubt(About.QUANTITY, 1.0, f'"{word}" where the note says less')


def _than_index(statement: Statement) -> int | None:
    words = [word.text for word in statement.words]
    return words.index("than") if "than" in words else None


def _has_opposites(one: Statement, other: Statement) -> bool:
    """Whether each has a word opposite to one of the other's.

    "A is less than B" means the same as "B is more than A".
    """
    here, there = ({word.text for word in each.words} for each in (one, other))
    return any(are_opposites(a, b) for a in here - there for b in there - here)
