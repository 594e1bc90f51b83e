"""Where the words of a quote stand in a text, at best where they stood before."""

from collections.abc import Iterator
from heapq import nsmallest

Span = tuple[int, int]

# Scripts above are written without spaces, so that a word's end cannot be told by its neighbour.
_SPACED_BELOW = "\u0e00"

_MAX_PLACES = 5


def places(text: str, quote: str, near: int) -> list[Span]:
    """The places of a quote that are nearest to a character, the nearest first; few at most.

    White space counts as different only where there is no place with the very same. The quote must
    not end within a word: `limit: 5` does not stand in `limit: 50`.
    """
    words = quote.split()
    if max(words, key=len) not in text:
        return []  # told in a moment, and so it is with most notes
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
        if not _cuts_word(text, start, end):
            yield start, end
        start = text.find(quote, end)


def _unflatten(text: str, flat: str, span: Span) -> Span:
    """The characters of a text that a span of its words, parted by one space each, stands for."""
    start, end = span
    first = _after_words(text, flat.count(" ", 0, start))
    last = _after_words(text, flat.count(" ", 0, end))
    return (
        first + start - (flat.rfind(" ", 0, start) + 1),
        last + end - (flat.rfind(" ", 0, end) + 1),
    )


def _after_words(text: str, count: int) -> int:
    """Where the word begins that comes after so many words."""
    rest = text.split(maxsplit=count)
    return len(text) - len(rest[count]) if len(rest) > count else len(text)


def _cuts_word(text: str, start: int, end: int) -> bool:
    """Whether a span begins or ends within a word or a number, as `5` does in `50` or `5.5`."""
    return _is_within(text, start) or _is_within(text, end)


def _is_within(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isdigit() and after in ".,":
        return text[at + 1 : at + 2].isdigit()
    if before in ".," and after.isdigit():
        return text[at - 2 : at - 1].isdigit()
    return _is_spaced(before) and _is_spaced(after)


def _is_spaced(character: str) -> bool:
    return character.isalnum() and character < _SPACED_BELOW
