"""Whether a note says what a passage says it does."""

from collections.abc import Iterable

from ragqa.types import Passage


def stands_in(text: str, passage: Passage) -> bool:
    """Whether a passage is that stretch of its note which it is said to be."""
    return all_stand_in(text, [passage])


def all_stand_in(text: str, passages: Iterable[Passage]) -> bool:
    """Whether passages are those stretches of their note which they are said to be."""
    first, at = 1, 0
    for passage in sorted(passages, key=lambda one: one.start):
        # Lines are counted once, on the way: a note may have thousands of passages.
        first, at = first + text.count("\n", at, max(at, passage.start)), passage.start
        if not _stands_at_line(text, passage, first):
            return False
    return True


def _stands_at_line(text: str, passage: Passage, first: int) -> bool:
    start, end = passage.start, passage.end
    if not (0 <= start < end and text[start:end] == passage.text):
        return False
    lines = first, first + passage.text.count("\n", 0, end - start - 1)
    return passage.lines == lines and all(
        start <= unit.start < unit.end <= end for unit in passage.units
    )
