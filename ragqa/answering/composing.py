"""Pick the sentences of an answer and put them in an order that reads well."""

import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial

import numpy as np

from ragqa.analysis import index_terms, query_terms
from ragqa.answering.candidates import Candidate
from ragqa.answering.kinds import QuestionKind, asked_by
from ragqa.answering.scoring import Scored
from ragqa.answering.spans import is_title, place_in, short_answer
from ragqa.answering.widening import with_antecedent, with_rest, with_steps
from ragqa.types import Citation, Kind, Passage

Span = tuple[int, int]

WORTH_SAYING = 0.8
WORTH_COMPARING = 0.6
"""A further sentence must score at least this share of the best one; the other side of a comparison
often matches less well."""

NEW_COUNTS = 0.5
"""What it weighs that a further sentence meets parts of the question better than the others."""

_NEAR_DUPLICATE = 0.7
_VALUE = re.compile(
    r"\d+(?:[.,:]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)(?=days?\b)"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?=(?:uary|ruary|ch|il|e|y|ust"
    r"|t|tember|ober|ember)?\b)"
)
_NO = re.compile(r"\b(?:not|no|never|cannot|nor|none|without|nobody)\b|n['\u2019]t\b")
_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


def choose(
    candidates: Sequence[Scored], *, sentences: int, worth_saying: float = WORTH_SAYING
) -> list[Scored]:
    """The best candidates that are worth saying and do not repeat each other, best first.

    A further one also counts by how much better it meets parts of the question than those chosen
    before it: a comparison needs both sides (after Carbonell and Goldstein, "The Use of MMR",
    1998, which holds against a sentence what it repeats).

    :param worth_saying: the share of the best score that a further one needs; at 0 all are said.
    """
    left = sorted(candidates, key=lambda one: -one.score)
    left = [one for one in left if one.score >= worth_saying * left[0].score]
    left = [one for one in left if not _is_other_row(one, left[0])]
    chosen: list[Scored] = []
    while left and len(chosen) < sentences:
        best = max(left, key=partial(_adds, chosen)) if chosen else left[0]
        chosen.append(best)
        left = [
            one for one in left if one is not best and not _repeats(one.candidate, best.candidate)
        ]
    return chosen


def without_stray_properties(candidates: Sequence[Scored], question: str) -> list[Scored]:
    """The candidates without front matter that has no word of the question, unless it is the best.

    Key and value say one thing each; beside a sentence that answers, another one adds nothing.
    """
    asked = set(query_terms(question))
    best = max(candidates, key=lambda one: one.score)
    return [
        one
        for one in candidates
        if one is best
        or one.candidate.unit.kind is not Kind.PROPERTY
        or not asked.isdisjoint(index_terms(one.candidate.text))
    ]


def widen(chosen: Sequence[Scored], question: str) -> list[Scored]:
    """The chosen sentences with what makes them whole, none of them twice.

    Where steps are asked for, the first that is one comes with all of them.
    """
    wants_steps = asked_by(question).kind is QuestionKind.STEPS
    said: list[Scored] = []
    for one in chosen:
        wider = with_rest(with_antecedent(one.candidate), question)
        if wants_steps:
            wider = with_steps(wider)
            wants_steps = wider.unit.kind is not Kind.LIST
        for form in (wider, one.candidate):
            if not any(form.overlaps(other.candidate) for other in said):
                said.append(replace(one, candidate=form))
                break
    return said


def worth_saying_to(question: str) -> float:
    """The share of the best score that a further sentence needs in answer to this question."""
    is_comparison = asked_by(question).kind is QuestionKind.COMPARISON
    return WORTH_COMPARING if is_comparison else WORTH_SAYING


def _is_other_row(one: Scored, best: Scored) -> bool:
    """Whether one is a row of the best one's table that holds less of the question's words."""
    both_rows = one.candidate.unit.kind is best.candidate.unit.kind is Kind.ROW
    return (
        both_rows
        and one.candidate.hit.passage.path == best.candidate.hit.passage.path
        and one.signals["coverage"] < best.signals["coverage"]
    )


def _adds(chosen: Sequence[Scored], one: Scored) -> float:
    """The score of a further sentence, with what it meets of the question that is not met yet."""
    gains = one.met - np.max([other.met for other in chosen], axis=0)
    return one.score + (NEW_COUNTS * float(np.maximum(gains, 0).mean()) if len(gains) else 0.0)


class Lost(StrEnum):
    """Why a candidate is not in the answer."""

    REPEATS = "repeats"
    WEAK = "weak"
    FULL = "full"


def why_not(
    one: Scored, said: Sequence[Scored], *, worth_saying: float = WORTH_SAYING
) -> Lost | None:
    """Why a candidate is not said; None where it is, perhaps as a part of more."""
    if any(one.candidate.overlaps(other.candidate) for other in said):
        return None
    if one.score < worth_saying * said[0].score or _is_other_row(one, said[0]):
        return Lost.WEAK
    if any(_repeats(one.candidate, other.candidate) for other in said):
        return Lost.REPEATS
    return Lost.FULL


def in_reading_order(chosen: Sequence[Scored]) -> list[Scored]:
    """Notes by their best sentence; within a note, as it reads."""
    notes = list(dict.fromkeys(one.candidate.place[0] for one in chosen))
    return sorted(
        chosen, key=lambda one: (notes.index(one.candidate.place[0]), one.candidate.place[1])
    )


def cite(chosen: Sequence[Scored], old_before: str = "") -> tuple[str, tuple[Citation, ...]]:
    """The answer's text with its `[n]`, code and steps on lines of their own, and the citations."""
    said, after_block = [], False
    for n, one in enumerate(chosen, start=1):
        text = one.candidate.text
        is_block = one.candidate.unit.kind is Kind.CODE or "\n" in text
        said.append("\n" if n > 1 and (is_block or after_block) else " " if n > 1 else "")
        said.append(f"{text}\n[{n}]" if is_block else f"{_closed(text)} [{n}]")
        after_block = is_block
    citations = tuple(citation_of(one, n, old_before) for n, one in enumerate(chosen, start=1))
    return "".join(said), citations


def citation_of(one: Scored, n: int, old_before: str = "") -> Citation:
    """A candidate as the n-th citation of an answer, old if its note's date is before this one."""
    passage, unit = one.candidate.hit.passage, one.candidate.unit
    citation = quotation(
        passage,
        (unit.start, unit.end),
        n=n,
        kind=unit.kind,
        context=unit.context,
        score=one.score,
        old_before=old_before,
    )
    return replace(citation, parts={name: round(part, 4) for name, part in one.parts.items()})


def quotation(
    passage: Passage,
    span: Span,
    *,
    n: int,
    kind: Kind,
    context: str,
    score: float,
    old_before: str = "",
) -> Citation:
    """Some characters of a passage's note as the n-th citation of an answer."""
    start, end = span
    quote = passage.text[start - passage.start : end - passage.start]
    first = passage.lines[0] + passage.text.count("\n", 0, start - passage.start)
    return Citation(
        n=n,
        path=passage.path,
        lines=(first, first + quote.count("\n")),
        chars=span,
        heading=passage.heading,
        quote=quote,
        note_sha256=passage.note_sha256,
        score=round(score, 4),
        context=context,
        kind=kind,
        note_date=passage.note_date,
        old="" < passage.note_date < old_before,
    )


def mark_short_answer(
    citations: Sequence[Citation], question: str, best: Scored
) -> tuple[Citation, ...]:
    """The citations, the best one with the characters that answer the question directly.

    They are found in the sentence as shown, and marked where its quote has them exactly once.
    """
    shown, unit = best.candidate.text, best.candidate.unit
    short = short_answer(question, shown)
    place = short and place_in(best.candidate.quote, shown[slice(*short)])
    if not place or is_title(question, best.candidate.quote, place):
        return tuple(citations)
    span = unit.start + place[0], unit.start + place[1]
    path = best.candidate.hit.passage.path
    return tuple(
        replace(c, span=span) if c.path == path and c.chars[0] <= span[0] < c.chars[1] else c
        for c in citations
    )


def _closed(text: str) -> str:
    """The sentence with an end mark, so that two side by side do not run together."""
    ends = text.rstrip("\"')]}*_\u201d\u2019").endswith(_END_MARKS)
    return text if ends else f"{text}."


def _repeats(one: Candidate, other: Candidate) -> bool:
    """Whether two say nearly the same: most words, and no other figure, date or no."""
    if one.overlaps(other):
        return True
    first, second = set(index_terms(one.text)), set(index_terms(other.text))
    smaller = min(len(first), len(second))
    if not smaller or len(first & second) / smaller <= _NEAR_DUPLICATE:
        return False
    one_said, other_said = one.text.lower(), other.text.lower()
    figures, other_figures = set(_VALUE.findall(one_said)), set(_VALUE.findall(other_said))
    # A figure that only one of them has may just say more, and so may a no in a far longer one.
    if figures - other_figures and other_figures - figures:
        return False
    alike_long = max(len(first), len(second)) <= 2 * smaller
    return not (alike_long and bool(_NO.search(one_said)) != bool(_NO.search(other_said)))
