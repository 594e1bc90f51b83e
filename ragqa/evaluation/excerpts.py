"""Score an answer's citations against gold excerpts: what a person would copy from the notes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

GOOD_COVERAGE = 0.7
GOOD_NOISE = 0.5
"""A good answer has at least this coverage and at most this noise."""

# Floating-point error can put a mean over parts just below the threshold.
_ROUNDING = 1e-9

_Characters = frozenset[tuple[str, int]]


class Cited(Protocol):
    """The fields of a citation that scoring needs."""

    @property
    def path(self) -> str:
        """The note's path."""
        ...

    @property
    def chars(self) -> tuple[int, int]:
        """Its span in the note, in characters, end exclusive."""
        ...

    @property
    def quote(self) -> str:
        """The note's text at `chars`."""
        ...


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A span of a note: `quote` begins at the character `start`."""

    path: str
    start: int
    quote: str

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.quote)


@dataclass(frozen=True, slots=True)
class Score:
    """How citations compare with gold excerpts.

    `coverage` is the mean share of each part that is cited; `noise` the share of the cited text
    outside the gold, None if nothing is cited. `chosen` is the gold that both were measured
    against: one alternative for each part that has any.
    """

    coverage: float
    noise: float | None
    good: bool
    chosen: tuple[Excerpt, ...] = ()


def score_citations(citations: Iterable[Cited], gold: Sequence[Sequence[Excerpt]]) -> Score:
    """Measure how much of the gold is cited, and how much else.

    White space is ignored, and text cited twice counts once.

    :param gold: for each part of the question, its alternative excerpts; nothing covers a part
        without any. Of all combinations of alternatives the best is chosen: first by whether the
        answer is good, then by coverage, then by least noise.
    """
    cited = _union(_characters(c.path, c.chars[0], c.quote) for c in citations)
    choices = [
        [(one, _characters(one.path, one.start, one.quote)) for one in part]
        for part in gold
        if part
    ]
    scores = (
        _score(
            cited,
            [wanted for _, wanted in choice],
            parts=len(gold),
            chosen=tuple(excerpt for excerpt, _ in choice),
        )
        for choice in product(*choices)
    )
    return max(scores, key=lambda one: (one.good, one.coverage, -(one.noise or 0.0)))


def count_visible(text: str) -> int:
    """Count the characters of a text that are not white space."""
    return sum(not character.isspace() for character in text)


def _score(
    cited: _Characters, wanted: Sequence[_Characters], *, parts: int, chosen: tuple[Excerpt, ...]
) -> Score:
    shares = [len(part & cited) / len(part) for part in wanted if part]
    coverage = sum(shares) / parts if parts else 0.0
    noise = len(cited - _union(wanted)) / len(cited) if cited else None
    good = noise is not None and coverage + _ROUNDING >= GOOD_COVERAGE and noise <= GOOD_NOISE
    return Score(coverage, noise, good, chosen)


def _characters(path: str, start: int, text: str) -> _Characters:
    """The (path, offset) of each of the text's characters, without white space."""
    return frozenset(
        (path, at) for at, character in enumerate(text, start) if not character.isspace()
    )


def _union(sets: Iterable[_Characters]) -> _Characters:
    return frozenset[tuple[str, int]]().union(*sets)
