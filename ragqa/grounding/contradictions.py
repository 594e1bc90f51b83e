"""Doubts: evidence against a claim."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What a doubt is about."""

    FIGURE = "figure"
    DATE = "date"
    NAME = "name"
    NEGATION = "negation"
    OPPOSITE = "opposite"
    ORDER = "order"
    QUANTITY = "quantity"
    QUOTE = "quote"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Evidence against a claim: `strength` is from 0 to 1, `phrase` describes it."""

    about: About
    strength: float
    phrase: str


def strengths(doubts: Iterable[Doubt]) -> dict[About, float]:
    """The strongest doubt of each kind, 0 where there is none."""
    found = dict.fromkeys(About, 0.0)
    for doubt in doubts:
        found[doubt.about] = max(found[doubt.about], doubt.strength)
    return found
