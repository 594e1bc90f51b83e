"""Compose a cited answer from the hits, in the notes' own words."""

from collections.abc import Sequence
from itertools import takewhile

from ragqa.answering.answer_type import place_of_answer
from ragqa.answering.assessment import Assessment, Chosen, assess
from ragqa.answering.candidates import Candidate
from ragqa.answering.evidence import Evidence
from ragqa.answering.excerpt_blocks import blocks_of
from ragqa.answering.history import date_of
from ragqa.answering.layout import Run
from ragqa.embedders import Embedder
from ragqa.rerankers import Reranker
from ragqa.search.question import Question
from ragqa.text.shown import set_apart
from ragqa.text.words import overlaps
from ragqa.types import (
    EXTRACTIVE,
    Answer,
    Citation,
    Cut,
    Dated,
    IndexInfo,
    Kind,
    Passage,
    Span,
    Unit,
    Verdict,
    verdict_of,
)
from ragqa.types.answers import FURTHER, WHOLE

__all__ = ["Assessment", "Evidence", "assess", "cite", "compose", "quotation", "text_of"]

AROUND_WORDS = 120
"""So many words of its passage are shown with the first excerpt, it included, under reserve."""

_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


def compose(
    question: Question,
    evidence: Evidence,
    embedder: Embedder,
    info: IndexInfo,
    *,
    reranker: Reranker = Reranker(),  # noqa: B008 - it has no state
    further: int = FURTHER,
) -> Answer:
    """Answer a question from what was found for it, with excerpts of the notes.

    The hits must have been checked against their notes: quotes are taken from them.

    :param info: of the index that they are from.
    :param reranker: reads question and passages together.
    :param further: how many further excerpts are offered.
    """
    found = assess(question, evidence, embedder, reranker=reranker, further=further)
    chosen = found.chosen if found.answered else Chosen()
    no_note_has = evidence.no_note_has if found.candidates else ()
    excerpts = chosen.excerpts
    verdict = verdict_of(found.confidence, no_note_has, answered=found.answered)
    short = place_of_answer(question, excerpts[0]) if excerpts and not no_note_has else None
    shown = [_around(excerpts)] if verdict is Verdict.CLOSE else []
    shown += [excerpt.run for excerpt in excerpts[len(shown) :]]
    also = chosen.further[:further]
    earlier = [each for each in chosen.others if not any(map(each.overlaps, excerpts))]
    return Answer(
        question=question.typed,
        answered=found.answered,
        confidence=found.confidence,
        backend=EXTRACTIVE,
        text=text_of(excerpts),
        citations=tuple(
            cite(excerpt, n, evidence, short=short, shown=run)
            for n, (excerpt, run) in enumerate(zip(excerpts, shown, strict=True), 1)
        ),
        also=tuple(cite(each, n, evidence) for n, each in enumerate(also, len(excerpts) + 1)),
        earlier=tuple(
            cite(each, n, evidence, is_excerpt=False)
            for n, each in enumerate(earlier, len(excerpts) + len(also) + 1)
        ),
        has_more=len(chosen.further) > len(also),
        hits=evidence.hits,
        info=info,
        warnings=chosen.warnings,
        no_note_has=no_note_has,
        corrected=question.corrected,
        read=question.text,
    )


def _around(excerpts: Sequence[Candidate]) -> Run:
    """The first excerpt with what stands around it in its passage and section.

    That is as much on both sides; it stops at the other excerpts.
    """
    excerpt, *beside = excerpts
    layout, (first, last), passage = excerpt.layout, excerpt.run, excerpt.passage
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


def text_of(excerpts: Sequence[Candidate]) -> str:
    """The answer's text, with `[n]` after each excerpt and nowhere else."""
    paragraphs = []
    for n, excerpt in enumerate(excerpts, start=1):
        text = set_apart(excerpt.shown)
        last = next((block.kind for block in blocks_of(excerpt.units)[-1:]), None)
        is_line = last is Kind.PARAGRAPH or ("\n" not in text and last is not Kind.CODE)
        ends = text.rstrip("\"')]}*_\u201d\u2019").endswith(_END_MARKS)
        end = "" if ends else "."  # so that adjacent texts do not run together
        paragraphs.append(f"{text}{end} [{n}]" if is_line else f"{text}\n[{n}]")
    return "\n\n".join(paragraphs)


def cite(
    candidate: Candidate,
    n: int,
    evidence: Evidence | None = None,
    *,
    is_excerpt: bool = True,
    short: tuple[str, Span] | None = None,
    shown: Run | None = None,
) -> Citation:
    """A candidate of a note as the n-th citation of an answer.

    :param evidence: tells its date, and whether it is old.
    :param is_excerpt: whether it has the heading of its section, and tells where it is cut.
    :param short: the path and characters of the short answer, marked if the candidate has it.
    :param shown: the candidate with what is shown around it; None for the candidate alone.
    """
    passage, layout, (start, end) = candidate.passage, candidate.layout, candidate.span
    shown = shown or candidate.run
    top, bottom = layout.span(shown)
    quote, first, heading = candidate.quote, layout.line(candidate.run[0]), passage.heading
    if is_excerpt:
        at = candidate.run[0]
        begun = layout.pieces[at].passage
        # A passage of several small sections has only the headings that these share.
        is_joined = len({unit.section for unit in begun.units}) > 1
        own = layout.headings_above(at)[-1:] if is_joined else []
        heading = begun.heading
        if layout.pieces[at].kind is Kind.HEADING:  # which its passage may be called by
            later = {layout.said(n) for n in layout.within(start, begun.end)}
            heading = tuple(takewhile(lambda above: above not in later, heading))
        elif own != [*heading[-1:]]:
            heading = (*heading, *own)
    begin, stop = _answering(candidate)
    begin, stop = max(start, begin), min(end, stop)
    has_short = short and short[0] == candidate.path and start <= short[1][0] and short[1][1] <= end
    dated = date_of(candidate, evidence.dates) if evidence else Dated()
    return Citation(
        n=n,
        path=candidate.path,
        lines=(first, first + quote.count("\n")),
        chars=(start, end),
        heading=heading,
        quote=quote,
        note_sha256=passage.note_sha256,
        score=round(candidate.score, 4),
        context=candidate.units[0].full_context,
        note_date=passage.note_date,
        old=evidence is not None and "" < passage.note_date < evidence.old_before,
        span=short[1] if short and has_short else None,
        units=layout.units(shown),
        answer_spans=((begin, stop),) if begin < stop else (),
        cut=Cut(*layout.is_cut(shown)) if is_excerpt else WHOLE,
        locator=layout.document.locate((start, end)),
        date=dated.day,
        date_from=dated.source,
        before=layout.text[top:start],
        after=layout.text[end:bottom],
    )


def _answering(candidate: Candidate) -> Span:
    """The characters that answer; a question in a note is answered by what follows it."""
    layout = candidate.layout
    start, end = layout.span(candidate.sentence)
    if end < candidate.span[1] and layout.text[start:end].rstrip("*_ ").endswith("?"):
        return layout.span((after := layout.at(end), after))
    return start, end


def quotation(
    passage: Passage, units: Sequence[Unit], n: int, evidence: Evidence, *, score: float
) -> Citation:
    """Consecutive units of a passage as the n-th citation of an answer that an LLM wrote."""
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
        context=units[0].full_context,
        note_date=passage.note_date,
        old="" < passage.note_date < evidence.old_before,
        units=tuple(units),
        answer_spans=((start, end),),
        locator=evidence.notes[passage.id].document.locate((start, end)),
    )
