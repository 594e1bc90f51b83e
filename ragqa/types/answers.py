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
    without a date. `span` are the characters of the note, within `chars`, that answer the question
    directly (a date, number, name or place), None where it is not clear which do.
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
    parts: Mapping[str, float] = field(default_factory=dict)
    span: tuple[int, int] | None = None

    @property
    def short(self) -> str:
        """The characters that answer directly, "" where none do."""
        if self.span is None:
            return ""
        start, end = self.span
        return self.quote[start - self.chars[0] : end - self.chars[0]]


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature that tells confidence.

    `usual` is its mean over the questions that the model was fitted on, `share` what `value`
    adds to the log-odds there, or takes from them.
    """

    name: str
    value: float
    usual: float
    share: float


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and all that is needed to check it.

    `confidence` is the probability that the notes answer the question; where `answered` is False
    there are no citations and `hits` are the nearest passages. `reasons` are what told confidence,
    empty where there was nothing to tell by.
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
    reasons: tuple[Reason, ...] = ()

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
