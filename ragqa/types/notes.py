"""What is read from disk: notes, their structure, and what was passed over."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


# These three are made once for every note before every question: named tuples take a third of the
# time of frozen data classes.
class Stamp(NamedTuple):
    """What the file system said of a file *before* it was read: tells whether to read it again."""

    size: int
    mtime_ns: int


class NoteFile(NamedTuple):
    """A file that looks like a note, found by the walk and not yet read.

    `path` is relative to the corpus and `/`-separated; bytes that are not UTF-8 are kept as
    surrogate escapes, so that `os.fsencode` gives the exact name back.
    """

    path: str
    stamp: Stamp


class NoteState(NamedTuple):
    """What the index remembers of a note's file, enough to tell whether it has changed.

    `settled` is False where the file was modified so shortly before it was read that a later
    change could carry the same stamp; such a note is compared by its digest.
    """

    stamp: Stamp
    sha256: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was not indexed, and why."""

    path: str
    reason: str


class Kind(StrEnum):
    """What a stretch of a note is; a LIST is the line that announces items, and these.

    An EXCERPT is several of these that stand one after the other.
    A PROPERTY is a key of the front matter with its value, a SECRET one whose key says that it is.
    SECRET, COMMENT and STRUCK are not for reading: `HIDDEN`.
    """

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    LIST = "list"
    TABLE_HEAD = "table_head"
    ROW = "row"
    CODE = "code"
    HTML = "html"
    RULE = "rule"
    EXCERPT = "excerpt"
    PROPERTY = "property"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    COMMENT = "comment"
    STRUCK = "struck"


HIDDEN = frozenset({Kind.SECRET, Kind.COMMENT, Kind.STRUCK})


@dataclass(frozen=True, slots=True)
class Block:
    """A leaf of a note's structure: `text[start:end]`, in characters, whole lines but the last end.

    What is hidden cuts a line. Blocks are in order and do not overlap; all text of the note outside
    of them is white space or front matter. `level` is the heading level (1 to 6), or the nesting
    depth of an item (from 1). `label` is the plain text of a heading, the header cells of a table
    row joined by " | ", the line that introduces a list, or the keys above one of the front matter
    joined by " > "; else "".
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link from a note: its target as written, without any `#anchor` or `|label`."""

    target: str
    wiki: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read: its exact text and what its author said about it.

    `text` is the file decoded from UTF-8 without its byte order mark, line endings untouched.
    `date` is ISO `YYYY-MM-DD` from the front matter, else from the file's name, or "".
    """

    path: str
    text: str
    sha256: str
    stamp: Stamp
    title: str
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    date: str = ""
    links: tuple[Link, ...] = ()
    blocks: tuple[Block, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """What the index remembers of a note; `settled` is as in `NoteState`."""

    path: str
    stamp: Stamp
    sha256: str
    settled: bool
    title: str
    tags: tuple[str, ...]
    date: str
    aliases: tuple[str, ...] = ()

    @classmethod
    def of(cls, note: Note, *, settled: bool) -> "NoteRecord":
        """What is remembered of this note."""
        return cls(
            path=note.path,
            stamp=note.stamp,
            sha256=note.sha256,
            settled=settled,
            title=note.title,
            tags=note.tags,
            date=note.date,
            aliases=note.aliases,
        )

    @property
    def state(self) -> NoteState:
        """What tells whether its file has changed."""
        return NoteState(self.stamp, self.sha256, self.settled)


def with_parents(name: str) -> list[str]:
    """A path with the folders above it, or a tag with those that it is nested in: `a`, `a/b`."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
