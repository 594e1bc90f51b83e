"""Answers, their citations, and search results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ragqa.types.indexes import IndexInfo, counted
from ragqa.types.notes import Kind
from ragqa.types.passages import Correction, Hit, Unit

_SHOWN = 60

DOCUMENT_VERSION = 1
"""That of every JSON document: it changes where a key is taken out or means something else."""

EXTRACTIVE = "extractive"
"""The backend of an answer in the notes' own words."""

SURE_FROM = 0.5
"""From this confidence on an answer is not marked as unsure."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote from a note, exact: `note.text[chars[0]:chars[1]] == quote`.

    It is one contiguous excerpt. `units` are the sentences, items, rows and blocks of code that it
    is made of, in order; `answer_spans` the characters of the note that answer, each a stretch of
    `chars`; the rest is there to be read with them. `cut` tells whether a list or table, or what
    hidden text tears apart, goes on before the excerpt, and behind it.

    `parts` are what each signal adds to `score`, by name. `note_date` is ISO, or "" for a note
    without a date; `old` tells that it is older than the settings call old. `span` are the
    characters of the note, within `chars`, that answer the question directly (a date, number, name
    or place), None where it is not clear which do.
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
    span: tuple[int, int] | None = None
    units: tuple[Unit, ...] = ()
    answer_spans: tuple[tuple[int, int], ...] = ()
    cut: tuple[bool, bool] = (False, False)

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
class Disagreement:
    """Two statements of two notes that answer the question differently, the newer note first.

    `about` is what they differ in: "number", "date", "negation" or "word". `texts` are the
    sentences as a reader sees them, `spans` the characters of each that say it, and `says_chars`
    those of its note, None where it is not clear which do. At least one of the two is cited in the
    answer; the other may be, or has the number 0.
    """

    about: str
    citations: tuple[Citation, Citation]
    texts: tuple[str, str]
    spans: tuple[tuple[int, int], tuple[int, int]]
    says_chars: tuple[tuple[int, int] | None, tuple[int, int] | None]

    @property
    def says(self) -> tuple[str, str]:
        """The words in question of each."""
        (one, other), (first, second) = self.texts, self.spans
        return one[slice(*first)], other[slice(*second)]


class Verdict(StrEnum):
    """What came of a question: an answer, sentences that come close, or nothing in the notes."""

    ANSWERED = "answered"
    CLOSE = "close"
    NOT_IN_NOTES = "not in notes"


def verdict_of(confidence: float, missing: Sequence[str], *, answered: bool) -> Verdict:
    """What came of a question: sentences are close where something is missing or not sure."""
    if not answered:
        return Verdict.NOT_IN_NOTES
    return Verdict.CLOSE if missing or confidence < SURE_FROM else Verdict.ANSWERED


@dataclass(frozen=True, slots=True)
class WrittenSentence:
    """A sentence that an LLM wrote, and what the check says of it.

    `lead` is the white space, and mark of a list item, before it. `text` has those citation marks
    alone that it is built around ("as [1] says"). `citations` are the numbers of passages that
    were given; `support` is the probability that these support it, and `against` is what speaks
    against that, in words. One that `is_frame` claims nothing: a heading, the head of a table.
    """

    lead: str
    text: str
    citations: tuple[int, ...]
    support: float
    supported: bool
    against: tuple[str, ...] = ()
    is_frame: bool = False


class Fallback(StrEnum):
    """Why an answer is the notes' own words although an LLM was to write it."""

    NOT_ASKED = "not asked"
    FAILED = "failed"
    DECLINED = "declined"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Written:
    """What an LLM made of a question.

    `sentences` are those kept, all checked; `dropped` is the number of those that `--strict` left
    out, `invalid_citations` the numbers cited that no passage has. `given` passages were in the
    prompt, `left_out` did not fit. Where there is a `fallback`, `why` says it in a sentence and
    `hint` what would mend it.
    """

    backend: str
    sentences: tuple[WrittenSentence, ...] = ()
    invalid_citations: tuple[int, ...] = ()
    dropped: int = 0
    given: int = 0
    left_out: int = 0
    fallback: Fallback | None = None
    why: str = ""
    hint: str = ""

    @property
    def claims(self) -> tuple[WrittenSentence, ...]:
        """The sentences that say something, and so need support."""
        return tuple(sentence for sentence in self.sentences if not sentence.is_frame)

    @property
    def grounded(self) -> bool:
        """Whether the answer is the LLM's, with at least one sentence that its sources support."""
        return self.fallback is None


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """An answer and all that is needed to check it.

    `confidence` is the probability that the notes answer the question; where `answered` is False
    `hits` are the nearest passages, and there are no citations unless an LLM was forced to write.
    `missing` is what the question asks about that the citations, or the nearest sentences, do not
    speak of. `corrected` are the words of the question that were looked for in another spelling,
    and `read` is the whole question as it was read, "" for the same as it was asked. `reasons` are
    what told confidence, empty where there was nothing to tell by. `calibration` is "own" where
    that was a model fitted on these notes, and "shipped" where it was that of ragqa. `written` is
    what became of the LLM that was to write the answer, None where none was to.
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
    disagreements: tuple[Disagreement, ...] = ()
    missing: tuple[str, ...] = ()
    calibration: str = "shipped"
    written: Written | None = None
    corrected: tuple[Correction, ...] = ()
    read: str = ""

    def __repr__(self) -> str:
        """One short line; the fields have the rest."""
        text = " ".join(self.text.split())
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\u2026"
        citations = counted(len(self.citations), "citation")
        return f"<Answer: {self.verdict}, {self.confidence:.2f}, {shown!r}, {citations}>"

    @property
    def looked_for(self) -> str:
        """The question as it was read."""
        return self.read or self.question

    @property
    def verdict(self) -> Verdict:
        """What a reader is told of the answer as a whole."""
        return verdict_of(self.confidence, self.missing, answered=self.answered)

    @property
    def sure(self) -> bool:
        """Whether it is an answer without any mark."""
        return self.verdict is Verdict.ANSWERED


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Ranked passages for a query; `corrected` and `read` are as in `Answer`."""

    query: str
    hits: tuple[Hit, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    corrected: tuple[Correction, ...] = ()
    read: str = ""

    @property
    def looked_for(self) -> str:
        """The query as it was read."""
        return self.read or self.query
