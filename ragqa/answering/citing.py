"""Turn excerpts into citations and the text of an answer."""

from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering.composing import Excerpt
from ragqa.answering.excerpts import is_cut
from ragqa.answering.quoting import citation_of
from ragqa.answering.scoring import Scored
from ragqa.answering.short_answer import is_title, place_in, short_answer
from ragqa.types import Citation, Kind

_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


def cite(excerpts: Sequence[Excerpt], old_before: str = "") -> tuple[str, tuple[Citation, ...]]:
    """The answer's text, with `[n]` after each excerpt, and the citations.

    :param old_before: notes with an ISO date before this one are marked as old.
    """
    paragraphs = []
    for n, excerpt in enumerate(excerpts, start=1):
        text, last = excerpt.whole.text, excerpt.units[-1].kind
        is_line = last is Kind.PARAGRAPH or ("\n" not in text and last is not Kind.CODE)
        paragraphs.append(f"{_closed(text)} [{n}]" if is_line else f"{text}\n[{n}]")
    citations = (_citation(excerpt, n, old_before) for n, excerpt in enumerate(excerpts, start=1))
    return "\n\n".join(paragraphs), tuple(citations)


def _citation(excerpt: Excerpt, n: int, old_before: str) -> Citation:
    layout, (start, end) = excerpt.layout, excerpt.span
    passage, unit = layout.pieces[excerpt.run[0]].passage, excerpt.best.candidate.unit
    first = passage.lines[0] + layout.text.count("\n", passage.start, start)
    whole = excerpt.whole
    if unit.end < end and layout.text[unit.start : unit.end].rstrip("*_ ").endswith("?"):
        # A question in a note is answered by what follows it.
        unit = layout.pieces[layout.at(unit.end)].unit
    answers = max(start, unit.start), min(end, unit.end)
    return replace(
        citation_of(excerpt.best, n, old_before),
        lines=(first, first + whole.quote.count("\n")),
        chars=(start, end),
        quote=whole.quote,
        context=excerpt.units[0].context,
        kind=whole.unit.kind,
        units=excerpt.units,
        answer_spans=(answers,) if answers[0] < answers[1] else (),
        cut=is_cut(layout, excerpt.run),
    )


def mark_short_answer(
    citations: Sequence[Citation], question: str, best: Scored
) -> tuple[Citation, ...]:
    """The citations, with the short answer marked in the best one.

    It is found in the sentence as shown, and marked if its quote has it exactly once.
    """
    shown, unit = best.candidate.text, best.candidate.unit
    short = short_answer(question, shown)
    place = short and place_in(best.candidate.quote, shown[slice(*short)])
    if not place or is_title(question, best.candidate.quote, place):
        return tuple(citations)
    span = unit.start + place[0], unit.start + place[1]
    path = best.candidate.hit.passage.path
    return tuple(
        replace(c, span=span)
        if c.path == path and c.chars[0] <= span[0] and span[1] <= c.chars[1]
        else c
        for c in citations
    )


def _closed(text: str) -> str:
    """The text with a closing mark, so that adjacent texts do not run together."""
    ends = text.rstrip("\"')]}*_\u201d\u2019").endswith(_END_MARKS)
    return text if ends else f"{text}."
