"""Notes as read from disk, and their passages with vectors."""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from posixpath import splitext
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ragqa.languages import ENGLISH

Vector: TypeAlias = npt.NDArray[np.float32]
"""One embedding, shape (dimension,), unit length."""

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Embeddings, shape (n, dimension), each row of unit length."""

Numbers: TypeAlias = npt.NDArray[np.int64]
"""Passage ids, note numbers or row numbers, shape (n,)."""

Span: TypeAlias = tuple[int, int]
"""The start and end of some characters of a text, the end exclusive."""

_MAX_ALIASES_CHARS = 500
"""Aliases are indexed with every passage of their note, so a long list must not drown it."""

_WORDS = re.compile(r"[^\W_]+")
_HYPHEN = re.compile(r"(?<!\d)-|-(?!\d)")


class Stamp(Struct, frozen=True, array_like=True):
    """A file's metadata *before* it was read; shows whether to read it again."""

    size: int
    mtime_ns: int

    @property
    def changed_on(self) -> int:
        """The day of the last change, in UTC, as a number of days since 1970."""
        return self.mtime_ns // 86_400_000_000_000


class NoteFile(Struct, frozen=True):
    """A file that looks like a note, found by the walk and not yet read.

    `path` is relative to the corpus and `/`-separated; `os.fsencode` returns the exact name.
    """

    path: str
    stamp: Stamp


class NoteState(Struct, frozen=True, array_like=True):
    """What the index records about a note's file, enough to detect a change.

    `sha256` is the digest of the file's bytes, and of the format's version if it has one.
    `settled` is False if the file was modified so shortly before it was read that a later change
    could have the same stamp. `date` is as in `NoteRecord`.
    """

    stamp: Stamp
    sha256: str
    settled: bool
    date: str = ""


@dataclass(frozen=True, slots=True)
class JsonShape:
    """The keys of a result's JSON object, in order: the name of an attribute, or KEY=ATTRIBUTE.

    `note.path` is an attribute of an attribute. Keys in `null` are null instead of "", and those in
    `optional` are left out where the value is None or "".
    """

    names: str
    null: str = ""
    optional: str = ""


LEAVES_OUT = " leaves it out: "
"""What the reason says of a file that a rule excludes."""


class Remark(Struct, frozen=True, omit_defaults=True):
    """A remark on a file or folder; `reason` is its kind, and after a colon what is particular."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Skipped(Remark, frozen=True):
    """A file or folder that was not indexed, and why.

    `state` is that of a file that was opened; its digest is the mark of what refused it.
    """

    JSON = JsonShape("path reason")

    state: NoteState | None = None

    @property
    def is_left_out(self) -> bool:
        """Whether a rule of the user's leaves it out, so that nothing is wrong with it."""
        return LEAVES_OUT in self.reason


class Kind(StrEnum):
    """The kind of a stretch of a note.

    An EXCERPT is several consecutive stretches. A PROPERTY is a key of the front matter with its
    value, a SECRET one whose key marks it as secret.
    """

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    TABLE_HEAD = "table_head"
    ROW = "row"
    CODE = "code"
    HTML = "html"
    RULE = "rule"
    EXCERPT = "excerpt"
    PROPERTY = "property"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    COMMENT = "comment"


HIDDEN = frozenset({Kind.SECRET, Kind.COMMENT})
"""The kinds that are not for reading."""


