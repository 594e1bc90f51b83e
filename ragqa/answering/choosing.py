"""Choose the best sentences without repetition, and say why others are not shown."""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import partial

import numpy as np

from ragqa.answering.candidates import Candidate
from ragqa.answering.composing import Excerpt
from ragqa.answering.scoring import Scored
from ragqa.text.words import index_terms

NOVELTY_WEIGHT = 0.5
"""The weight of a further sentence's better matches with parts of the question."""

_NEAR_DUPLICATE = 0.7
_FIGURE = re.compile(
    r"\d+(?:[.,:]\d+)*|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)(?=days?\b)"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?=(?:uary|ruary|ch|il|e|y|ust"
    r"|t|tember|ober|ember)?\b)"
)
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|nor|none|without|nobody)\b|n['\u2019]t\b")


class Lost(StrEnum):
    """Why a candidate is not in the answer."""

    WEAK = "weak"
    PASSED_OVER = "passed over"


def choose(candidates: Sequence[Scored], sentences: int) -> list[Scored]:
    """The best candidates that do not repeat each other, best first.

    A further one also gains by matching parts of the question better than those before it, since a
    comparison needs both sides (after Carbonell and Goldstein, "The Use of MMR", 1998, which
    penalises repetition instead).
    """
    left = sorted(candidates, key=lambda one: -one.score)
    chosen: list[Scored] = []
    while left and len(chosen) < sentences:
        best = max(left, key=partial(_marginal_score, chosen)) if chosen else left[0]
        chosen.append(best)
        left = [
            one for one in left if one is not best and not _repeats(one.candidate, best.candidate)
        ]
    return chosen


def why_not(one: Scored, excerpts: Sequence[Excerpt]) -> Lost | None:
    """Why a candidate is not shown; None where an excerpt has it.

    One that scores as high as the best excerpt is passed over where another paragraph defines the
    term asked for, or a newer note contradicts it.
    """
    if any(excerpt.overlaps(one.candidate) for excerpt in excerpts):
        return None
    best = max((excerpt.best.score for excerpt in excerpts), default=float("inf"))
    return Lost.PASSED_OVER if one.score >= best else Lost.WEAK


def _marginal_score(chosen: Sequence[Scored], one: Scored) -> float:
    """The score of a further sentence plus its new matches with the question."""
    gains = one.matches - np.max([other.matches for other in chosen], axis=0)
    return one.score + (NOVELTY_WEIGHT * float(np.maximum(gains, 0).mean()) if len(gains) else 0.0)


def _repeats(one: Candidate, other: Candidate) -> bool:
    """Whether two are near duplicates: most words, the same figures, dates and negation."""
    if one.overlaps(other):
        return True
    first, second = set(index_terms(one.text)), set(index_terms(other.text))
    smaller = min(len(first), len(second))
    if not smaller or len(first & second) / smaller <= _NEAR_DUPLICATE:
        return False
    text, other_text = one.text.lower(), other.text.lower()
    figures, other_figures = set(_FIGURE.findall(text)), set(_FIGURE.findall(other_text))
    # A figure that only one has may just add detail, as may a negation in a far longer one.
    if figures - other_figures and other_figures - figures:
        return False
    similar_length = max(len(first), len(second)) <= 2 * smaller
    return not (
        similar_length and bool(_NEGATION.search(text)) != bool(_NEGATION.search(other_text))
    )
