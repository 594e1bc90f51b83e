"""Claims that are code: they are compared by their exact words, since a synonym does not run."""

import re

from ragqa.grounding.statements import Statement, read_statement

_FENCED = re.compile(r"\s*(?:```|~~~)")
_INLINE = re.compile(r"\s*`[^`\n]+`[\s.:;,]*")
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_MIN_CHARS = 2


def is_code(text: str) -> bool:
    """Whether a text is a block of code, or a single inline code span."""
    return bool(_FENCED.match(text) or _INLINE.fullmatch(text))


def read_code(text: str) -> Statement:
    """Read the words of code without its fences, and without token vectors."""
    return read_statement(_FENCE_LINE.sub(lambda fence: " " * len(fence[0]), text))


def checked_words(code: Statement) -> list[int]:
    """The words of code to check; single characters count only where there is nothing else."""
    words = list(range(len(code.words)))
    return [i for i in words if len(code.words[i].text) >= _MIN_CHARS] or words
