"""An answer's citations held against the excerpts of the notes that a person would copy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

GOOD_COVERAGE = 0.7
GOOD_NOISE = 0.5
"""An answer is good that covers at least so much of the gold, with at most so much noise."""

# A mean over parts can come out a hair below the share that it is.
_ROUNDING = 1e-9

_Characters = frozenset[tuple[str, int]]


class Cited(Protocol):
    """What is needed of a citation; `quote` are the note's characters at `chars`."""

    @property
    def path(self) -> str:
        """The note's."""
        ...

    @property
    def chars(self) -> tuple[int, int]:
        """First character of the note, and the one after the last."""
        ...

    @property
    def quote(self) -> str:
        """The characters."""
        ...


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a note: `quote` stands there from the character `start` on."""

    path: str
    start: int
    quote: str

    @property
    def end(self) -> int:
        """The character after its last."""
        return self.start + len(self.quote)


@dataclass(frozen=True, slots=True)
class Score:
    """How citations compare with gold.

    `coverage` is the mean over the parts of the share of each that is cited; `noise` the share of
    what is cited that lies outside of the gold, None where nothing is. `chosen` is the gold that
    both are about: an alternative of each part that has any.
    """

    coverage: float
    noise: float | None
    good: bool
    chosen: tuple[Excerpt, ...] = ()


def score_citations(citations: Iterable[Cited], gold: Sequence[Sequence[Excerpt]]) -> Score:
    """Measure how much of the gold is cited, and how much else.

    White space counts on neither side, and what is cited twice counts once.

    :param gold: for each part of the question the excerpts of which any one answers it. A part
        without any is one that nothing covers. Those that make the answer good are chosen, of
        these the ones that it covers best, of these the ones with the least noise.
    """
    cited = _united(_characters(c.path, c.chars[0], c.quote) for c in citations)
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


def inked(text: str) -> int:
    """How many characters of a text are no white space."""
    return sum(not character.isspace() for character in text)


def _score(
    cited: _Characters, wanted: Sequence[_Characters], *, parts: int, chosen: tuple[Excerpt, ...]
) -> Score:
    shares = [len(part & cited) / len(part) for part in wanted if part]
    coverage = sum(shares) / parts if parts else 0.0
    noise = len(cited - _united(wanted)) / len(cited) if cited else None
    good = noise is not None and coverage + _ROUNDING >= GOOD_COVERAGE and noise <= GOOD_NOISE
    return Score(coverage, noise, good, chosen)


def _characters(path: str, start: int, text: str) -> _Characters:
    """The places of the text's characters in its note, but for white space."""
    return frozenset(
        (path, at) for at, character in enumerate(text, start) if not character.isspace()
    )


def _united(sets: Iterable[_Characters]) -> _Characters:
    return frozenset[tuple[str, int]]().union(*sets)
