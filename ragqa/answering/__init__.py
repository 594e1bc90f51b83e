"""Hits to a cited answer, made of the notes' own sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.answering.candidates import candidates_of, citable_units, unit_text
from ragqa.answering.checking import keep_current
from ragqa.answering.composing import choose, cite, in_reading_order
from ragqa.answering.confidence import confidence
from ragqa.answering.disagreement import disagreements
from ragqa.answering.plain import plain_text
from ragqa.answering.reading import read
from ragqa.answering.scoring import Scored, combine, measure
from ragqa.embedders import Embedder
from ragqa.types import Citation, Disagreement, Retrieved

__all__ = [
    "Composed",
    "Weighed",
    "choose",
    "citable_units",
    "compose",
    "keep_current",
    "plain_text",
    "unit_text",
    "weigh",
]

BACKEND = "extractive"


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text with its citations, empty where the notes do not seem to answer.

    `confidence` is the probability that they do. `disagreements` are where other sentences say
    something else than those cited.
    """

    answered: bool
    confidence: float
    text: str = ""
    citations: Sequence[Citation] = ()
    disagreements: Sequence[Disagreement] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidate sentences of an answer with their scores, and the confidence they give."""

    candidates: Sequence[Scored]
    confidence: float
    answered: bool


def compose(
    retrieved: Retrieved, embedder: Embedder, *, sentences: int, old_before: str = ""
) -> Composed:
    """Answer from the retrieved passages with one to `sentences` of their own sentences.

    The passages must have been checked against the notes (`keep_current`), since what is quoted
    is taken from them.

    :param old_before: notes with an ISO date before this one are marked as old.
    """
    weighed = weigh(retrieved, embedder)
    if weighed is None:
        return Composed(answered=False, confidence=0.0)
    if not weighed.answered:
        return Composed(answered=False, confidence=weighed.confidence)
    chosen = in_reading_order(choose(weighed.candidates, sentences=sentences))
    text, citations = cite(chosen, old_before)
    return Composed(
        answered=True,
        confidence=weighed.confidence,
        text=text,
        citations=citations,
        disagreements=disagreements(
            retrieved.question, chosen, weighed.candidates, old_before=old_before
        ),
    )


def weigh(retrieved: Retrieved, embedder: Embedder) -> Weighed | None:
    """Score the candidate sentences of what was retrieved; None where there are none."""
    reading = read(retrieved, embedder)
    candidates = candidates_of(reading.retrieved.hits)
    if not candidates:
        return None
    signals = measure(reading, candidates)
    probability, answered = confidence(reading.retrieved, signals)
    scored = combine(candidates, signals, by_terms_alone=retrieved.by_terms_alone)
    return Weighed(scored, probability, answered)
