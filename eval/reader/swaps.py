"""Swapping a name or a number for another of the same kind, so that what is said is not so."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_NAME = re.compile(r"\b[A-Z][\w'\u2019-]*(?: [A-Z][\w'\u2019-]*)*")
_NO_NAMES = {"I", "I'm", "I\u2019m", "Yes", "No", "The", "A", "An"}
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A name or number in a text, of a kind."""

    start: int
    end: int
    kind: str


def places(text: str) -> Iterator[Place]:
    """The numbers of a text, and its names except at the start of a sentence."""
    for found in _NUMBER.finditer(text):
        yield Place(*found.span(), "year" if _YEAR.fullmatch(found[0]) else "number")
    for found in _NAME.finditer(text):
        before = text[: found.start()].rstrip()
        if before and before[-1] not in ".?!:\"“'" and found[0] not in _NO_NAMES:
            yield Place(*found.span(), f"name of {min(found[0].count(' ') + 1, 3)}")


class Swaps:
    """The names and numbers of some texts, to swap for one another."""

    def __init__(self, texts: Iterable[str]) -> None:
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for text in texts:
            for place in places(text):
                found[place.kind][text[place.start : place.end]] = None
        self._others = {kind: list(others) for kind, others in found.items()}

    def swapped(self, text: str, passage: str, rng: random.Random) -> str | None:
        """Put in a name or number that neither the text nor its passage has; None if there is none.

        What is swapped is in the passage, where there is such.
        """
        found = list(places(text))
        if not found:
            return None
        has = f"{text}\n{passage}".casefold()
        held = passage.casefold()
        in_passage = [it for it in found if text[it.start : it.end].casefold() in held]
        place = rng.choice(in_passage or found)
        others = self._others.get(place.kind, [])
        for _ in range(_TRIES if others else 0):
            other = rng.choice(others)
            if other.casefold() not in has:
                return text[: place.start] + other + text[place.end :]
        return None
