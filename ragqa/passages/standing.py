"""Whether a note says what a passage says it does."""

from ragqa.types import Passage


def stands_in(text: str, passage: Passage) -> bool:
    """Whether a passage is that stretch of its note which it is said to be."""
    start, end = passage.start, passage.end
    if not (0 <= start < end and text[start:end] == passage.text):
        return False
    first = text.count("\n", 0, start) + 1
    lines = first, first + passage.text.count("\n", 0, end - start - 1)
    return passage.lines == lines and all(
        start <= unit.start < unit.end <= end for unit in passage.units
    )
