"""A sentence with what makes it whole: the one before it that says what "it" is, or all steps."""

import re
from itertools import takewhile

from ragqa.answering.candidates import Candidate, unit_text
from ragqa.types import Kind, Unit

_POINTING = re.compile(
    r"(?:and |but |so |yet )?(?:it|its|they|their|them|this|these|those|he|she|his|her)\b",
    re.IGNORECASE,
)
_PARAGRAPH_END = re.compile(r"\n[ \t>]*\n")
_STEP = re.compile(r"\s*\d{1,9}[.)]\s")
_MIN_STEPS = 2


def with_antecedent(candidate: Candidate) -> Candidate:
    """A sentence that begins with "it" or the like, with the sentence before it in its paragraph.

    Where it is the first one, what a reader sees begins with the heading; others are as they were.
    """
    passage, unit = candidate.hit.passage, candidate.unit
    if unit.kind is not Kind.PARAGRAPH or not _POINTING.match(candidate.text):
        return candidate
    at = passage.units.index(unit)
    before = passage.units[at - 1] if at else None
    if before is not None and before.kind is Kind.PARAGRAPH:
        both = Unit(Kind.PARAGRAPH, before.start, unit.end, before.context)
        if not _PARAGRAPH_END.search(passage.quote(both)):
            return _recut(candidate, both)
    heading = passage.heading[-1] if passage.heading else passage.title
    return Candidate(candidate.hit, unit, candidate.quote, f"{heading}: {candidate.text}")


def with_steps(candidate: Candidate) -> Candidate:
    """The whole numbered list that a candidate is an item of; others are as they were."""
    passage = candidate.hit.passage

    def is_step(unit: Unit) -> bool:
        return unit.kind is Kind.ITEM and _STEP.match(passage.quote(unit)) is not None

    if not is_step(candidate.unit):
        return candidate
    at = passage.units.index(candidate.unit)
    before = list(takewhile(is_step, reversed(passage.units[:at])))
    steps = [*reversed(before), *takewhile(is_step, passage.units[at:])]
    if len(steps) < _MIN_STEPS:
        return candidate
    whole = Unit(Kind.LIST, steps[0].start, steps[-1].end, candidate.unit.context)
    return _recut(candidate, whole)


def _recut(candidate: Candidate, unit: Unit) -> Candidate:
    passage = candidate.hit.passage
    return Candidate(candidate.hit, unit, passage.quote(unit), unit_text(passage, unit))
