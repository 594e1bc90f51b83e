"""Text that keeps track of its source characters in a note, and of their style.

A text's own bracketed numbers are told from citations by spaces: `[1]` is ragqa's, `[ 1 ]` the
text's. These change the meaning of neither prose nor code, and any terminal can show them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from enum import IntFlag
from itertools import chain, pairwise

from msgspec import Struct
from msgspec.structs import replace

from ragqa.text.words import compiled
from ragqa.types import Span

LITERAL = "\ufdd0"
"""Masks a literal character; a Unicode noncharacter that no text has."""

ADDED = -1
"""The offset of a character that is not from the note."""

LINE_END = r"\r\n|\r|\n"

_OWN = r"\[(\d+(?:\s*[,;\u2013]\s*\d+)*)\]"


class Look(IntFlag):
    """The style of a character."""

    PLAIN = 0
    BOLD = 1
    ITALIC = 2
    CODE = 4


class Seen(Struct, frozen=True):
    """A text; `mask`, `at` and `looks` have an entry for each character.

    Patterns match `mask`, which has LITERAL for characters that are not markup. `at` has ascending
    offsets in the note, except where it is ADDED; `looks` has `Look` values.
    """

    text: str
    mask: str
    at: Sequence[int]
    looks: bytes

    @classmethod
    def of(cls, text: str, start: int = 0) -> "Seen":
        """Text that begins at this offset in the note."""
        return cls(text, text, range(start, start + len(text)), bytes(len(text)))

    @classmethod
    def added(cls, text: str, at: int = ADDED) -> "Seen":
        """Text that is not in the note, or that replaces the character at this offset."""
        return cls(text, text, [at] * len(text), bytes(len(text)))

    @classmethod
    def joined(cls, pieces: Iterable["Seen"], between: str = "") -> "Seen":
        """The pieces concatenated."""
        pieces = list(pieces)
        if between:
            gap = cls.added(between)
            pieces = [one for piece in pieces for one in (gap, piece)][1:]
        if len(pieces) == 1:
            return pieces[0]
        return cls(
            "".join(piece.text for piece in pieces),
            "".join(piece.mask for piece in pieces),
            list(chain.from_iterable(piece.at for piece in pieces)),
            b"".join(piece.looks for piece in pieces),
        )

    def __bool__(self) -> bool:
        """Whether it has any characters."""
        return bool(self.text)

    def __getitem__(self, part: slice) -> "Seen":
        """A slice of its characters."""
        return Seen(self.text[part], self.mask[part], self.at[part], self.looks[part])

    @property
    def width(self) -> int:
        """Its width in columns."""
        wide = sum(unicodedata.east_asian_width(char) in "WF" for char in self.text)
        return len(self.text) + wide - sum(unicodedata.combining(char) > 0 for char in self.text)

    def group(self, match: re.Match[str], group: int | str = 0) -> "Seen":
        """The text of a group of a match in its mask."""
        return self[slice(*match.span(group))]

    def styled(self, look: Look) -> "Seen":
        """The same with this style added."""
        return replace(self, looks=bytes(one | look for one in self.looks))

    def literal(self) -> "Seen":
        """The same with every character masked as literal."""
        return replace(self, mask=LITERAL * len(self.text))

    def instead(self, text: str) -> "Seen":
        """Other text at the offset where this one begins."""
        return Seen.added(text, self.at[0] if self.text else ADDED)

    def sub(self, pattern: str, make: Callable[["Seen", re.Match[str]], "Seen"]) -> "Seen":
        """The same with each match replaced by `make`'s result."""
        pieces, end = [], 0
        for match in compiled(pattern).finditer(self.mask):
            pieces += [self[end : match.start()], make(self, match)]
            end = match.end()
        return Seen.joined([*pieces, self[end:]]) if pieces else self

    def without(self, pattern: str) -> "Seen":
        """The same without the matches."""
        return self.sub(pattern, lambda seen, _: seen[:0])

    def split(self, pattern: str) -> list["Seen"]:
        """The pieces between the matches."""
        pieces, end = [], 0
        for match in compiled(pattern).finditer(self.mask):
            pieces.append(self[end : match.start()])
            end = match.end()
        return [*pieces, self[end:]]

    def strip(self, chars: str | None = None) -> "Seen":
        """The same without these characters, or white space, at both ends."""
        end = len(self.mask.rstrip(chars))
        start = len(self.mask) - len(self.mask.lstrip(chars))
        return self[min(start, end) : end]

    def lines(self) -> list["Seen"]:
        """Its lines, without their endings."""
        return self.split(LINE_END)

    def place(self, span: Span) -> Span | None:
        """The span of its text for a span of the note; None where it shows none of it."""
        found = [
            number
            for number, at in enumerate(self.at)
            if span[0] <= at < span[1] and not self.text[number].isspace()
        ]
        return (found[0], found[-1] + 1) if found else None


def set_apart(text: str) -> str:
    """A text that may stand beside citations."""
    return compiled(_OWN).sub(r"[ \1 ]", text)


def seen_apart(seen: Seen) -> Seen:
    """The same for a text that keeps track of its source."""
    cuts = [at for own in compiled(_OWN).finditer(seen.text) for at in own.span(1)]
    pieces = [seen[start:end] for start, end in pairwise([0, *cuts, len(seen.text)])]
    return Seen.joined(pieces, between=" ") if cuts else seen
