"""Questions' filters and hits, answers and their citations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from textwrap import shorten
from typing import TypeAlias

from msgspec import Struct

from ragqa.errors import Hint, UsageError
from ragqa.types.indexes import IndexInfo, counted
from ragqa.types.notes import JsonShape, Passage, Span, Unit

_MAX_FILTERS, _MAX_FILTER_CHARS = 100, 10_000
"""The most tags and paths to filter by, and characters: each is compared with every note."""

DOCUMENT_VERSION = 1
"""The version of every JSON document; raised when a key is removed or changes its meaning."""

EXTRACTIVE = "extractive"
"""The backend of an answer quoted from the notes."""

FURTHER = 2
"""How many further excerpts are offered with an answer, and shown at once."""

SURE_FROM = 0.5
"""The confidence from which an answer is given without reserve."""

PROBABLE_FROM = 0.25
"""The confidence from which any other answer is called probable, and below which it is unsure."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which notes to search: with all tags, any of the path globs, dated from `since` to `until`.

    A tag matches in any case and also matches nested tags (`ml` matches `ML/nlp`); a path glob also
    matches all notes below a folder that it names. `since` and `until` are ISO, and exclude undated
    notes. `where` has properties that all must be there, as `key=value`, in any case.
    """

    tags: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    since: str = ""
    where: tuple[str, ...] = ()
    until: str = ""

    def __post_init__(self) -> None:
        named = (*self.tags, *self.paths, *self.where)
        if len(named) > _MAX_FILTERS or sum(map(len, named)) > _MAX_FILTER_CHARS:
            raise UsageError(
                f"there is too much to filter by: at most {_MAX_FILTERS} tags, paths and "
                f"properties with {_MAX_FILTER_CHARS:,} characters are read",
                hint=Hint("filter by a folder or a tag that they share"),
            )

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question.

    `score` is the fused score: 0 or more, about 1 if both legs rank the passage high, comparable
    within one question. `dense` is the cosine and `terms` the BM25 score, None if that leg lacks
    the passage. `locator` is as in `Citation`, once the hit was compared with its note.
    """

    JSON = JsonShape(
        "path=passage.path lines=passage.lines chars=passage.chars heading=passage.heading "
        "note_date=passage.note_date text=passage.text score dense terms locator",
        null="note_date", optional="locator",
    )  # fmt: skip

    passage: Passage
    score: float
    dense: float | None
    terms: float | None
    locator: str = ""


class Correction(Struct, frozen=True, rename={"typed": "from", "read": "to"}):
    """A word of a question as typed, and the word of the notes that it is read as."""

    typed: str
    read: str


class ShortAnswer(Struct, frozen=True):
    """The date, number, name or place that answers, and its characters in the note."""

    text: str
    chars: Span


class Cut(Struct, frozen=True):
    """Whether a list, table or torn sentence continues before an excerpt, and after it."""

    before: bool
    after: bool


WHOLE = Cut(before=False, after=False)


@dataclass(frozen=True, slots=True)
class Citation:
    """An exact quote from a note, in one piece: `text[chars[0]:chars[1]] == quote` for its text.

    `before` and `after` are the text of its passage that is shown directly around it. `units` are
    the sentences, items, rows and code blocks of all that is shown, in order; `cut` is of these.
    `answer_spans` are the characters of the note that answer, the rest is context; `span` those of
    the date, number, name or place asked for, None if that is unclear. `locator` names the place in
    a file that was converted, such as "cell 3". `note_date` is ISO or ""; `old` says that it is
    long ago. `date` is the day of the statement that answers, and `date_from` as in `Dated`.
    """

    JSON = JsonShape(
        "n path lines chars heading quote before after note_sha256 score short_answer "
        "answer_spans cut around note_date old date date_from context locator",
        null="note_date date date_from", optional="context locator",
    )  # fmt: skip

    n: int
    path: str
    lines: tuple[int, int]
    chars: tuple[int, int]
    heading: tuple[str, ...]
    quote: str
    note_sha256: str
    score: float
    context: str = ""
    note_date: str = ""
    old: bool = False
    span: tuple[int, int] | None = None
    units: tuple[Unit, ...] = ()
    answer_spans: tuple[tuple[int, int], ...] = ()
    cut: Cut = WHOLE
    locator: str = ""
    date: str = ""
    date_from: str = ""
    before: str = ""
    after: str = ""

    @property
    def shown(self) -> str:
        """The quote with the text around it."""
        return f"{self.before}{self.quote}{self.after}"

    @property
    def around(self) -> Span | None:
        """The characters of `shown`, None where only the quote is."""
        if not (self.before or self.after):
            return None
        return self.chars[0] - len(self.before), self.chars[1] + len(self.after)

    @property
    def short_answer(self) -> ShortAnswer | None:
        """The text of `span`, with its place; None without one."""
        if self.span is None:
            return None
        start, end = self.span
        return ShortAnswer(self.quote[start - self.chars[0] : end - self.chars[0]], self.span)


class Verdict(StrEnum):
    """The outcome of a question: an answer, sentences that come close, or nothing in the notes."""

    ANSWERED = "answered"
    CLOSE = "close"
    NOT_IN_NOTES = "not in notes"


def verdict_of(confidence: float, no_note_has: Sequence[str], *, answered: bool) -> Verdict:
    """The outcome of a question: an answer is only close if incomplete or unsure."""
    if not answered:
        return Verdict.NOT_IN_NOTES
    return Verdict.CLOSE if no_note_has or confidence < SURE_FROM else Verdict.ANSWERED


