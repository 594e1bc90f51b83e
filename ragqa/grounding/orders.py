"""Claims with the right words in the wrong tie: what is compared with what, and of how many."""

import re
from collections.abc import Iterator

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.contradictions import About, Doubt
from ragqa.grounding.negations import negations_of
from ragqa.grounding.opposites import opposite, words
from ragqa.grounding.statements import Statement

_BEHIND = 5
_SWAPPED_FROM = 0.15
_SWAPPED_FULLY = 0.2

_ALL = words("all every always never none")
_ALL_OR_WHOLE = _ALL | words(
    "each any entire entirely whole fully completely everything everyone both nothing nobody no per"
)
_SOME = words(
    "some several many most often sometimes usually mostly largely partly may might can could "
    "typically generally"
)
_NO_ALL = re.compile(r"\b(?:(?:at|not|nearly|almost|virtually) all|all but)\b", re.IGNORECASE)


def swapped(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt "A is more than B" where a source says "B is more than A"."""
    claim = comparison.claim
    at = _than(claim)
    if at is None:
        return
    behind = [i for i in claim.telling if i > at][:_BEHIND]
    if not behind or not any(i < at for i in claim.telling):
        return
    for part, alike in zip(comparison.parts, comparison.alike, strict=True):
        there = _than(part.statement)
        # "Dearer than without it" turns round what it is compared with.
        if there is None or negations_of(part.statement) or negations_of(claim):
            continue
        telling = part.statement.telling
        before, after = [k for k in telling if k < there], [k for k in telling if k > there]
        if not before or not after:
            continue
        by_before = alike[np.ix_(behind, before)].max(axis=1).mean()
        by_after = alike[np.ix_(behind, after[:_BEHIND])].max(axis=1).mean()
        apart = float(by_before - by_after)
        if _compares_the_other_way(claim, part.statement):
            apart = -apart
        strength = min(1.0, (apart - _SWAPPED_FROM) / _SWAPPED_FULLY)
        if strength > 0:
            yield Doubt(About.ORDER, strength, "compared the other way round")


def overstated(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt "all" and "always" where the part that says most of the claim has only "some"."""
    said = frozenset(re.findall(r"\w+", _NO_ALL.sub(" ", comparison.claim.text).casefold()))
    if not said & _ALL:
        return
    for clause in comparison.clauses:
        here = [
            comparison.claim.words[i].text
            for i in range(len(comparison.claim.words))
            if clause[0] <= comparison.claim.words[i].start < clause[1]
        ]
        best = int(comparison.scores(comparison.words_in(clause)).argmax())
        there = {word.text for word in comparison.parts[best].statement.words}
        word = next((word for word in here if word in said & _ALL), None)
        if word and there & _SOME and not there & _ALL_OR_WHOLE:
            yield Doubt(About.QUANTITY, 1.0, f'"{word}" where the note says less')


def _than(statement: Statement) -> int | None:
    words = [word.text for word in statement.words]
    return words.index("than") if "than" in words else None


def _compares_the_other_way(one: Statement, other: Statement) -> bool:
    """Whether each has a word of its own that is the opposite of the other's.

    "A is less than B" says what "B is more than A" does.
    """
    here, there = ({word.text for word in each.words} for each in (one, other))
    return any(opposite(a, b) for a in here - there for b in there - here)
