"""Compose a cited answer from the hits, in the notes' own words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragqa.answering.candidates import candidates_of
from ragqa.answering.composing import Answering, Excerpt, excerpts_of, further_of, with_embedded
from ragqa.answering.confidence import features, shipped
from ragqa.answering.disagreement import disagreements
from ragqa.answering.excerpt_blocks import Line, blocks_of
from ragqa.answering.excerpts import is_cut
from ragqa.answering.missing import lacks_most, missing
from ragqa.answering.open_questions import AN_ANSWER, MOST_CONFIDENT, without_open_questions
from ragqa.answering.reading import read
from ragqa.answering.scoring import Scored, citation_of, read_together, score
from ragqa.answering.short_answer import is_title, place_in, short_answer
from ragqa.embedders import Embedder
from ragqa.search.question import Question
from ragqa.text.brackets import set_apart
from ragqa.types import Citation, Disagreement, Hit, Kind, Reason

__all__ = ["Answering", "Assessment", "assess", "cite", "compose"]

UNLIKELY_BELOW = 0.25
"""Below this confidence, what lacks most of a question is not even close to it."""

_END_MARKS = tuple(".!?:;\u2026\u3002\uff01\uff1f")


@dataclass(frozen=True, slots=True)
class Assessment:
    """Whether the notes answer a question, and the answer.

    `confidence` is the probability that the first excerpt is a good answer, `reasons` what it is
    based on. `excerpts` are to be shown, in reading order, if `answered`; `missing` has words of
    the question that they do not cover. `candidates` are the scored sentences.

    `compose` adds the answer's text and citations, `disagreements`: the sentences that contradict
    the cited ones, and `also`: what the `further` excerpts cite. All are empty where the notes do
    not seem to answer.
    """

    candidates: Sequence[Scored] = ()
    excerpts: Sequence[Excerpt] = ()
    further: Sequence[Excerpt] = ()
    confidence: float = 0.0
    answered: bool = False
    reasons: Sequence[Reason] = ()
    missing: tuple[str, ...] = ()
    text: str = ""
    citations: Sequence[Citation] = ()
    also: Sequence[Citation] = ()
    disagreements: Sequence[Disagreement] = ()


def compose(
    question: Question, hits: tuple[Hit, ...], embedder: Embedder, answering: Answering
) -> Assessment:
    """Answer a question from the passages found for it, with excerpts of their notes.

    They must have been checked against the notes (`CurrentNotes.keep`): quotes are taken from them.
    """
    assessment = assess(question, hits, embedder, answering)
    if not assessment.answered:
        return assessment
    text, citations = cite(assessment.excerpts, answering.old_before)
    _, also = cite(assessment.further, answering.old_before, first=len(citations) + 1)
    best = [excerpt.best for excerpt in assessment.excerpts]
    if not assessment.missing:
        citations = mark_short_answer(citations, question, best[0])
    return replace(
        assessment,
        text=text,
        citations=citations,
        also=also,
        disagreements=disagreements(
            question.text, best, assessment.candidates, old_before=answering.old_before
        ),
    )


def assess(
    question: Question, hits: tuple[Hit, ...], embedder: Embedder, answering: Answering
) -> Assessment:
    """Score the candidate sentences of the hits, find the excerpts that answer, and judge them."""
    reading = read(question, hits, embedder)
    candidates = candidates_of(reading.hits, answering.embedded, asked=question.terms)
    if not candidates:
        return Assessment()
    together = read_together(answering.reader, question.text, candidates)
    scored = score(reading, candidates, together)
    may_answer, is_open = without_open_questions(question, scored, answering.open_note)
    found = with_embedded(excerpts_of(reading, may_answer, answering), answering)
    shown = [replace(excerpt.best, candidate=excerpt.whole) for excerpt in found]
    missed = missing(reading, shown)
    model = shipped().of(question)
    measured = features(reading, may_answer, found[0], missed)
    probability = model.probability(measured)
    probability = min(probability, MOST_CONFIDENT) if is_open else probability
    # What a day's own note says answers a question about the day, whatever words it has.
    of_day = question.day in [excerpt.layout.path for excerpt in found]
    answered = of_day or probability >= model.threshold
    is_unlikely = not of_day and probability < UNLIKELY_BELOW
    answered = answered and not (is_unlikely and lacks_most(question, missed))
    if not answered:
        missed = missing(reading, shown, answered=False) or missed
    return Assessment(
        candidates=scored,
        excerpts=found,
        further=further_of(reading, may_answer, answering, found) if answered else (),
        confidence=round(probability, 4),
        answered=answered,
        reasons=model.reasons(measured),
        missing=(*missed, AN_ANSWER) if is_open and answered else missed,
    )


def cite(
    excerpts: Sequence[Excerpt], old_before: str = "", *, first: int = 1
) -> tuple[str, tuple[Citation, ...]]:
    """The answer's text, with `[n]` after each excerpt and nowhere else, and the citations.

    :param old_before: notes with an ISO date before this one are marked as old.
    """
    paragraphs = []
    for n, excerpt in enumerate(excerpts, start=first):
        text = set_apart(excerpt.whole.text)
        blocks = blocks_of(excerpt.whole.quote, excerpt.units, excerpt.span[0])
        last = next((one.kind for one in blocks[-1:] if isinstance(one, Line)), None)
        is_line = last is Kind.PARAGRAPH or ("\n" not in text and last is not Kind.CODE)
        paragraphs.append(f"{_closed(text)} [{n}]" if is_line else f"{text}\n[{n}]")
    citations = (
        _citation(excerpt, n, old_before) for n, excerpt in enumerate(excerpts, start=first)
    )
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
        context=excerpt.units[0].full_context,
        kind=whole.unit.kind,
        units=excerpt.units,
        answer_spans=(answers,) if answers[0] < answers[1] else (),
        cut=is_cut(layout, excerpt.run),
    )


def mark_short_answer(
    citations: Sequence[Citation], question: Question, best: Scored
) -> tuple[Citation, ...]:
    """The citations, with the short answer marked in the best one.

    It is found in the sentence as shown, and marked if its quote has it exactly once.
    """
    shown, unit = best.candidate.text, best.candidate.unit
    short = short_answer(question, shown, best.candidate.language)
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
