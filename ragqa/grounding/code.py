"""A claim that is code, which is met by its very words: other words for the same do not run."""

import re

from ragqa.grounding.statements import Statement, state

_FENCED = re.compile(r"\s*(?:```|~~~)")
_INLINE = re.compile(r"\s*`[^`\n]+`[\s.:;,]*")
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_SHORTEST = 2


def is_code(text: str) -> bool:
    """Whether a text is a block of code, or nothing but code within a line."""
    return bool(_FENCED.match(text) or _INLINE.fullmatch(text))


def read_code(text: str) -> Statement:
    """The words of code, without its fences; what they mean is left out."""
    return state(_FENCE_LINE.sub(lambda fence: " " * len(fence[0]), text))


def names_in(code: Statement) -> list[int]:
    """The words of code that must be met; a letter or digit alone says something only alone."""
    words = list(range(len(code.words)))
    return [i for i in words if len(code.words[i].text) >= _SHORTEST] or words
