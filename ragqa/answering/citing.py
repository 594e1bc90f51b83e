"""Citations of stretches of notes, and the text of an answer that has them."""

from collections.abc import Sequence
from itertools import takewhile

from ragqa.answering.current import date_of
from ragqa.answering.excerpt_blocks import Line
from ragqa.answering.notes import Answering
from ragqa.answering.stretch import Stretch
from ragqa.text.shown import set_apart
from ragqa.types import Citation, Dated, Kind, Passage, Span, Unit

_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


def text_of(excerpts: Sequence[Stretch]) -> str:
    """The answer's text, with `[n]` after each excerpt and nowhere else."""
    paragraphs = []
    for n, excerpt in enumerate(excerpts, start=1):
        text = set_apart(excerpt.shown)
        last = next((block.kind for block in excerpt.blocks[-1:] if isinstance(block, Line)), None)
        is_line = last is Kind.PARAGRAPH or ("\n" not in text and last is not Kind.CODE)
        ends = text.rstrip("\"')]}*_\u201d\u2019").endswith(_END_MARKS)
        end = "" if ends else "."  # so that adjacent texts do not run together
        paragraphs.append(f"{text}{end} [{n}]" if is_line else f"{text}\n[{n}]")
    return "\n\n".join(paragraphs)


def cite(
    stretch: Stretch,
    n: int,
    answering: Answering | None = None,
    *,
    is_excerpt: bool = True,
    short: tuple[str, Span] | None = None,
    within: Citation | None = None,
) -> Citation:
    """A stretch of a note as the n-th citation of an answer.

    :param answering: tells its date, whether it is old, and its place in a converted file.
    :param is_excerpt: whether it has the heading of its section, and tells where it is cut.
    :param short: the path and characters of the short answer, marked if the stretch has it.
    :param within: the stretch with what is shown around it.
    """
    passage, layout, (start, end) = stretch.passage, stretch.layout, stretch.span
    quote, first, heading = stretch.quote, layout.line(stretch.run[0]), passage.heading
    if is_excerpt:
        at = stretch.run[0]
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
    begin, stop = _answering(stretch)
    begin, stop = max(start, begin), min(end, stop)
    has_short = short and short[0] == stretch.path and start <= short[1][0] and short[1][1] <= end
    dated = date_of(stretch, answering.notes) if answering else Dated()
    return Citation(
        n=n,
        path=stretch.path,
        lines=(first, first + quote.count("\n")),
        chars=(start, end),
        heading=heading,
        quote=quote,
        note_sha256=passage.note_sha256,
        score=round(stretch.score, 4),
        context=stretch.units[0].full_context,
        kind=stretch.kind,
        note_date=passage.note_date,
        old=answering is not None and "" < passage.note_date < answering.old_before,
        span=short[1] if short and has_short else None,
        units=stretch.units,
        answer_spans=((begin, stop),) if begin < stop else (),
        cut=layout.is_cut(stretch.run) if is_excerpt else (False, False),
        locator=answering.notes.locator(passage, (start, end)) if answering else "",
        date=dated.day,
        date_from=dated.source,
        within=within,
    )


def _answering(stretch: Stretch) -> Span:
    """The characters that answer; a question in a note is answered by what follows it."""
    layout = stretch.layout
    start, end = layout.span(stretch.sentence)
    if end < stretch.span[1] and layout.text[start:end].rstrip("*_ ").endswith("?"):
        return layout.span((after := layout.at(end), after))
    return start, end


def quotation(
    passage: Passage, units: Sequence[Unit], n: int, answering: Answering, *, score: float
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
        kind=units[0].kind if len(units) == 1 else Kind.EXCERPT,
        note_date=passage.note_date,
        old="" < passage.note_date < answering.old_before,
        units=tuple(units),
        answer_spans=((start, end),),
        locator=answering.notes.locator(passage, (start, end)),
    )
