"""What is shown of a unit of a note: slices of it, each in a style."""

from enum import IntFlag, StrEnum
from typing import NamedTuple


class Look(IntFlag):
    """The style of a character.

    A MARK is that of an item, which stands before its text, an EMBED the target of an embed, which
    is not shown.
    """

    PLAIN = 0
    BOLD = 1
    ITALIC = 2
    CODE = 4
    MARK = 8
    EMBED = 16


ADDED = -1
"""The offset of a character that is shown and not in the note."""


class Seam(StrEnum):
    """What stands between two texts: cells, a title and its text, fields, or lines."""

    CELL = "\x1d"
    CELLS = "\x1e"
    TITLE = "\f"
    FIELD = "\x1c"
    LINE = "\v"


class Slice(NamedTuple):
    """Characters of a unit that are shown, from `start` to `end` in it, in a `Look`.

    `text` is shown instead of them; an empty slice adds it at its place. It may be a `Seam`.
    """

    start: int
    end: int
    look: int = 0
    text: str | None = None
