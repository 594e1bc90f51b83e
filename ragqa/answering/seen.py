"""Text that remembers which characters of a note it was made of, and how they look."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntFlag
from itertools import chain
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]

LITERAL = "\ufdd0"
"""Stands for a character that is no markup whatever it is; no text has it (Unicode)."""

ADDED = -1
"""The place of a character that stands for none of the note."""


LINE_END = re.compile(r"\r\n|\r|\n")


class Look(IntFlag):
    """How a character looks."""

    PLAIN = 0
    BOLD = 1
    ITALIC = 2
    CODE = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """Some text; `mask`, `at` and `looks` have an entry for each of its characters.

    `mask` is what patterns are matched with: the text with what is no markup as LITERAL. `at` are
    the characters of the note, in order but for those ADDED, and `looks` a `Look` each.
    """

    text: str
    mask: str
    at: Sequence[int]
    looks: bytes

    @classmethod
    def of(cls, text: str, start: int = 0) -> "Seen":
        """Text that begins at this character of the note."""
        return cls(text, text, range(start, start + len(text)), bytes(len(text)))

    @classmethod
    def added(cls, text: str, at: int = ADDED) -> "Seen":
        """Text that a note does not have, or that stands for this character of it."""
        return cls(text, text, [at] * len(text), bytes(len(text)))

    @classmethod
    def joined(cls, pieces: Iterable["Seen"], between: str = "") -> "Seen":
        """The pieces, one behind the other."""
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
        """Whether it has any character."""
        return bool(self.text)

    def __getitem__(self, part: slice) -> "Seen":
        """Some of its characters."""
        return Seen(self.text[part], self.mask[part], self.at[part], self.looks[part])

    def group(self, match: re.Match[str], group: int | str = 0) -> "Seen":
        """What a group of a match in its mask has."""
        return self[slice(*match.span(group))]

    def styled(self, look: Look) -> "Seen":
        """The same in this look too."""
        return replace(self, looks=bytes(one | look for one in self.looks))

    def literal(self) -> "Seen":
        """The same, no character of it markup."""
        return replace(self, mask=LITERAL * len(self.text))

    def instead(self, text: str) -> "Seen":
        """Other text that stands where this one begins."""
        return Seen.added(text, self.at[0] if self.text else ADDED)

    def sub(
        self,
        pattern: re.Pattern[str],
        make: Callable[["Seen", re.Match[str]], "Seen"],
        count: int = 0,
    ) -> "Seen":
        """The same with each match, or the first `count`, replaced by what is made of it."""
        pieces, end = [], 0
        for number, match in enumerate(pattern.finditer(self.mask)):
            if count and number == count:
                break
            pieces += [self[end : match.start()], make(self, match)]
            end = match.end()
        return Seen.joined([*pieces, self[end:]]) if pieces else self

    def without(self, pattern: re.Pattern[str], count: int = 0) -> "Seen":
        """The same without what matches."""
        return self.sub(pattern, lambda seen, _: seen[:0], count)

    def split(self, pattern: re.Pattern[str]) -> list["Seen"]:
        """The pieces between the matches."""
        pieces, end = [], 0
        for match in pattern.finditer(self.mask):
            pieces.append(self[end : match.start()])
            end = match.end()
        return [*pieces, self[end:]]

    def strip(self, chars: str | None = None) -> "Seen":
        """The same without these characters, or white space, around it."""
        end = len(self.mask.rstrip(chars))
        start = len(self.mask) - len(self.mask.lstrip(chars))
        return self[min(start, end) : end]

    def rstrip(self) -> "Seen":
        """The same without white space at its end."""
        return self[: len(self.mask.rstrip())]

    def lines(self) -> list["Seen"]:
        """Its lines, without what ends them."""
        return self.split(LINE_END)

    def place(self, span: Span) -> Span | None:
        """Which of its characters are these of the note; None where it shows none of them."""
        found = [
            number
            for number, at in enumerate(self.at)
            if span[0] <= at < span[1] and not self.text[number].isspace()
        ]
        return (found[0], found[-1] + 1) if found else None
