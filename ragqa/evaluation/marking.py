"""Mark the wanted and the cited text in the notes, for people to look at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from ragqa.evaluation.excerpts import Cited, Excerpt
from ragqa.types import Span

AROUND = 160
"""Characters of context shown before and after marked text, roughly."""


class Mark(StrEnum):
    """Whether text is wanted, cited, both or neither."""

    NONE = ""
    WANTED = "wanted"
    CITED = "cited"
    BOTH = "both"


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
    wanted: Sequence[Excerpt], cited: Sequence[Cited], read: Callable[[str], str | None]
) -> tuple[Marked, ...]:
    """Mark wanted and cited text in context; notes with wanted text come first.

    :param read: returns the text of a note by its path, or None if it is gone; such notes are
        skipped.
    """
    paths = dict.fromkeys([*(one.path for one in wanted), *(one.path for one in cited)])
    return tuple(
        marked
        for path in paths
        if (text := read(path)) is not None
        for marked in _marked_in(
            path,
            text,
            [(one.start, one.end) for one in wanted if one.path == path],
            [one.chars for one in cited if one.path == path],
        )
    )


def _marked_in(
    path: str, text: str, wanted: Sequence[Span], cited: Sequence[Span]
) -> Iterator[Marked]:
    for start, end in _windows(text, [*wanted, *cited]):
        inside = {at for span in (*wanted, *cited) for at in span if start < at < end}
        pieces: list[Piece] = []
        for begin, stop in pairwise(sorted({start, end, *inside})):
            within = _within(begin, wanted), _within(begin, cited)
            pieces.append(Piece(_MARKS[within], text[begin:stop]))
        first = text.count("\n", 0, start) + 1
        last = text.count("\n", 0, max(start, end - 1)) + 1
        yield Marked(path, (first, last), tuple(_joined(pieces)))


_MARKS = {
    (False, False): Mark.NONE,
    (True, False): Mark.WANTED,
    (False, True): Mark.CITED,
    (True, True): Mark.BOTH,
}


def _within(at: int, spans: Iterable[Span]) -> bool:
    return any(start <= at < end for start, end in spans)


def _windows(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans with their context; touching windows are merged."""
    windows: list[Span] = []
    for start, end in sorted(spans):
        start, end = max(0, min(start, len(text))), max(0, min(end, len(text)))
        begin, stop = _line_start(text, start), _line_end(text, end)
        if windows and begin <= windows[-1][1]:
            windows[-1] = (windows[-1][0], max(stop, windows[-1][1]))
        else:
            windows.append((begin, stop))
    return windows


def _line_start(text: str, at: int) -> int:
    """Where the window begins: at a line within reach before `at`, else at a word."""
    lowest = max(0, at - AROUND)
    if lowest == 0:
        return 0
    line = text.find("\n", lowest - 1, at)
    word = text.find(" ", lowest - 1, at)
    return line + 1 if line >= 0 else word + 1 if word >= 0 else lowest


def _line_end(text: str, at: int) -> int:
    """Where the window ends: at a line end within reach after `at`, else at a word end."""
    highest = at + AROUND
    if highest >= len(text):
        return len(text)
    line = text.rfind("\n", at, highest + 1)
    word = text.rfind(" ", at, highest + 1)
    return line if line >= 0 else word if word >= 0 else highest


def _joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Join neighbours with the same mark; white space takes the mark of both its neighbours."""
    remarked = list(pieces)
    for n, piece in enumerate(remarked[1:-1], start=1):
        before, after = remarked[n - 1].mark, remarked[n + 1].mark
        if piece.text.isspace() and before == after:
            remarked[n] = Piece(before, piece.text)
    last: Piece | None = None
    for piece in remarked:
        if last is not None and last.mark == piece.mark:
            last = Piece(last.mark, last.text + piece.text)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last
