"""Hits to a cited answer, made of the notes' own sentences."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ragqa.answering.candidates import PASSAGES, candidates_of, citable_units, sources_of, unit_text
from ragqa.answering.checking import keep_current
from ragqa.answering.composing import (
    Lost,
    choose,
    citation_of,
    cite,
    in_reading_order,
    mark_short_answer,
    quotation,
    why_not,
    widen,
    without_stray_properties,
    worth_saying_to,
)
from ragqa.answering.confidence import judge
from ragqa.answering.disagreement import disagreements, prefer_newest
from ragqa.answering.missing import missing
from ragqa.answering.models import Models, shipped
from ragqa.answering.own import Calibration, InUse, in_use
from ragqa.answering.plain import plain_text
from ragqa.answering.reading import read
from ragqa.answering.scoring import Scored, score
from ragqa.answering.spans import counterpart
from ragqa.embedders import Embedder
from ragqa.types import Citation, Disagreement, Reason, Retrieved

__all__ = [
    "PASSAGES",
    "Calibration",
    "Composed",
    "InUse",
    "Lost",
    "Models",
    "Scored",
    "Weighed",
    "choose",
    "citable_units",
    "citation_of",
    "compose",
    "counterpart",
    "in_reading_order",
    "in_use",
    "keep_current",
    "plain_text",
    "quotation",
    "shipped",
    "sources_of",
    "unit_text",
    "weigh",
    "why_not",
    "worth_saying_to",
]


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text with its citations, empty where the notes do not seem to answer.

    `confidence` is the probability that they do, `reasons` what it was told by; `missing` is what
    the question asks about that the answer does not speak of. `disagreements` are where other
    sentences say something else than those cited.
    """

    answered: bool
    confidence: float
    text: str = ""
    citations: Sequence[Citation] = ()
    missing: tuple[str, ...] = ()
    reasons: Sequence[Reason] = ()
    disagreements: Sequence[Disagreement] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidate sentences of an answer with their scores, and what they come to.

    `said` are the ones to say, best first, if it is `answered`, with what makes them whole.
    `missing` is what they do not speak of.
    """

    candidates: Sequence[Scored] = ()
    said: Sequence[Scored] = ()
    confidence: float = 0.0
    answered: bool = False
    reasons: Sequence[Reason] = ()
    missing: tuple[str, ...] = ()


def compose(
    retrieved: Retrieved,
    embedder: Embedder,
    *,
    sentences: int,
    models: Models | None = None,
    old_before: str = "",
) -> Composed:
    """Answer from the retrieved passages with one to `sentences` of their own sentences.

    The passages must have been checked against the notes (`keep_current`), since what is quoted
    is taken from them.

    :param old_before: notes with an ISO date before this one are marked as old.
    """
    weighed = weigh(retrieved, embedder, sentences=sentences, models=models)
    composed = Composed(
        answered=weighed.answered,
        confidence=weighed.confidence,
        reasons=weighed.reasons,
        missing=weighed.missing,
    )
    if not weighed.answered:
        return composed
    said = in_reading_order(weighed.said)
    text, citations = cite(said, old_before)
    if not weighed.missing:
        best = max(weighed.candidates, key=lambda one: one.score)
        (best,) = prefer_newest(retrieved.question, [best], weighed.candidates)
        citations = mark_short_answer(citations, retrieved.question, best)
    return replace(
        composed,
        text=text,
        citations=citations,
        disagreements=disagreements(
            retrieved.question, said, weighed.candidates, old_before=old_before
        ),
    )


def weigh(
    retrieved: Retrieved, embedder: Embedder, *, sentences: int, models: Models | None = None
) -> Weighed:
    """Score the candidate sentences of what was retrieved, and choose at most `sentences` of them.

    :param models: those of confidence; the shipped ones where it is None.
    """
    reading = read(retrieved, embedder)
    scored = score(reading, candidates_of(reading.hits))
    if not scored:
        return Weighed()
    judged = judge(reading, scored, models or shipped())
    worth_saying = worth_saying_to(retrieved.question)
    worthy = without_stray_properties(scored, retrieved.question)
    chosen = choose(worthy, sentences=sentences, worth_saying=worth_saying)
    said = prefer_newest(retrieved.question, widen(chosen, retrieved.question), scored)
    return Weighed(
        candidates=scored,
        said=said,
        confidence=judged.probability,
        answered=judged.answered,
        reasons=judged.reasons,
        missing=missing(reading, said, answered=judged.answered),
    )
