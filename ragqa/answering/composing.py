"""Pick the sentences of an answer and put them in an order that reads well."""

from collections.abc import Sequence

import numpy as np

from ragqa.analysis import index_terms
from ragqa.answering.candidates import Candidate
from ragqa.answering.scoring import Column
from ragqa.types import Citation, Kind

WORTH_SAYING = 0.8
"""A further sentence must score at least this share of the best one."""

_NEAR_DUPLICATE = 0.7
_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


def choose(
    candidates: Sequence[Candidate],
    scores: Column,
    *,
    sentences: int,
    worth_saying: float = WORTH_SAYING,
) -> list[tuple[Candidate, float]]:
    """The best candidates that are worth saying and do not repeat each other, best first.

    :param worth_saying: the share of the best score that a further one needs; at 0 all are said.
    """
    order = np.lexsort((np.arange(len(scores)), -scores))
    chosen: list[tuple[Candidate, float]] = []
    for i in map(int, order):
        if len(chosen) == sentences or (chosen and scores[i] < worth_saying * chosen[0][1]):
            break
        if not any(_repeats(candidates[i], other) for other, _ in chosen):
            chosen.append((candidates[i], float(scores[i])))
    return chosen


def in_reading_order(
    chosen: Sequence[tuple[Candidate, float]],
) -> list[tuple[Candidate, float]]:
    """Notes by their best sentence; within a note, as it reads."""
    notes = list(dict.fromkeys(candidate.hit.passage.path for candidate, _ in chosen))
    return sorted(chosen, key=lambda pair: (notes.index(pair[0].place[0]), pair[0].place[1]))


def cite(chosen: Sequence[tuple[Candidate, float]]) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text with its `[n]`, code on lines of its own, and the citations."""
    said, citations, after_code = [], [], False
    for n, (candidate, score) in enumerate(chosen, start=1):
        passage, unit = candidate.hit.passage, candidate.unit
        before = passage.text.count("\n", 0, unit.start - passage.start)
        first = passage.lines[0] + before
        is_code = unit.kind is Kind.CODE
        said.append("\n" if n > 1 and (is_code or after_code) else " " if n > 1 else "")
        said.append(f"{candidate.text}\n[{n}]" if is_code else f"{_closed(candidate.text)} [{n}]")
        after_code = is_code
        citations.append(
            Citation(
                n=n,
                path=passage.path,
                lines=(first, first + candidate.quote.count("\n")),
                chars=(unit.start, unit.end),
                heading=passage.heading,
                quote=candidate.quote,
                note_sha256=passage.note_sha256,
                score=round(score, 4),
                context=unit.context,
                kind=unit.kind,
            )
        )
    return "".join(said), tuple(citations)


def _closed(text: str) -> str:
    """The sentence with an end mark, so that two side by side do not run together."""
    ends = text.rstrip("\"')]}*_\u201d\u2019").endswith(_END_MARKS)
    return text if ends else f"{text}."


def _repeats(one: Candidate, other: Candidate) -> bool:
    if one.overlaps(other):
        return True
    first, second = set(index_terms(one.text)), set(index_terms(other.text))
    smaller = min(len(first), len(second))
    return smaller > 0 and len(first & second) / smaller > _NEAR_DUPLICATE
