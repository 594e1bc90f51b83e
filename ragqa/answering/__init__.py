"""Hits to a cited answer, made of the notes' own sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.answering.candidates import candidates_of, citable_units, unit_text
from ragqa.answering.checking import keep_current
from ragqa.answering.composing import choose, cite, in_reading_order, mark_short_answer
from ragqa.answering.confidence import confidence
from ragqa.answering.missing import missing
from ragqa.answering.plain import plain_text
from ragqa.answering.reading import read
from ragqa.answering.scoring import Scored, score
from ragqa.embedders import Embedder
from ragqa.types import Citation, Retrieved

__all__ = [
    "Composed",
    "Weighed",
    "choose",
    "citable_units",
    "compose",
    "keep_current",
    "plain_text",
    "score_sentences",
    "unit_text",
    "weigh",
]

BACKEND = "extractive"


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer's text with its citations, empty where the notes do not seem to answer.

    `confidence` is the probability that they do; `missing` is what the question asks about that
    the answer does not speak of.
    """

    answered: bool
    confidence: float
    text: str = ""
    citations: Sequence[Citation] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """The candidate sentences of an answer with their scores, and what they come to.

    `chosen` are the ones to say, best first. `missing` is what they do not speak of.
    """

    candidates: Sequence[Scored]
    chosen: Sequence[Scored]
    confidence: float
    answered: bool
    missing: tuple[str, ...]


def compose(retrieved: Retrieved, embedder: Embedder, *, sentences: int) -> Composed:
    """Answer from the retrieved passages with one to `sentences` of their own sentences.

    The passages must have been checked against the notes (`keep_current`), since what is quoted
    is taken from them.
    """
    weighed = weigh(retrieved, embedder, sentences=sentences)
    if weighed is None:
        return Composed(answered=False, confidence=0.0)
    if not weighed.answered:
        return Composed(answered=False, confidence=weighed.confidence, missing=weighed.missing)
    text, citations = cite(in_reading_order(weighed.chosen))
    return Composed(
        answered=True,
        confidence=weighed.confidence,
        text=text,
        citations=mark_short_answer(citations, retrieved.question, weighed.chosen[0]),
        missing=weighed.missing,
    )


def weigh(retrieved: Retrieved, embedder: Embedder, *, sentences: int) -> Weighed | None:
    """Score the candidate sentences of what was retrieved, and choose at most so many.

    None where there are none.
    """
    reading = read(retrieved, embedder)
    scored = score(reading, candidates_of(reading.retrieved.hits))
    if not scored:
        return None
    probability, answered = confidence(retrieved, scored)
    chosen = choose(scored, sentences=sentences)
    return Weighed(scored, chosen, probability, answered, missing(reading, chosen))


def score_sentences(retrieved: Retrieved, embedder: Embedder) -> list[Scored]:
    """Read the best passages closely, and score what may answer in them, in reading order."""
    reading = read(retrieved, embedder)
    return score(reading, candidates_of(reading.retrieved.hits))
