"""Hits to a cited answer, made of the notes' own sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.answering.candidates import candidates_of, citable_units, unit_text
from ragqa.answering.checking import keep_current
from ragqa.answering.composing import choose, cite, in_reading_order
from ragqa.answering.confidence import confidence
from ragqa.answering.plain import plain_text
from ragqa.answering.scoring import combine, measure, shortlist
from ragqa.embedders import Embedder
from ragqa.types import Citation, Retrieved

__all__ = ["Composed", "citable_units", "compose", "keep_current", "plain_text", "unit_text"]

BACKEND = "extractive"


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text with its citations, empty where the notes do not seem to answer.

    `confidence` is the probability that they do.
    """

    answered: bool
    confidence: float
    text: str = ""
    citations: Sequence[Citation] = ()


def compose(retrieved: Retrieved, embedder: Embedder, *, sentences: int) -> Composed:
    """Answer from the retrieved passages with one to `sentences` of their own sentences.

    The passages must have been checked against the notes (`keep_current`), since what is quoted
    is taken from them.
    """
    candidates = shortlist(retrieved, candidates_of(retrieved.hits))
    if not candidates:
        return Composed(answered=False, confidence=0.0)
    signals = measure(retrieved, candidates, embedder)
    probability, answered = confidence(retrieved, signals)
    if not answered:
        return Composed(answered=False, confidence=probability)
    scores = combine(signals, by_terms_alone=retrieved.by_terms_alone)
    chosen = in_reading_order(choose(candidates, scores, sentences=sentences))
    text, citations = cite(chosen)
    return Composed(answered=True, confidence=probability, text=text, citations=citations)
