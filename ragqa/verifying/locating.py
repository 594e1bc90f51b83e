"""Locate the words of a quote in a text, nearest to their old position."""

import re
from collections.abc import Iterator
from heapq import nsmallest

from ragqa.types import Span

# Scripts from here on are written without spaces, so a neighbour does not mark a word's end.
_SPACED_BELOW = "\u0e00"

_MAX_PLACES = 5


def places(text: str, quote: str, near: int) -> list[Span]:
    """The few occurrences of a quote nearest to an offset, the nearest first.

    White space may differ only if there is no exact occurrence. The quote must not end inside a
    word: `limit: 5` does not occur in `limit: 50`.
    """
    words = quote.split()
    if max(words, key=len) not in text:
        return []  # rules out most notes quickly
    exact = _nearest(text, quote, near)
    if exact:
        return exact
    flat = " ".join(text.split())
    found = _nearest(flat, " ".join(words), len(" ".join(text[: max(near, 0)].split())))
    return [_unflatten(text, flat, span) for span in found]


def _nearest(text: str, quote: str, near: int) -> list[Span]:
    return nsmallest(_MAX_PLACES, _occurrences(text, quote), key=lambda span: abs(span[0] - near))


def _occurrences(text: str, quote: str) -> Iterator[Span]:
    start = text.find(quote)
    while start >= 0:
        end = start + len(quote)
        if not (_is_within_word(text, start) or _is_within_word(text, end)):
            yield start, end
        start = text.find(quote, end)


def _unflatten(text: str, flat: str, span: Span) -> Span:
    """Map a span of the text with single spaces back to the original text."""
    starts = [word.start() for word in re.finditer(r"\S+", text)]

    def original(at: int) -> int:
        return starts[flat.count(" ", 0, at)] + at - (flat.rfind(" ", 0, at) + 1)

    return original(span[0]), original(span[1])


def _is_within_word(text: str, at: int) -> bool:
    """Whether an offset is inside a word or number, like that of `5` in `50` or `5.5`."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isdigit() and after in ".,":
        return text[at + 1 : at + 2].isdigit()
    if before in ".," and after.isdigit():
        return text[at - 2 : at - 1].isdigit()
    return all(each.isalnum() and each < _SPACED_BELOW for each in (before, after))