Cited: TypeAlias = tuple[str | int, ...]
"""Texts, and between them the numbers of citations."""


@dataclass(frozen=True, slots=True)
class WrittenSentence:
    """A sentence that an LLM wrote, beside the passages that it cites.

    `lead` is the white space and list marker before it. `parts` are its texts, and the numbers of
    citations that are part of it ("as [1] says"); `citations` are all that it cites. `lacks` is
    what these do not have. If `is_frame`, it claims nothing: a heading, say.
    """

    JSON = JsonShape("text citations lacks")

    lead: str
    parts: Cited
    citations: tuple[int, ...]
    lacks: tuple[str, ...] = ()
    is_frame: bool = False

    @property
    def is_marked(self) -> bool:
        """Whether something is to be said about it: what its sources lack, or that it has none."""
        return not self.is_frame and bool(self.lacks or not self.citations)

    @property
    def text(self) -> str:
        """The sentence without the citations behind it."""
        return _as_text(self.parts)

    @property
    def cited(self) -> Cited:
        """The parts, and behind them the citations left, on a new line after a code block."""
        cited, gap = list(self.parts), "\n" if "\n" in self.text else " "
        for n in self.citations:
            if n not in self.parts:
                cited += [gap, n]
                gap = " "
        return tuple(cited)

    @property
    def cited_text(self) -> str:
        """The text with all its citations."""
        return _as_text(self.cited)


def _as_text(parts: Cited) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else part for part in parts)


class Fallback(StrEnum):
    """Why an answer is extractive although an LLM was to write it."""

    NOT_ASKED = "not asked"
    FAILED = "failed"
    DECLINED = "declined"
    NOTHING_LEFT = "nothing left"


@dataclass(frozen=True, slots=True)
class Written:
    """An LLM's answer to a question, or `why` there is none and a `hint` how to fix it.

    `sentences` are those kept, `dropped` those that `--strict` removed, and `invalid_citations` are
    cited numbers that no passage has. `given` passages were in the prompt, `left_out` did not fit.
    """

    JSON = JsonShape(
        "backend fallback passages=given passages_left_out=left_out sentences_left_out=dropped"
    )

    backend: str
    sentences: tuple[WrittenSentence, ...] = ()
    invalid_citations: tuple[int, ...] = ()
    dropped: tuple[WrittenSentence, ...] = ()
    given: int = 0
    left_out: int = 0
    fallback: Fallback | None = None
    why: str = ""
    hint: str = ""

    @property
    def claims(self) -> tuple[WrittenSentence, ...]:
        """The sentences that claim something and so need a source."""
        return tuple(sentence for sentence in self.sentences if not sentence.is_frame)

    @property
    def is_answer(self) -> bool:
        """Whether the answer is the LLM's."""
        return self.fallback is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Ranked passages for a question.

    `corrected` are words that were searched in another spelling, and `read` is the whole question
    as searched, "" if unchanged. `waiting` counts files that the index does not have yet.
    """

    JSON = JsonShape("query=question corrected hits warnings waiting timings_ms index=info")

    question: str
    hits: tuple[Hit, ...]
    info: IndexInfo
    warnings: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    corrected: tuple[Correction, ...] = ()
    read: str = ""
    waiting: int = 0

    @property
    def looked_for(self) -> str:
        """The question as searched."""
        return self.read or self.question


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer(SearchResult):
    """An answer and everything needed to check it.

    `confidence` is the probability that the first excerpt is a good answer. If `answered` is False,
    `hits` are the nearest passages, and there are no citations unless an LLM was forced to write.
    `no_note_has` are words of the question that no note in the index has, in any like spelling.
    `also` are further excerpts, best first, numbered after the citations; it `has_more` if others
    could follow. `earlier` are statements of other dates on the subject of the first one, numbered
    after these: newest first, but oldest first where the question asks for the past.
    """

    JSON = JsonShape(
        "question corrected answered confidence verdict sure no_note_has "
        "backend answer=text citations also earlier passages=hits warnings=every_warning waiting "
        "timings_ms index=info by_llm=written.is_answer llm=written sentences=written.claims "
        "invalid_citations=written.invalid_citations",
        optional="by_llm llm sentences invalid_citations",
    )  # fmt: skip

    answered: bool
    confidence: float
    backend: str
    text: str
    citations: tuple[Citation, ...]
    no_note_has: tuple[str, ...] = ()
    written: Written | None = None
    also: tuple[Citation, ...] = ()
    has_more: bool = False
    earlier: tuple[Citation, ...] = ()

    def __repr__(self) -> str:
        """One short line; the fields have the rest."""
        shown = shorten(self.text, 61, placeholder=" \u2026")
        citations = counted(len(self.citations), "citation")
        return f"<Answer: {self.verdict}, {self.confidence:.2f}, {shown!r}, {citations}>"

    @property
    def verdict(self) -> Verdict:
        """The verdict on the answer as a whole."""
        return verdict_of(self.confidence, self.no_note_has, answered=self.answered)

    @property
    def sure(self) -> bool:
        """Whether the answer has no reservation."""
        return self.verdict is Verdict.ANSWERED

    @property
    def every_warning(self) -> tuple[str, ...]:
        """All warnings, including why the LLM's answer is missing."""
        if self.written is None or self.written.is_answer:
            return self.warnings
        own = "; this is the answer in your notes' own words" if self.answered else ""
        hint = f" ({self.written.hint})" if self.written.hint else ""
        return (*self.warnings, f"{self.written.why}{own}{hint}")
