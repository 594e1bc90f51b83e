"""Compose a cited answer from the hits, in the notes' own words."""

from collections.abc import Sequence
from dataclasses import replace

from ragqa.answering.answer_type import place_of_answer
from ragqa.answering.citing import cite, text_of
from ragqa.answering.judge import Assessment, assess
from ragqa.answering.notes import Answering, Notes
from ragqa.answering.stretch import Stretch
from ragqa.embedders import Embedder
from ragqa.search.question import Question
from ragqa.text.words import overlaps
from ragqa.types import EXTRACTIVE, Answer, Citation, Hit, IndexInfo, Verdict, verdict_of

__all__ = ["Answering", "Assessment", "Notes", "assess", "cite", "compose", "text_of"]

AROUND_WORDS = 120
"""So many words of its passage are shown with the first excerpt, it included, under reserve."""


def compose(
    question: Question,
    hits: tuple[Hit, ...],
    embedder: Embedder,
    answering: Answering,
    info: IndexInfo,
) -> Answer:
    """Answer a question from the passages found for it, with excerpts of their notes.

    They must have been checked against the notes (`CurrentNotes.keep`): quotes are taken from them.

    :param info: of the index that they are from.
    """
    found = assess(question, hits, embedder, answering)
    excerpts = found.excerpts if found.answered else ()
    verdict = verdict_of(found.confidence, found.no_note_has, answered=found.answered)
    short = place_of_answer(question, excerpts[0]) if excerpts and not found.no_note_has else None
    within = _around(excerpts) if verdict is Verdict.CLOSE else None
    shown, also = len(excerpts), len(excerpts) + len(found.further)
    return Answer(
        question=question.typed,
        answered=found.answered,
        confidence=found.confidence,
        backend=EXTRACTIVE,
        text=text_of(excerpts),
        citations=tuple(
            cite(excerpt, n, answering, short=short, within=within if n == 1 else None)
            for n, excerpt in enumerate(excerpts, 1)
        ),
        also=tuple(cite(each, n, answering) for n, each in enumerate(found.further, shown + 1)),
        earlier=tuple(
            cite(each, n, answering, is_excerpt=False)
            for n, each in enumerate(found.others, also + 1)
        ),
        hits=hits,
        info=info,
        warnings=found.warnings,
        no_note_has=tuple(found.no_note_has),
        corrected=question.respelled,
        read=question.text,
    )


def _around(excerpts: Sequence[Stretch]) -> Citation | None:
    """The first excerpt with what stands around it in its passage and section; None for nothing.

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
    run = max(
        fitting,
        key=lambda run: sorted((words((run[0], last)), words((first, run[1])))),
        default=excerpt.run,
    )
    return cite(replace(excerpt, run=run), 1) if run != excerpt.run else None
