"""Compare passages with their note."""

from collections.abc import Iterable
from html import unescape
from math import inf

from ragqa.text.words import compiled
from ragqa.types import Passage, Unit

_WORD = r"[^\W_]+"
_TAG = r"<[^<>]*>"


def matches_note(text: str, passage: Passage) -> bool:
    """Whether a passage's text, lines and units match its note's text."""
    return all_match_note(text, [passage])


def all_match_note(text: str, passages: Iterable[Passage]) -> bool:
    """Whether all passages match the note's text: their text, lines, units and contexts.

    Each word of a unit's context and labels must stand above it, perhaps with markup in it.
    """
    ends = dict[str, float]()

    def stands_above(word: str, start: int) -> bool:
        if word not in ends:
            at = text.find(word)
            ends[word] = at + len(word) if at >= 0 else inf
        if ends[word] > start and word in _letters(unescape(compiled(_TAG).sub("", text[:start]))):
            ends[word] = start
        return ends[word] <= start

    def is_own(unit: Unit) -> bool:
        words: list[str] = compiled(_WORD).findall(unit.full_context)
        return all(stands_above(word, unit.start) for word in words)

    line, at = 1, 0
    for passage in sorted(passages, key=lambda one: one.start):
        # Lines are counted only once: a note may have thousands of passages.
        line, at = line + text.count("\n", at, max(at, passage.start)), passage.start
        if not passage.stands_in(text, line) or not all(map(is_own, passage.units)):
            return False
    return True


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
