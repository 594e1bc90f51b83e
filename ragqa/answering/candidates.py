"""The sentences of the best passages, as candidates for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.answering.plain import plain_text
from ragqa.types import Hit, Kind, Unit

PASSAGES = 5
"""Sentences are taken from so many of the best passages."""

MAX_CANDIDATES = 40
_MAX_CODE_LINES = 15
_MIN_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """One citable unit of a hit: `quote` is exact, `text` is what a reader sees of it."""

    hit: Hit
    rank: int
    unit: Unit
    quote: str
    text: str

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands: for reading order."""
        return self.hit.passage.path, self.unit.start


def candidates_of(hits: Sequence[Hit]) -> list[Candidate]:
    """The candidates of the first hits, in order of rank, then of reading."""
    found = []
    for rank, hit in enumerate(hits[:PASSAGES]):
        passage = hit.passage
        for unit in passage.units:
            quote = passage.quote(unit)
            if is_citable(unit, quote):
                text = plain_text(quote, kind=unit.kind, context=unit.context)
                if sum(c.isalnum() for c in text) >= _MIN_LETTERS:
                    found.append(Candidate(hit, rank, unit, quote, text))
    return found[:MAX_CANDIDATES]


def is_citable(unit: Unit, quote: str) -> bool:
    """Whether it says something by itself: a heading, or a line that announces a list, does not."""
    if unit.kind in (Kind.HEADING, Kind.RULE, Kind.TABLE_HEAD) or quote.endswith((":", "\uff1a")):
        return False
    return unit.kind is not Kind.CODE or quote.count("\n") < _MAX_CODE_LINES
