"""A sentence with what makes it whole: those before it that say what "it" is, or what follows."""

import re
from itertools import dropwhile, takewhile

from ragqa.analysis import index_terms, query_terms
from ragqa.answering.candidates import Candidate, is_item, number_of, unit_text
from ragqa.types import Kind, Unit

_POINTING = re.compile(
    r"(?:and |but |so |yet )?(?:it|its|they|their|them|this|these|those|he|she|his|her)\b",
    re.IGNORECASE,
)
_PARAGRAPH_END = re.compile(r"\n[ \t>]*\n")
_SENTENCES_BACK = 3
_MIN_STEPS = 2


def with_antecedent(candidate: Candidate) -> Candidate:
    """A sentence that begins with "it" or the like, with those before it that say what that is.

    As far back in its paragraph as to one that does not begin so itself. Where there is none near,
    what a reader sees begins with the heading; other candidates are as they were.
    """
    passage, unit = candidate.hit.passage, candidate.unit
    if unit.kind is not Kind.PARAGRAPH or not _POINTING.match(candidate.text):
        return candidate
    at = passage.units.index(unit)
    for before in reversed(passage.units[max(0, at - _SENTENCES_BACK) : at]):
        both = Unit(Kind.PARAGRAPH, before.start, unit.end, before.context)
        if before.kind is not Kind.PARAGRAPH or _PARAGRAPH_END.search(passage.quote(both)):
            break
        said = unit_text(passage, before)
        if said and not _POINTING.match(said):
            return _recut(candidate, both)
    heading = passage.heading[-1] if passage.heading else passage.title
    return Candidate(candidate.hit, unit, candidate.quote, f"{heading}: {candidate.text}")


def with_rest(candidate: Candidate, question: str) -> Candidate:
    """A sentence that only says what the question says, with the one after it in its paragraph.

    A term in bold with a full stop, say, before what it means; others are as they were.
    """
    passage, unit = candidate.hit.passage, candidate.unit
    asked = set(query_terms(question))
    if unit.kind is not Kind.PARAGRAPH or not asked.issuperset(index_terms(candidate.text)):
        return candidate
    for after in passage.units:
        if after.kind is Kind.PARAGRAPH and after.start >= unit.end:
            both = Unit(Kind.PARAGRAPH, unit.start, after.end, unit.context)
            over = _PARAGRAPH_END.search(passage.quote(both))
            return candidate if over else _recut(candidate, both)
    return candidate


def with_steps(candidate: Candidate) -> Candidate:
    """The numbered list that a candidate is an item of or announces; others are as they were.

    As far as its passage has it, with what is nested in its items.
    """
    passage, unit = candidate.hit.passage, candidate.unit
    if unit not in passage.units:
        return candidate
    at = passage.units.index(unit)
    announces = unit.kind is not Kind.ITEM
    before = [] if announces else list(takewhile(is_item, reversed(passage.units[:at])))
    items = [*reversed(before), *takewhile(is_item, passage.units[at + announces :])]
    steps = list(dropwhile(lambda item: not number_of(passage, item), items))
    if len([item for item in steps if number_of(passage, item)]) < _MIN_STEPS:
        return candidate
    start = unit.start if announces else steps[0].start
    return _recut(candidate, Unit(Kind.LIST, start, steps[-1].end, unit.context))


def _recut(candidate: Candidate, unit: Unit) -> Candidate:
    passage = candidate.hit.passage
    return Candidate(candidate.hit, unit, passage.quote(unit), unit_text(passage, unit))
