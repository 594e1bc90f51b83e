"""Compose a cited answer from the hits, in the notes' own words."""

from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering.current import DatesOf
from ragqa.answering.excerpt import Answering, Excerpt
from ragqa.answering.excerpt_blocks import Line
from ragqa.answering.judge import Assessment, assess
from ragqa.answering.layout import Run
from ragqa.answering.missing import Lookup
from ragqa.answering.score import citation_of
from ragqa.answering.short_answer import mark_short_answer
from ragqa.embedders import Embedder
from ragqa.search.question import Question
from ragqa.text.shown import set_apart
from ragqa.text.words import overlaps
from ragqa.types import Citation, Hit, Kind, Verdict, verdict_of

__all__ = ["Answering", "Assessment", "Lookup", "assess", "cite", "compose"]

AROUND_WORDS = 120
"""So many words of its passage are shown with the first excerpt, it included, under reserve."""

_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


def compose(
    question: Question, hits: tuple[Hit, ...], embedder: Embedder, answering: Answering
) -> Assessment:
    """Answer a question from the passages found for it, with excerpts of their notes.

    They must have been checked against the notes (`CurrentNotes.keep`): quotes are taken from them.
    """
    assessment = assess(question, hits, embedder, answering)
    if not assessment.answered:
        return assessment
    old_before, dates_of = answering.old_before, answering.dates_of
    text, citations = cite(assessment.excerpts, old_before, dates_of)
    _, also = cite(assessment.further, old_before, dates_of, first=len(citations) + 1)
    if not assessment.missing:
        citations = mark_short_answer(citations, question, assessment.excerpts[0].best)
    if verdict_of(assessment.confidence, assessment.missing, answered=True) is Verdict.CLOSE:
        first, *beside = assessment.excerpts
        if (run := _around(first, beside)) != first.run:
            within = _citation(replace(first, run=run), 1, old_before, None)
            citations = (replace(citations[0], within=within), *citations[1:])
    earlier = tuple(
        citation_of(candidate, n, old_before, dates_of)
        for n, candidate in enumerate(assessment.others, len(citations) + len(also) + 1)
    )
    return replace(assessment, text=text, citations=citations, also=also, earlier=earlier)


def cite(
    excerpts: Sequence[Excerpt],
    old_before: str = "",
    dates_of: DatesOf | None = None,
    *,
    first: int = 1,
) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text, with `[n]` after each excerpt and nowhere else, and the citations.

    :param old_before: notes with an ISO date before this one are marked as old.
    :param dates_of: as for `citation_of`.
    """
    paragraphs = []
    for n, excerpt in enumerate(excerpts, start=first):
        text = set_apart(excerpt.whole.text)
        last = next((block.kind for block in excerpt.blocks[-1:] if isinstance(block, Line)), None)
        is_line = last is Kind.PARAGRAPH or ("\n" not in text and last is not Kind.CODE)
        ends = text.rstrip("\"')]}*_\u201d\u2019").endswith(_END_MARKS)
        end = "" if ends else "."  # so that adjacent texts do not run together
        paragraphs.append(f"{text}{end} [{n}]" if is_line else f"{text}\n[{n}]")
    citations = (
        _citation(excerpt, n, old_before, dates_of)
        for n, excerpt in enumerate(excerpts, start=first)
    )
    return "\n\n".join(paragraphs), tuple(citations)


def _around(excerpt: Excerpt, beside: Sequence[Excerpt]) -> Run:
    """An excerpt's run with what stands around it in its passage and section, on both sides alike.

    :param beside: the other excerpts of the answer, which it stops at.
    """
    layout, (first, last), passage = excerpt.layout, excerpt.run, excerpt.best.hit.passage
    (top, _), (_, bottom) = layout.section(first), layout.section(last)
    taken, words = [each.span for each in beside if each.path == excerpt.path], layout.words

    def stops(i: int) -> bool:
        span = layout.span((i, i))
        return overlaps(span, taken) or not overlaps(span, [(passage.start, passage.end)])

    low = next((i + 1 for i in range(first - 1, top - 1, -1) if stops(i)), top)
    high = next((i - 1 for i in range(last + 1, bottom + 1) if stops(i)), bottom)
    runs = ((a, b) for a in range(low, first + 1) for b in range(last, high + 1))
    fitting = (run for run in runs if words(run) <= AROUND_WORDS)
    return max(
        fitting,
        key=lambda run: sorted((words((run[0], last)), words((first, run[1])))),
        default=excerpt.run,
    )


def _citation(excerpt: Excerpt, n: int, old_before: str, dates_of: DatesOf | None) -> Citation:
    layout, (start, end) = excerpt.layout, excerpt.span
    passage, unit = layout.pieces[excerpt.run[0]].passage, excerpt.best.unit
    first = passage.lines[0] + layout.text.count("\n", passage.start, start)
    whole = excerpt.whole
    if unit.end < end and layout.text[unit.start : unit.end].rstrip("*_ ").endswith("?"):
        # A question in a note is answered by what follows it.
        unit = layout.pieces[layout.at(unit.end)].unit
    own = layout.headings_above(excerpt.run[0])[-1:]
    is_joined = len({unit.section for unit in passage.units}) > 1
    answers = max(start, unit.start), min(end, unit.end)
    return replace(
        citation_of(excerpt.best, n, old_before, dates_of),
        lines=(first, first + whole.quote.count("\n")),
        chars=(start, end),
        # A passage of several small sections has only the headings that these share.
        heading=(*passage.heading, *own) if is_joined else passage.heading,
        quote=whole.quote,
        context=excerpt.units[0].full_context,
        kind=whole.unit.kind,
        units=excerpt.units,
        answer_spans=(answers,) if answers[0] < answers[1] else (),
        cut=layout.is_cut(excerpt.run),
    )
