"""Compose a cited answer from the hits, in the notes' own words."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ragqa.answering.calibration_file import Calibration, InUse, in_use
from ragqa.answering.candidates import PASSAGES, candidates_of, citable_units, sources_of, unit_text
from ragqa.answering.checking import keep_current, open_notes
from ragqa.answering.choosing import Lost, choose, why_not
from ragqa.answering.citing import cite, mark_short_answer
from ragqa.answering.composing import Excerpt, excerpts_of
from ragqa.answering.confidence import judge
from ragqa.answering.disagreement import disagreements
from ragqa.answering.layout import OpenNote, layout_of_passage, section_of
from ragqa.answering.missing import missing
from ragqa.answering.models import Models, shipped
from ragqa.answering.quoting import citation_of, quotation
from ragqa.answering.reading import read
from ragqa.answering.scoring import Scored, read_together, score
from ragqa.answering.short_answer import counterpart
from ragqa.config import SETTINGS
from ragqa.embedders import Embedder
from ragqa.readers import Neutral, Reader
from ragqa.text.markdown import plain_text
from ragqa.types import Citation, Disagreement, Reason, Retrieved

__all__ = [
    "PASSAGES",
    "Answering",
    "Assessment",
    "Calibration",
    "Composed",
    "Excerpt",
    "InUse",
    "Lost",
    "Models",
    "OpenNote",
    "Scored",
    "assess",
    "choose",
    "citable_units",
    "citation_of",
    "cite",
    "compose",
    "counterpart",
    "in_use",
    "keep_current",
    "open_notes",
    "plain_text",
    "quotation",
    "section_of",
    "shipped",
    "sources_of",
    "unit_text",
    "why_not",
]


@dataclass(frozen=True, slots=True)
class Answering:
    """How to compose answers.

    `excerpts` is the most excerpts, `words` the most words of one before it is extended to a whole
    list or table. `open_note` gives the layout of a passage's note; by default an excerpt ends
    where its passage does. `models` estimate confidence, None for the shipped ones; `reader` reads
    question and passages together. Notes with an ISO date before `old_before` are marked as old.
    """

    excerpts: int = int(SETTINGS["excerpts"].default)
    words: int = int(SETTINGS["excerpt_words"].default)
    open_note: OpenNote = layout_of_passage
    models: Models | None = None
    reader: Reader = field(default_factory=Neutral)
    old_before: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text and citations, empty where the notes do not seem to answer.

    `confidence` is the probability that they do, `reasons` what it is based on. `missing` has words
    of the question that the answer does not cover. `disagreements` has the sentences that
    contradict the cited ones.
    """

    answered: bool
    confidence: float
    text: str = ""
    citations: Sequence[Citation] = ()
    missing: tuple[str, ...] = ()
    reasons: Sequence[Reason] = ()
    disagreements: Sequence[Disagreement] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """The scored candidate sentences, and the answer they give.

    `excerpts` are to be shown, in reading order, if `answered`; `missing` is what they do not
    cover.
    """

    candidates: Sequence[Scored] = ()
    excerpts: Sequence[Excerpt] = ()
    confidence: float = 0.0
    answered: bool = False
    reasons: Sequence[Reason] = ()
    missing: tuple[str, ...] = ()


def compose(retrieved: Retrieved, embedder: Embedder, answering: Answering) -> Composed:
    """Answer from the retrieved passages with excerpts of their notes.

    The passages must have been checked against the notes (`keep_current`), since quotes are taken
    from them.
    """
    assessment = assess(retrieved, embedder, answering)
    composed = Composed(
        answered=assessment.answered,
        confidence=assessment.confidence,
        reasons=assessment.reasons,
        missing=assessment.missing,
    )
    if not assessment.answered:
        return composed
    text, citations = cite(assessment.excerpts, answering.old_before)
    if not assessment.missing:
        best = assessment.excerpts[0].best
        citations = mark_short_answer(citations, retrieved.question, best)
    return replace(
        composed,
        text=text,
        citations=citations,
        disagreements=disagreements(
            retrieved.question,
            [excerpt.best for excerpt in assessment.excerpts],
            assessment.candidates,
            old_before=answering.old_before,
        ),
    )


def assess(retrieved: Retrieved, embedder: Embedder, answering: Answering) -> Assessment:
    """Score the candidate sentences of the hits, and find the excerpts that answer."""
    reading = read(retrieved, embedder)
    candidates = candidates_of(reading.hits)
    if not candidates:
        return Assessment()
    together = read_together(answering.reader, retrieved.question, candidates)
    scored = score(reading, candidates, together)
    judgement = judge(reading, scored, answering.models or shipped())
    found = excerpts_of(
        reading,
        scored,
        excerpts=answering.excerpts,
        words=answering.words,
        open_note=answering.open_note,
    )
    shown = [replace(excerpt.best, candidate=excerpt.whole) for excerpt in found]
    return Assessment(
        candidates=scored,
        excerpts=found,
        confidence=judgement.probability,
        answered=judgement.answered,
        reasons=judgement.reasons,
        missing=missing(reading, shown, answered=judgement.answered),
    )
