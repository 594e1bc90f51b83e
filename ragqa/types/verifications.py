"""What became of the citations of a saved answer."""

from dataclasses import dataclass
from enum import StrEnum

from ragqa.types.answers import EXTRACTIVE


@dataclass(frozen=True, slots=True)
class SavedCitation:
    """A citation as a file says it: `n`, `lines` and `chars` may be any numbers, `path` any text.

    `context` is a table row's header or what a list is announced by. It and `note_sha256` are ""
    where the file does not tell.
    """

    n: int
    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    quote: str
    note_sha256: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """An answer that was saved, as far as it can be checked; abstentions have no citations.

    `shown_otherwise` tells that it shows other quotes than those of its citations. `backend` is
    what wrote it.
    """

    question: str
    citations: tuple[SavedCitation, ...]
    shown_otherwise: bool = False
    backend: str = EXTRACTIVE


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a note as it is now: `note.text[chars[0]:chars[1]] == text`.

    `header` is that of a table row that was changed, else "".
    """

    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    text: str
    header: str = ""


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
    where it is gone. `reason` says why it is gone, or changed though its words stand. `elsewhere`
    is another note that still has the words of one that was changed.
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
        is_moved = self.standing is Standing.MOVED
        return is_moved and self.place is not None and self.place.text != self.citation.quote


@dataclass(frozen=True, slots=True)
class Verification:
    """A saved answer held against the notes.

    `warnings` say what could not be looked at; `shown_otherwise` is as in the saved answer.
    """

    question: str
    checked: tuple[Checked, ...]
    warnings: tuple[str, ...] = ()
    shown_otherwise: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether the notes still say all of it, and it shows what they were asked for."""
        return not self.shown_otherwise and all(one.is_sound for one in self.checked)
