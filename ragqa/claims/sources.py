"""Read the cited passages once, line by line: words, figures, dates, names, and what is denied."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np

from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.notes.markdown import parse_markdown
from ragqa.passages.parts import unit_spans
from ragqa.readers import Reader
from ragqa.text.dates import moments_of
from ragqa.text.lexicon import MONTHS, STOP_WORDS, UNITS, WEEKDAYS
from ragqa.text.names import names_of
from ragqa.text.quantities import Figure, figures_of
from ragqa.text.words import Word, blank, overlaps, words_of
from ragqa.types import Kind, Span, TokenVectors, Vectors

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

Given: TypeAlias = frozenset[tuple[str, int | str]]
"""What is given of a date or time, such as ("month", 5)."""

MAX_CHARS = 20_000
MAX_LINES = 400
"""The most of a passage that is read; indexed passages are far shorter."""

_ABOVE = (Kind.HEADING, Kind.TABLE_HEAD)
_DENIED = 2
"""How many content words a "not" denies."""

_BREAK = re.compile(
    r"[,;:()|\u2192=.!?]\s|->|\s[\u2013\u2014(=-]|\n|\b(?:but|while|whereas)\b"
    r"|\band (?=not\b|no\b|never\b)"
)
_WITHOUT = re.compile(r"w/o\b", re.IGNORECASE)
_SHORT: dict[str, tuple[str, int | str]]
_SHORT = {name[:3].title(): ("weekday", name[:3]) for name in WEEKDAYS}
_SHORT |= {name[:3].title(): ("month", n) for n, name in enumerate(MONTHS, start=1)}
# As notes shorten them: "Tue", "11.3.23", "08/2025", "7.30 pm".
_DAY = re.compile(
    rf"(?<![\w$€£.,])(?:(?P<name>{'|'.join(_SHORT)})t?|(?P<day>\d\d?)[./](?P<month>\d\d?)[./](?P<year>\d\d)"
    r"|(?P<of>\d\d)/20(?P<in>\d\d)|(?P<hour>\d\d?)[.:](?P<minute>[0-5]\d)(?: ?(?P<half>[ap])m)?)\b"
)
_POSSESSIVE = re.compile(r"['\u2019]s?\Z")
_NO_NAMES = {"mr", "mrs", "ms", "dr", "prof"} | STOP_WORDS
_FRACTION = re.compile(r"\b(\d)/([2-9])\b")
_NUMBER = re.compile(r"(?<!\d)\d{1,15}(?:[.,]\d{1,15})*(?!\d)")


class About(StrEnum):
    """What may be lacking."""

    FIGURE = "figure"
    DATE = "date"
    NAME = "name"
    QUOTE = "quotation"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as the LLM sees it: the title and headings above it, and its text.

    `language` is as in `Passage`.
    """

    heading: str
    text: str
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure, date or name at `span` of a line, as shown and to compare: a name in lower case.

    A number in digits is there once more by itself. `numbers` has those in the text of a figure.
    """

    about: About
    span: Span
    text: str
    value: Figure | Given | str | float
    numbers: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, item or row with all that it is compared by, at `span` of passage `source`.

    `clauses` numbers the clause of each word, `denied` says which a "not" applies to, and `vectors`
    has a contextual vector for each, zeros where the embedder did not read it. `label` is
    the table's header or the list's lead-in, `above` has its stems and those of the headings.
    """

    text: str
    words: tuple[Word, ...]
    clauses: Sequence[int]
    denied: Sequence[bool]
    vectors: Vectors
    marks: tuple[Mark, ...]
    span: Span = (0, 0)
    source: int = 0
    label: str = ""
    above: frozenset[str] = frozenset()

    def word_at(self, start: int) -> int:
        """The index of the word at a place, or of the last one before it."""
        return max(0, sum(word.start <= start for word in self.words) - 1)


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages of an answer as read; `lines` are those of all of them in order.

    `embedder` reads the sentences to check; it is None where it cannot read the passages' script.
    """

    passages: tuple[Source, ...]
    lines: tuple[Line, ...]
    embedder: Embedder | None
    reader: Reader


def read_sources(
    sources: Sequence[Source],
    embedder: Embedder,
    *,
    reader: Reader | None = None,
    by_terms_alone: bool = False,
) -> Sources:
    """Read the sources of an answer once, for any number of sentences to check.

    Texts should fit the embedder's window, as passages do; beyond it only stems are compared.

    :param reader: says whether a line contradicts a sentence; by default the neutral one.
    :param by_terms_alone: the embedder cannot read their script (see `Question`).
    """
    cut = [
        replace(one, heading=one.heading[:MAX_CHARS], text=one.text[:MAX_CHARS]) for one in sources
    ]
    vectors: Sequence[TokenVectors | None] = [None] * len(cut)
    if not by_terms_alone:
        vectors = embedder.embed_sentences([f"{one.heading}\n{one.text}" for one in cut])
    read = enumerate(zip(cut, vectors, strict=True), start=1)
    lines = [line for n, (one, tokens) in read for line in _lines(n, one, tokens)]
    used = None if by_terms_alone else embedder
    return Sources(tuple(cut), tuple(lines), used, reader or Reader())


def _lines(number: int, source: Source, tokens: TokenVectors | None) -> Iterator[Line]:
    """The lines of a source; headings only where it has nothing else."""
    offset = len(source.heading) + len("\n")
    blocks = parse_markdown(source.text, 0).blocks
    spans = [(span, block) for block in blocks for span in unit_spans(source.text, block)]
    del spans[MAX_LINES:]
    for (start, end), block in [one for one in spans if one[1].kind not in _ABOVE] or spans:
        label = block.label or " | ".join(block.labels) if block.kind not in _ABOVE else ""
        above = words_of(f"{source.heading}\n{label}", source.language)
        line = read_line(source.text[start:end], tokens, start + offset, source.language)
        stems = frozenset(word.stem for word in above)
        if line.words:
            yield replace(line, span=(start, end), source=number, label=label, above=stems)


def read_line(
    text: str, tokens: TokenVectors | None = None, offset: int = 0, language: str = ENGLISH
) -> Line:
    """Prepare a line or a sentence for comparison.

    :param tokens: the token vectors of the larger text that has this one at `offset`; None where
        the embedder does not read it.
    """
    words = words_of(text, language)
    breaks = [found.start() for found in _BREAK.finditer(text)]
    clauses = np.searchsorted(breaks, [word.start for word in words], side="right").tolist()
    denied, vectors = _denied(text, words, clauses), _vectors(words, tokens, offset)
    return Line(text, words, clauses, denied, vectors, tuple(_marks(text, language)))


def denies(word: Word, text: str) -> bool:
    """Whether a word of a text denies what follows it."""
    return word.negates or word.text == "nor" or _WITHOUT.match(text, word.start) is not None


def _denied(text: str, words: Sequence[Word], clauses: Sequence[int]) -> list[bool]:
    """Whether each word is denied: by a "not" before it, or at the end of its clause."""
    found = [False] * len(words)
    nots = {i for i, word in enumerate(words) if denies(word, text)}
    for i in nots:
        own = [k for k in range(len(words)) if clauses[k] == clauses[i]]
        content = [k for k in own if words[k].stem and k not in nots]
        for k in [k for k in content if k > i][:_DENIED] or content[-_DENIED:]:
            found[k] = not found[k]
    return found


def _marks(text: str, language: str) -> Iterator[Mark]:
    """The figures, dates and names of a text."""
    days = list(dates_in(text, language))
    taken, measured = [span for span, _ in days], list[Span]()
    for span, given in days:
        yield Mark(About.DATE, span, text[slice(*span)], given)
    for one in figures_of(blank(text, taken), language):
        span, is_unit = (one.start, one.end), one.measured or one.unit in UNITS
        shown = text[one.start : one.end if is_unit else one.number[1]]
        numbers = frozenset(_numbers(shown)) or {float(one.low), float(one.high)}
        yield Mark(About.FIGURE, span, shown, one, frozenset(numbers))
        measured += [span] if is_unit else []
    for span, number in _numbers_in(text, days):
        if not overlaps(span, measured):  # 30 minutes are not 30 days
            yield Mark(About.FIGURE, span, text[slice(*span)], number)
    for name in names_of(text, language):
        span = name.start, name.end
        if not overlaps(span, taken) and plain_name(name.text) not in _NO_NAMES:
            yield Mark(About.NAME, span, name.text, plain_name(name.text))


def _numbers_in(text: str, days: Sequence[tuple[Span, Given]]) -> Iterator[tuple[Span, float]]:
    """The bare numbers of a text: those in digits, "1/2" in percent, and "22:00" as ten o'clock."""
    for found in _NUMBER.finditer(text):
        yield from ((found.span(), number) for number in _numbers(found[0]))
    for found in _FRACTION.finditer(text):
        yield found.span(), 100 * int(found[1]) / int(found[2])
    clocks = ((span, int(n)) for span, given in days for kind, n in given if kind == "clock")
    yield from ((span, float(minutes // 60 % 12)) for span, minutes in clocks)


def _numbers(text: str) -> list[float]:
    """The numbers in digits of a text, and the parts of those with a point or comma."""
    found = _NUMBER.findall(text)
    forms = {form for one in found for form in (one.replace(",", ""), *re.split("[.,]", one))}
    return [float(form) for form in sorted(forms) if form.count(".") < 2]


def plain_name(name: str) -> str:
    """A name in lower case and without a possessive."""
    return _POSSESSIVE.sub("", name).casefold().rstrip(".")


def dates_in(text: str, language: str = ENGLISH) -> Iterator[tuple[Span, Given]]:
    """The dates and times of a text, also in short forms; weekdays by their first letters."""
    moments = moments_of(text, language)
    for one in moments:
        parts = {name: value for name, value in one.parts if name != "zone"}
        if "weekday" in parts:
            parts["weekday"] = str(parts["weekday"])[:3]
        yield one.span, frozenset(parts.items())
    for found in _DAY.finditer(text):
        if overlaps(found.span(), [one.span for one in moments]):
            continue
        if found["name"]:
            yield found.span(), frozenset({_SHORT[found["name"]]})
        elif found["hour"]:
            hour = int(found["hour"]) % 12 + 12 * (found["half"] == "p")
            hour = hour if found["half"] else int(found["hour"])
            yield found.span(), frozenset({("clock", hour * 60 + int(found["minute"]))})
        else:
            day, month = int(found["day"] or 0), int(found["month"] or found["of"])
            given = {"day": day, "month": month, "year": 2000 + int(found["year"] or found["in"])}
            yield found.span(), frozenset((name, n) for name, n in given.items() if n)


def _vectors(words: Sequence[Word], tokens: TokenVectors | None, offset: int) -> Vectors:
    """The normalised mean of each word's token vectors, shape (words, dimensions)."""
    if tokens is None:
        return np.zeros((len(words), 1), np.float32)
    found = np.zeros((len(words), tokens.vectors.shape[1]), np.float32)
    row = 0
    for (start, end), vector in zip(tokens.spans, tokens.vectors, strict=True):
        while row < len(words) and words[row].end + offset <= start:
            row += 1
        if row < len(words) and words[row].start + offset < end:
            found[row] += vector
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(norms, 1e-9), np.float32)