@dataclass(frozen=True, slots=True)
class Block:
    """A leaf of a note's structure: `text[start:end]`, in characters, without the last line end.

    Blocks are whole lines except where hidden text cuts one, in order. `level` is the heading level
    or the number of items that it is nested in, its own included. `label` is a heading's plain
    text, the line that introduces a list, or the parent keys of a front matter key. `labels` are
    the header cells above a table row. Blocks of one list or table, or of a paragraph that hidden
    text cuts, have the same `group`; 0 stands alone. `begins` is False where hidden text cuts off
    its beginning.
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
class NoteRecord:
    """What the index records about a note; `settled` is as in `NoteState`.

    `date` is ISO `YYYY-MM-DD` from the note's own metadata, else from the file's name, the title or
    the first lines, else "". `days` are those that its headings and entries begin with.
    `properties` are the names and values of its front matter and inline
    fields, without secrets; a list has a pair for each value. `links` are the targets of its links
    to other notes, as written but without any `#anchor` or `|label`. `sha256` is as in `NoteState`.
    `language` is an ISO 639-1 code, "" for one that ragqa does not know.
    """

    JSON = JsonShape("path title date tags aliases language", null="date language")

    path: str
    stamp: Stamp
    sha256: str
    settled: bool
    title: str
    tags: tuple[str, ...]
    date: str
    aliases: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    language: str = ENGLISH
    warnings: tuple[str, ...] = ()
    days: tuple[str, ...] = ()

    @property
    def state(self) -> NoteState:
        """The part that shows whether the file has changed."""
        return NoteState(self.stamp, self.sha256, self.settled, self.date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(NoteRecord):
    """A note as read: what is recorded about it, its text and the blocks of that.

    `text` is the decoded file without its byte order mark, line endings untouched, or what a file
    in another format was converted to.
    """

    text: str
    blocks: tuple[Block, ...] = ()

    @property
    def record(self) -> NoteRecord:
        """What the index records about it."""
        return NoteRecord(*(getattr(self, field.name) for field in fields(NoteRecord)))


def with_parents(name: str) -> list[str]:
    """A path preceded by its parent folders, or a tag by its parent tags: `a`, `a/b`."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest citable part of a passage: a sentence, item, row or code block, in its place.

    `start` and `end` are character offsets in the note. `plain` is its text without markup:
    `ragqa.text.shown` prints it. `context` makes it readable alone: its parent items or the line
    before its list, after headings that its passage does not have. `labels` are those of a row's
    columns, one for each cell, or none.

    `section` and `block` are numbers in the note. A section extends from one heading to the next,
    and ends at hidden text or a rule; a block is a paragraph, a list with everything nested in it,
    a table, a block of code or a front matter key. `depth` is the number of items that it is nested
    in, its own included. It `begins` its paragraph, item, row or code unless others come before it.
    It `has_lines` if a person broke the lines of its paragraph or item, and did not wrap them.
    `mark` is an item's bullet or number, "" where its beginning is not shown, and `embeds` are the
    links of its embeds, as `![[note#heading]]` has one.
    """

    kind: Kind
    start: int
    end: int
    plain: str = ""
    context: str = ""
    labels: tuple[str, ...] = ()
    section: int = 0
    block: int = 0
    depth: int = 0
    begins: bool = True
    has_lines: bool = False
    mark: str = ""
    embeds: tuple[str, ...] = ()

    @property
    def full_context(self) -> str:
        """Its context and labels as one text."""
        return ": ".join(filter(None, (self.context, " | ".join(self.labels))))


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one note, small enough to embed whole: `note.text[start:end] == text`.

    `lines` are 1-based and inclusive. `id` is a signed 64-bit hash of path, embedded text and
    occurrence, so it survives rebuilds. `embedding_key` is one of the embedded text alone: passages
    with the same key share one embedding. `language` may differ from the note's.
    """

    id: int
    embedding_key: int
    path: str
    title: str
    start: int
    end: int
    lines: tuple[int, int]
    heading: tuple[str, ...]
    text: str
    units: tuple[Unit, ...]
    note_sha256: str
    note_date: str = ""
    aliases: tuple[str, ...] = ()
    language: str = ENGLISH

    @property
    def chars(self) -> Span:
        """Its characters in the note."""
        return self.start, self.end

    def quote(self, unit: Unit) -> str:
        """The exact text of a unit."""
        return self.text[unit.start - self.start : unit.end - self.start]

    def stands_in(self, text: str, line: int = 0) -> bool:
        """Whether its text, lines and units match its note's; `line` is its first, if known."""
        start, end = self.start, self.end
        if not (0 <= start < end and text[start:end] == self.text):
            return False
        first = line or text.count("\n", 0, start) + 1
        lines = first, first + self.text.count("\n", 0, end - start - 1)
        return self.lines == lines and all(start <= u.start < u.end <= end for u in self.units)

    @property
    def embedded_text(self) -> str:
        """The text to embed: `title > heading path`, a newline, the passage."""
        return f"{self.trail}\n{self.text}"

    @property
    def searched_text(self) -> str:
        """The text for term search: the note's other names and the embedded text."""
        return f"{self.names}\n{self.embedded_text}"

    @property
    def names(self) -> str:
        """What else the note is called: its aliases and its file's name, without dates and ids."""
        aliases = " ".join(self.aliases)[:_MAX_ALIASES_CHARS]
        known = _WORDS.findall(f"{self.title} {aliases}".casefold())
        words = (word for word in _WORDS.findall(in_words(self.path)) if word[0].isalpha())
        return " ".join([aliases, *(word for word in words if word.casefold() not in known)])

    @property
    def trail(self) -> str:
        """`title > heading path`, without repeating the title."""
        return trail_text(self.title, self.heading)


def trail_text(title: str, heading: tuple[str, ...], sign: str = " > ") -> str:
    """`title > heading path`, without repeating the title."""
    return sign.join((title, *(heading[1:] if heading[:1] == (title,) else heading)))


def in_words(path: str) -> str:
    """The name of a note's file as words, or its folder's if it is an index or a README."""
    *_, folder, name = ("", *path.split("/"))
    stem = splitext(name)[0]
    stem = folder if folder and stem.lower() in ("index", "_index", "readme") else stem
    readable = stem.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    words = readable if " " in readable else _HYPHEN.sub(" ", readable)
    return " ".join(words.replace("_", " ").split()) or readable


@dataclass(frozen=True, slots=True)
class Dated:
    """The day of a statement in ISO form, "" for none, and where it comes from.

    `source` is "statement", "heading", "name" (of the file), "note", "edited" (the day of the
    note's last edit) or "file" (the file's own time). No statement of the note is later than
    `latest`.
    """

    day: str = ""
    source: str = ""
    latest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """The contextual vectors of one text's tokens, special tokens left out.

    `vectors` has shape (tokens, dimension), each row of unit length; `spans[i]` is the character
    span of token i in the text. `pooled` is the text's embedding, shape (dimension,).
    """

    vectors: Vectors
    spans: tuple[tuple[int, int], ...]
    pooled: Vector
