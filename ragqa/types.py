"""The nouns of ragqa: frozen data that one stage hands to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
"""One embedding, shape (dimension,), unit length."""

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Embeddings, shape (n, dimension), each row of unit length."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (stage, done, total) while work goes on."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system said of a file *before* it was read: tells whether to read it again."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A file that looks like a note, found by the walk and not yet read.

    `path` is relative to the corpus and `/`-separated; bytes that are not UTF-8 are kept as
    surrogate escapes, so that `os.fsencode` gives the exact name back.
    """

    path: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was not indexed, and why."""

    path: str
    reason: str


class Kind(StrEnum):
    """What a stretch of a note is; a LIST is the line that announces items, and these."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    LIST = "list"
    TABLE_HEAD = "table_head"
    ROW = "row"
    CODE = "code"
    HTML = "html"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Block:
    """A leaf of a note's structure: `text[start:end]`, in characters, whole lines but the last end.

    Blocks are in order and do not overlap; all text of the note outside of them is white space or
    front matter. `level` is the heading level (1 to 6), or the nesting depth of an item (from 1).
    `label` is the plain text of a heading, the header cells of a table row joined by " | ", or the
    line that introduces a list; else "".
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
    `date` is ISO `YYYY-MM-DD` from the front matter, or "".
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
    """What the index remembers of a note, enough to tell whether the file has changed.

    `settled` is False where the file was modified so shortly before it was read that a later
    change could carry the same stamp; such a note is compared by its digest.
    """

    path: str
    stamp: Stamp
    sha256: str
    settled: bool
    title: str
    tags: tuple[str, ...]
    date: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a passage that can be cited alone: a sentence, item, row or block of code.

    `start` and `end` are characters of the note. `context` is what makes it readable alone (the
    table's header, the line before a list); the heading is the passage's.
    """

    kind: Kind
    start: int
    end: int
    context: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one note, small enough to embed whole: `note.text[start:end] == text`.

    `lines` are 1-based and inclusive. `id` is a signed 64-bit hash of path, embedded text and
    occurrence, so it is the same after every rebuild. `embedding_key` is a signed 64-bit hash of
    the embedded text alone: passages with the same key share one embedding.
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

    def quote(self, unit: Unit) -> str:
        """The exact text of one of its units."""
        return self.text[unit.start - self.start : unit.end - self.start]

    @property
    def embedded_text(self) -> str:
        """What is embedded and term-indexed: `title > heading path`, a newline, the passage."""
        return f"{self.trail}\n{self.text}"

    @property
    def trail(self) -> str:
        """`title > heading path`, without saying the title twice."""
        heading = self.heading[1:] if self.heading[:1] == (self.title,) else self.heading
        return " > ".join((self.title, *heading))


@dataclass(frozen=True, slots=True)
class Filters:
    """Which notes count: every tag given, any of the path globs, dated on or after `since`.

    A tag also matches the tags nested in it (`ml` matches `ml/nlp`), a path glob also matches all
    notes below a folder that it names. `since` is ISO; a note without a date of its own counts by
    its file's modification date.
    """

    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    since: str = ""

    def __bool__(self) -> bool:
        return bool(self.tags or self.paths or self.since)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question.

    `score` is the fused ranking score (0 to 1, comparable only within one question); `dense` is
    the cosine and `terms` the BM25 score, None where that leg did not return the passage.
    """

    passage: Passage
    score: float
    dense: float | None
    terms: float | None


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The contextual vectors of one text's tokens, special tokens left out.

    `vectors` has shape (tokens, dimension), each row of unit length; `spans[i]` is the character
    span of token i in the text. `pooled` is the text's embedding, shape (dimension,).
    """

    vectors: Vectors
    spans: tuple[tuple[int, int], ...]
    pooled: Vector


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits for one question, with what was computed on the way and is of use later.

    `idf` has the inverse document frequency of each query term. `by_terms_alone` is True where
    the embedder cannot read the question.
    """

    question: str
    hits: tuple[Hit, ...]
    vectors: TokenVectors
    idf: Mapping[str, float]
    by_terms_alone: bool


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote from a note, exact: `note.text[chars[0]:chars[1]] == quote`."""

    n: int
    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    heading: tuple[str, ...]
    quote: str
    note_sha256: str
    score: float
    context: str = ""
    kind: Kind = Kind.PARAGRAPH


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """Who made the embeddings: everything that, when changed, makes old embeddings useless.

    `window` is in tokens, special tokens included. `weights_sha256` is the digest of the weights.
    """

    name: str
    weights_sha256: str
    dimension: int
    window: int
    pooling: str
    query_prompt: str = ""
    passage_prompt: str = ""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What one generation of an index holds and how it was made."""

    generation: int
    embedder: EmbedderInfo
    dtype: str
    canary: tuple[float, ...]
    chunking: Mapping[str, int]
    notes: int
    passages: int
    corpus: str
    created: str
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of indexing did."""

    info: IndexInfo
    added: int
    changed: int
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and all that is needed to check it.

    `confidence` is the probability that the notes answer the question; where `answered` is False
    there are no citations and `hits` are the nearest passages.
    """

    question: str
    answered: bool
    confidence: float
    backend: str
    text: str
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def sure(self) -> bool:
        """Whether the notes rather answer than not; an answer that is not sure is marked."""
        return self.answered and self.confidence >= 0.5


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Ranked passages for a query."""

    query: str
    hits: tuple[Hit, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
