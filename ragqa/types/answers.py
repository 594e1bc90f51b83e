"""Answers, their citations, and search results."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragqa.types.indexes import IndexInfo
from ragqa.types.notes import Kind
from ragqa.types.passages import Hit

SURE_FROM = 0.5
"""From this confidence on an answer is not marked as unsure."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote from a note, exact: `note.text[chars[0]:chars[1]] == quote`.

    `parts` are what each signal adds to `score`, by name. `note_date` is ISO, or "" for a note
    without a date; `old` tells that it is older than the settings call old.
    """

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
    note_date: str = ""
    old: bool = False
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two statements of two notes that answer the question differently, the newer note first.

    `about` is what they differ in: "number", "date", "negation" or "word". `says` are the words in
    question, as they stand in each sentence's plain text. At least one of the two is cited in the
    answer; the other may be, or has the number 0.
    """

    about: str
    citations: tuple[Citation, Citation]
    says: tuple[str, str]


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
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the notes rather answer than not; an answer that is not sure is marked."""
        return self.answered and self.confidence >= SURE_FROM


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Ranked passages for a query."""

    query: str
    hits: tuple[Hit, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
