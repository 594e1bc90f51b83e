"""Make citations of sentences in passages."""

from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering.scoring import Scored
from ragqa.types import Citation, Kind, Passage, Unit


def citation_of(one: Scored, n: int, old_before: str = "") -> Citation:
    """A candidate as the n-th citation; it is old if its note's date is before `old_before`."""
    passage, unit = one.candidate.hit.passage, one.candidate.unit
    citation = quotation(passage, [unit], n=n, score=one.score, old_before=old_before)
    return replace(citation, parts={name: round(part, 4) for name, part in one.parts.items()})


def quotation(
    passage: Passage, units: Sequence[Unit], *, n: int, score: float, old_before: str = ""
) -> Citation:
    """Consecutive units of a passage as the n-th citation of an answer."""
    start, end = units[0].start, units[-1].end
    quote = passage.text[start - passage.start : end - passage.start]
    first = passage.lines[0] + passage.text.count("\n", 0, start - passage.start)
    return Citation(
        n=n,
        path=passage.path,
        lines=(first, first + quote.count("\n")),
        chars=(start, end),
        heading=passage.heading,
        quote=quote,
        note_sha256=passage.note_sha256,
        score=round(score, 4),
        context=units[0].context,
        kind=units[0].kind if len(units) == 1 else Kind.EXCERPT,
        note_date=passage.note_date,
        old="" < passage.note_date < old_before,
        units=tuple(units),
        answer_spans=((start, end),),
    )
