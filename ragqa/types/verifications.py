"""What became of the citations of a saved answer."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SavedCitation:
    """A citation as a file says it: `n`, `lines` and `chars` may be any numbers, `path` any text.

    `note_sha256` is "" where the file does not tell.
    """

    n: int
    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    quote: str
    note_sha256: str = ""


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """An answer that was saved, as far as it can be checked; abstentions have no citations."""

    question: str
    citations: tuple[SavedCitation, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a note as it is now: `note.text[chars[0]:chars[1]] == text`."""

    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    text: str


class Standing(StrEnum):
    """What became of a citation."""

    INTACT = "intact"
    MOVED = "moved"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation held against the notes.

    `place` is where its words stand now, or, if it was changed, what it was changed into; None
    where it is gone, and then `reason` says why. `elsewhere` is another note that still has the
    words of one that was changed.
    """

    citation: SavedCitation
    standing: Standing
    place: Place | None = None
    reason: str = ""
    elsewhere: Place | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the notes still say it in the same words."""
        return self.standing in (Standing.INTACT, Standing.MOVED)

    @property
    def is_rewrapped(self) -> bool:
        """Whether the words are the same and the white space between them is not."""
        return self.is_sound and self.place is not None and self.place.text != self.citation.quote


@dataclass(frozen=True, slots=True)
class Verification:
    """A saved answer held against the notes; `warnings` say what could not be looked at."""

    question: str
    checked: tuple[Checked, ...]
    warnings: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the notes still say all of it."""
        return all(one.is_sound for one in self.checked)
