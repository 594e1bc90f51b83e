"""Sentences that ask what their note leaves open: they are near to a question, and no answer."""

from collections.abc import Sequence

from ragqa.answering.layout import OpenNote, asks
from ragqa.answering.scoring import Scored
from ragqa.search.question import Question
from ragqa.text.words import index_terms
from ragqa.types import Kind

NEAR_SHARE = 0.5
"""A statement is near if it scores at least this share of the best open question's score."""

SURE_SHARE = 0.75
"""One below this share may be about something else, and is quoted with reserve."""

MOST_CONFIDENT = 0.3
"""Where a note only asks, what it says is probably no answer."""

AN_ANSWER = "an answer"
"""What is missing there."""

_FOR_QUESTIONS = frozenset(index_terms("questions ask asked"))
_QUOTED = (Kind.PARAGRAPH, Kind.ITEM, Kind.HEADING)


def without_open_questions(
    question: Question, scored: Sequence[Scored], open_note: OpenNote
) -> tuple[Sequence[Scored], bool]:
    """The sentences that may answer, and whether they do so with reserve.

    One that asks is among them only where no statement is near, or where questions are wanted
    ("what should I ask a landlord?").

    :param scored: the candidate sentences, at least one.
    """
    if not question.terms.isdisjoint(_FOR_QUESTIONS):
        return scored, False
    asking: list[Scored] = []
    stating: list[Scored] = []
    for one in scored:
        (asking if _is_open(one, open_note) else stating).append(one)
    if not asking:
        return scored, False
    most = max(one.score for one in asking)
    best = max(stating, key=lambda one: one.score, default=None)
    if best is None or best.score < NEAR_SHARE * most:
        return scored, True
    return stating, best.score < SURE_SHARE * most and not _follows_question(best, open_note)


def _follows_question(one: Scored, open_note: OpenNote) -> bool:
    """Whether it is the item after one that asks: "Q: …", "A: …"."""
    layout = open_note(one.candidate.hit.passage)
    at = layout.at(one.candidate.unit.start)
    return at > layout.block(at)[0] and asks(layout.quote((at - 1, at - 1)))


def _is_open(one: Scored, open_note: OpenNote) -> bool:
    """Whether a sentence asks what the note leaves open; a list does if each of its items asks."""
    unit, passage = one.candidate.unit, one.candidate.hit.passage
    if not asks(one.candidate.text):
        return False
    if unit.kind is Kind.LIST:
        inside = (item for item in passage.units if unit.start <= item.start < unit.end)
        units = [item for item in inside if item.kind is Kind.ITEM]
        if not all(asks(passage.quote(item)) for item in units):
            return False
    elif unit.kind in _QUOTED:
        units = [unit]
    else:
        return False
    layout = open_note(passage)
    return all(layout.leaves_open(layout.at(item.start)) for item in units)
