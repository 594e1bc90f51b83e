"""What speaks against a claim being supported."""

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
    """Something that speaks against a claim; `strength` is from 0 to 1, `said` a short phrase."""

    about: About
    strength: float
    said: str


def strengths(doubts: Iterable[Doubt]) -> dict[About, float]:
    """The strongest doubt of each sort, 0 where there is none."""
    found = dict.fromkeys(About, 0.0)
    for doubt in doubts:
        found[doubt.about] = max(found[doubt.about], doubt.strength)
    return found
