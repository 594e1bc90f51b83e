"""The result of verifying a saved answer's citations."""

from dataclasses import dataclass
from enum import StrEnum

from ragqa.types.answers import EXTRACTIVE


@dataclass(frozen=True, slots=True)
class SavedCitation:
    """A citation as read from a file, unvalidated: any numbers, any text as `path`.

    `context` is a table row's header or a list's introduction. It and `note_sha256` are "" if the
    file lacks them.
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
    """The checkable part of a saved answer; abstentions have no citations.

    `shown_otherwise` means that it displays other quotes than its citations'. `backend` wrote it.
    """

    question: str
    citations: tuple[SavedCitation, ...]
    shown_otherwise: bool = False
    backend: str = EXTRACTIVE


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a current note: `note.text[chars[0]:chars[1]] == text`.

    `header` is the header of a changed table row, else "".
    """

    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    text: str
    header: str = ""


class Standing(StrEnum):
    """The state of a saved citation."""

    INTACT = "intact"
    MOVED = "moved"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation compared with the notes.

    `place` is where its words are now, or what a changed citation became; None if it is gone.
    `reason` says why it is gone, or counts as changed although its words remain. `elsewhere` is
    another note that still has the words of a changed citation.
    """

    citation: SavedCitation
    standing: Standing
    place: Place | None = None
    reason: str = ""
    elsewhere: Place | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the notes still contain its words."""
        return self.standing in (Standing.INTACT, Standing.MOVED)

    @property
    def is_rewrapped(self) -> bool:
        """Whether only the white space between the words has changed."""
        is_moved = self.standing is Standing.MOVED
        return is_moved and self.place is not None and self.place.text != self.citation.quote


@dataclass(frozen=True, slots=True)
class Verification:
    """A saved answer compared with the notes.

    `warnings` say what could not be checked; `shown_otherwise` is as in the saved answer.
    """

    question: str
    checked: tuple[Checked, ...]
    warnings: tuple[str, ...] = ()
    shown_otherwise: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether all citations are sound and the answer displays their quotes."""
        return not self.shown_otherwise and all(one.is_sound for one in self.checked)
