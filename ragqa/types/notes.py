"""Notes as read from disk: their structure, and what was skipped."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ragqa.languages import ENGLISH


# These three are created for every note before every question: named tuples take a third of the
# time of frozen data classes.
class Stamp(NamedTuple):
    """A file's metadata *before* it was read; shows whether to read it again."""

    size: int
    mtime_ns: int


class NoteFile(NamedTuple):
    """A file that looks like a note, found by the walk and not yet read.

    `path` is relative to the corpus and `/`-separated; bytes that are not UTF-8 are kept as
    surrogate escapes, so that `os.fsencode` returns the exact name.
    """

    path: str
    stamp: Stamp


class NoteState(NamedTuple):
    """What the index records about a note's file, enough to detect a change.

    `settled` is False if the file was modified so shortly before it was read that a later change
    could have the same stamp; such a note is compared by its digest.
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
    """The kind of a stretch of a note.

    A LIST is its introductory line with the items, an EXCERPT several consecutive stretches. A
    PROPERTY is a key of the front matter with its value, a SECRET one whose key marks it as secret.
    SECRET, COMMENT and STRUCK are `HIDDEN`: not for reading.
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
    """A leaf of a note's structure: `text[start:end]`, in characters, without the last line end.

    Blocks are whole lines except where hidden text cuts one. They are in order and do not overlap;
    all text outside them is white space or front matter. `level` is the heading level (1 to 6) or
    the number of items that it is nested in, its own included. `label` is a heading's plain text,
    the line that introduces a list, or the parent keys of a front matter key joined by " > "; else
    "". `labels` are the header cells above a table row. Blocks of one list or table, or of a
    paragraph that hidden text cuts, have the same `group`; 0 stands alone. `begins` is False where
    hidden text cuts off its beginning.
    """

    kind: Kind
    start: int
    end: int
    level: int = 0
    label: str = ""
    labels: tuple[str, ...] = ()
    group: int = 0
    begins: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A link from a note: its target as written, without any `#anchor` or `|label`."""

    target: str
    wiki: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read: its text and metadata.

    `text` is the decoded file without its byte order mark, line endings untouched, or what a file
    in another format was converted to. `date` is ISO
    `YYYY-MM-DD` from the note's own metadata, else from the file's name, else "". `sha256` is as in
    `NoteText`. `language` is an ISO 639-1 code, "" for one that ragqa does not know.
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
    properties: tuple[tuple[str, str], ...] = ()
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """What the index records about a note; `settled` is as in `NoteState`.

    `properties` are the names and values of its front matter and inline fields, without secrets; a
    list has a pair for each value. `language` is as in `Note`.
    """

    path: str
    stamp: Stamp
    sha256: str
    settled: bool
    title: str
    tags: tuple[str, ...]
    date: str
    aliases: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    language: str = ENGLISH

    @classmethod
    def of(cls, note: Note, *, settled: bool) -> "NoteRecord":
        """Make the record of a note."""
        return cls(
            path=note.path,
            stamp=note.stamp,
            sha256=note.sha256,
            settled=settled,
            title=note.title,
            tags=note.tags,
            date=note.date,
            aliases=note.aliases,
            properties=note.properties,
            language=note.language,
        )

    @property
    def state(self) -> NoteState:
        """The part that shows whether the file has changed."""
        return NoteState(self.stamp, self.sha256, self.settled)


def with_parents(name: str) -> list[str]:
    """A path preceded by its parent folders, or a tag by its parent tags: `a`, `a/b`."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
