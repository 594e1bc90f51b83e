"""What holds: of dated candidates that answer about as well, the newest, and then the older ones.

No contradiction is looked for. They are on one subject if they share words, the rare ones above
all; entries of one log in their own text, since all have the words of its headings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragqa.answering.candidates import Candidate
from ragqa.search.question import Question
from ragqa.text.dates import day_of, leading_day, moments_of
from ragqa.text.words import compiled
from ragqa.types import Dated, Kind, Passage, Unit

NEAR = 0.5
"""A candidate that answers about as well has at least this share of the best one's score."""

NEAR_AND_SHARED = 0.95
SHARED_WEIGHT = 0.75
"""That share, and this much of the share that it has of the words of the question or of the best
one, are together at least this."""

PAST_LESS = 0.15
"""Less where the question asks for the past: what held then lacks the name of what holds now."""

FIT_LESS = 0.1
"""And it fits the type of answer asked for at most so much less."""

ALL_WORDS = 0.99
"""But one with this share of the question's words may say that it has none any more: cancelled."""

RIVAL = 0.5
"""A later candidate with this share of the first one's score may be what holds."""

SHARED_IN_NOTE = 0.75
"""Of the best one's question words, by weight, another entry of its note has this share itself."""

MOST = 5
"""At most so many older candidates are told."""

_PAST = (
    r"(?i)\b(?:before|previous(?:ly)?|former(?:ly)?|original(?:ly)?|initial(?:ly)?|at first"
    r"|first (?:want|plan|intend)|used to|(?<!how )old|last year)\b"
)
"""What asks for what held before."""

_HAPPENED = r"(?i)\b(?:when|what day|what date) did\b"
"""What asks for the day of what happened, such as a change."""

_OF_FILE = ("edited", "file")
"""Sources of a date that tell little of when something was said."""


@dataclass(frozen=True, slots=True)
class History:
    """The candidate to quote, and the `others` on its subject in the order to be told.

    It `may_be_old` if a later candidate answers half as well.
    """

    first: Candidate
    others: Sequence[Candidate] = ()
    may_be_old: bool = False


def date_of(candidate: Candidate, dates: Mapping[str, Dated]) -> Dated:
    """The date of a candidate's statement; see `date_of_unit`."""
    return date_of_unit(candidate.passage, candidate.unit, dates[candidate.path])


def date_of_unit(passage: Passage, unit: Unit, of_note: Dated) -> Dated:
    """The date of a unit: its own, else that of a heading above it, else its note's.

    One that is to come when its note was written, such as that of an appointment, is none.

    :param of_note: the date of its note.
    """
    dated = (
        (day_of(text) if source == "heading" else leading_day(text), source)
        for text, source in _beginnings(passage, unit)
    )
    own = (Dated(day, source) for day, source in dated if "" < day <= of_note.latest)
    return next(own, of_note)


def stated_on(passage: Passage, unit: Unit, of_note: Dated) -> str:
    """The day that filters go by: that of a unit or its heading, else its note's; "" for none."""
    dated = date_of_unit(passage, unit, of_note)
    return dated.day if dated.source in ("statement", "heading") else passage.note_date


def _beginnings(passage: Passage, unit: Unit) -> Sequence[tuple[str, str]]:
    """What may begin with the date of a unit, the nearest first."""
    before = [each for each in passage.units if each.start <= unit.start]
    begun = next((each for each in reversed(before) if each.begins), unit)
    inside = [each for each in before if each.kind is Kind.HEADING and each.section == unit.section]
    above = [*passage.heading, *map(passage.quote, inside)]
    own = [passage.quote(unit), passage.quote(begun), *reversed(unit.context.split("\n"))]
    named = {text.lstrip("# ") for text in above}  # a context may end with a heading
    return [
        *((text, "statement") for text in own if text not in named),
        *((text, "heading") for text in above[::-1]),
    ]


def history(
    question: Question, best: Candidate, scored: Sequence[Candidate], of_notes: Mapping[str, Dated]
) -> History:
    """What to quote for a question, and the other candidates on its subject.

    That is the newest of a day that the question names or before, or the best one if it has no
    date. A question for the past is told it from the oldest on; one for the day of a change is told
    first what says so.

    :param of_notes: the dates of the notes, by path.
    """
    dates = {best.place: date_of(best, of_notes)}
    if not dates[best.place].day:
        return History(best)
    dates |= {each.place: date_of(each, of_notes) for each in scored if each is not best}
    is_past = compiled(_PAST).search(question.text)
    least = NEAR_AND_SHARED - (PAST_LESS if is_past else 0.0)
    named = max((moment.iso for moment in moments_of(question.text)), default="")
    until = question.period.until if question.period else named
    group: dict[tuple[str, str], Candidate] = {}
    for candidate in sorted(scored, key=lambda candidate: -candidate.score):
        day = dates[candidate.place].day
        in_time = day and (not until or day[: len(until)] <= until)
        if in_time and _is_like(question, best, candidate, least):
            group.setdefault((candidate.path, day), candidate)
    if not group:
        return History(best)
    in_order = sorted(group.values(), key=lambda candidate: dates[candidate.place].day)
    if compiled(_HAPPENED).search(question.text):
        return History(best, [other for other in in_order if other.place != best.place][:MOST])
    if is_past:
        return History(in_order[0], in_order[1 : MOST + 1])
    first, *others = sorted(group.values(), key=lambda each: dates[each.place].day, reverse=True)
    own = dates[first.place]
    may_be_old = (
        not until
        and own.source not in _OF_FILE
        and any(
            candidate.score >= RIVAL * first.score
            and dates[candidate.place].day > own.day
            and dates[candidate.place].source not in _OF_FILE
            for candidate in scored
        )
    )
    return History(first, others[:MOST], may_be_old)


def _is_like(question: Question, best: Candidate, other: Candidate, least: float) -> bool:
    """Whether a candidate is on the subject of the best one, and answers about as well.

    :param least: the least that it scores and shares together, as shares of the best one.
    """
    if other is best:
        return True
    near = other.score / best.score if best.score else 0.0
    own = best.own_terms
    in_other = len(own & other.terms) / (len(own) or 1)
    shared = SHARED_WEIGHT * max(other.signals["coverage"], in_other)
    if near < NEAR or near + shared < least:
        return False
    fits = other.signals["holds"] >= best.signals["holds"] - FIT_LESS
    if not fits and other.signals["coverage"] < ALL_WORDS:
        return False  # with all words it may say that there is no such day or figure any more
    if other.path != best.path:
        return True
    had = {term: weight for term, weight in question.idf.items() if term in own}
    in_both = sum(had[term] for term in had if term in other.own_terms)
    return in_both >= SHARED_IN_NOTE * sum(had.values()) > 0
