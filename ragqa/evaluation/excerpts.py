"""Score an answer's citations against gold excerpts, and mark both in the notes.

A gold excerpt is what a person would copy from the notes as the answer.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise, product

from ragqa.types import Citation, Span

GOOD_COVERAGE = 0.7
GOOD_NOISE = 0.5
"""A good answer has at least this coverage and at most this noise."""

AROUND = 160
"""Characters of context shown before and after marked text, roughly."""

# Floating-point error can put a mean over parts just below the threshold.
_ROUNDING = 1e-9

_Characters = frozenset[tuple[str, int]]


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


def score_citations(citations: Iterable[Citation], gold: Sequence[Sequence[Excerpt]]) -> Score:
    """Measure how much of the gold is cited, and how much else.

    White space is ignored, and text cited twice counts once.

    :param gold: for each part of the question, its alternative excerpts; nothing covers a part
        without any. Of all combinations of alternatives the best is chosen: first by whether the
        answer is good, then by coverage, then by least noise.
    """
    cited = _characters((c.path, c.chars[0], c.quote) for c in citations)
    choices = product(*filter(None, gold))
    scores = (_score(cited, choice, parts=len(gold)) for choice in choices)
    return max(scores, key=lambda one: (one.good, one.coverage, -(one.noise or 0.0)))


def count_visible(text: str) -> int:
    """Count the characters of a text that are not white space."""
    return sum(not character.isspace() for character in text)


def _score(cited: _Characters, chosen: tuple[Excerpt, ...], *, parts: int) -> Score:
    wanted = [_characters([(one.path, one.start, one.quote)]) for one in chosen]
    shares = [len(part & cited) / len(part) for part in wanted if part]
    coverage = sum(shares) / parts if parts else 0.0
    noise = len(cited.difference(*wanted)) / len(cited) if cited else None
    good = noise is not None and coverage + _ROUNDING >= GOOD_COVERAGE and noise <= GOOD_NOISE
    return Score(coverage, noise, good, chosen)


def _characters(texts: Iterable[tuple[str, int, str]]) -> _Characters:
    """The (path, offset) of each character of texts, given as path, offset and text; no spaces."""
    return frozenset(
        (path, at)
        for path, start, text in texts
        for at, character in enumerate(text, start)
        if not character.isspace()
    )


class Mark(StrEnum):
    """Whether text is wanted, cited, both or neither."""

    NONE = ""
    WANTED = "wanted"
    CITED = "cited"
    BOTH = "both"


_MARKS = ((Mark.NONE, Mark.CITED), (Mark.WANTED, Mark.BOTH))
"""By whether text is wanted, then by whether it is cited."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text with one mark."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A contiguous excerpt of a note, in pieces; `lines` are its first and last line."""

    path: str
    lines: tuple[int, int]
    pieces: tuple[Piece, ...]


def mark(
    wanted: Sequence[Excerpt], cited: Sequence[Citation], read: Callable[[str], str | None]
) -> tuple[Marked, ...]:
    """Mark wanted and cited text in context; notes with wanted text come first.

    :param read: returns the text of a note by its path, or None if it is gone; such notes are
        skipped.
    """
    found: list[Marked] = []
    for path in dict.fromkeys([*(one.path for one in wanted), *(one.path for one in cited)]):
        text = read(path)
        if text is not None:
            wanted_here = [(one.start, one.end) for one in wanted if one.path == path]
            cited_here = [one.chars for one in cited if one.path == path]
            found += _marked_in(path, text, wanted_here, cited_here)
    return tuple(found)


def _marked_in(
    path: str, text: str, wanted: Sequence[Span], cited: Sequence[Span]
) -> Iterator[Marked]:
    for start, end in _windows(text, [*wanted, *cited]):
        inside = {at for span in (*wanted, *cited) for at in span if start < at < end}
        pieces = [
            Piece(_MARKS[_within(begin, wanted)][_within(begin, cited)], text[begin:stop])
            for begin, stop in pairwise(sorted({start, end, *inside}))
        ]
        yield Marked(path, lines_of(text, start, end), tuple(_joined(pieces)))


def lines_of(text: str, start: int, end: int) -> tuple[int, int]:
    """The first and the last line of a span of a text, from 1."""
    return text.count("\n", 0, start) + 1, text.count("\n", 0, max(start, end - 1)) + 1


def _within(at: int, spans: Iterable[Span]) -> bool:
    return any(start <= at < end for start, end in spans)


def _windows(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans with their context; touching windows are merged."""
    windows: list[Span] = []
    for span in sorted(spans):
        start, end = (max(0, min(at, len(text))) for at in span)
        begin = start - _reach(text[max(0, start - AROUND - 1) : start][::-1])
        stop = end + _reach(text[end : end + AROUND + 1])
        if windows and begin <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(stop, windows[-1][1]))
        else:
            windows.append((begin, stop))
    return windows


def _reach(text: str) -> int:
    """How much to show of the text beside marked text: up to the edge of a line, else a word."""
    edges = (text.rfind("\n"), text.rfind(" "), AROUND) if len(text) > AROUND else (len(text),)
    return next(edge for edge in edges if edge >= 0)


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Join neighbours with the same mark; white space takes the mark of both its neighbours."""
    remarked = list(pieces)
    for n, piece in enumerate(remarked[1:-1], start=1):
        before, after = remarked[n - 1].mark, remarked[n + 1].mark
        if piece.text.isspace() and before == after:
            remarked[n] = Piece(before, piece.text)
    for shared, run in groupby(remarked, lambda piece: piece.mark):
        yield Piece(shared, "".join(piece.text for piece in run))
