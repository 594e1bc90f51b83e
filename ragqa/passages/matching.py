"""Compare passages with their note."""

from collections.abc import Iterable

from ragqa.types import Passage


def matches_note(text: str, passage: Passage) -> bool:
    """Whether a passage's text, lines and units match its note's text."""
    return all_match_note(text, [passage])


def all_match_note(text: str, passages: Iterable[Passage]) -> bool:
    """Whether all passages match the note's text."""
    line, at = 1, 0
    for passage in sorted(passages, key=lambda one: one.start):
        # Lines are counted only once: a note may have thousands of passages.
        line, at = line + text.count("\n", at, max(at, passage.start)), passage.start
        if not _matches_at_line(text, passage, line):
            return False
    return True


def _matches_at_line(text: str, passage: Passage, first: int) -> bool:
    start, end = passage.start, passage.end
    if not (0 <= start < end and text[start:end] == passage.text):
        return False
    lines = first, first + passage.text.count("\n", 0, end - start - 1)
    return passage.lines == lines and all(
        start <= unit.start < unit.end <= end for unit in passage.units
    )
