"""Read the cited passages once, line by line: words, figures, dates, names, and what is denied."""

import re
from bisect import bisect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TypeAlias

import numpy as np

from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.notes.markdown import parse_markdown
from ragqa.notes.struck import struck_spans
from ragqa.passages.parts import unit_spans
from ragqa.readers import Reader
from ragqa.text.dates import Moment, moments_of
from ragqa.text.lexicon import MONTHS, STOP_WORDS, UNITS, WEEKDAYS, rows
from ragqa.text.names import names_of
from ragqa.text.quantities import Figure, figures_of
from ragqa.text.words import Word, blank, overlaps, stem, words_of
from ragqa.types import Kind, Span, TokenVectors, Vectors

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

MAX_CHARS = 20_000
"""The most of a passage that is read; indexed passages are far shorter."""

_DENIED, _OTHER_CLAUSE = 2, 0.7
"""How many content words a "not" denies, and what a word of another clause counts."""

_BREAK = re.compile(
    r"[,;:()|\u2192.!?]\s|->|\s[\u2013\u2014(-]|\b(?:but|while|whereas)\b"
    r"|\band (?=not\b|no\b|never\b)"
)
# As notes shorten them: "Tue", "Jun", "11.3.23".
_NAMED: dict[str, tuple[str, int | str]]
_NAMED = {name[:3].title(): ("weekday", name) for name in WEEKDAYS}
_NAMED |= {name[:3].title(): ("month", n) for n, name in enumerate(MONTHS, start=1)}
_SHORT = re.compile(
    rf"(?<![\w$€£.,])(?:(?P<name>{'|'.join(_NAMED)})t?"
    r"|(?P<day>\d\d?)[./](?P<month>\d\d?)[./](?P<year>\d\d))\b"
)


class About(StrEnum):
    """The kinds of things that a line says; `NOT` is whether a word of it is denied."""

    FIGURE = "figure"
    DATE = "date"
    NAME = "name"
    QUOTE = "quotation"
    WORD = "word"
    NOT = "not"


LOOKED_UP = (About.FIGURE, About.DATE, About.NAME)


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage as the LLM sees it: the title and headings above it, and its text.

    `language` is as in `Passage`.
    """

    heading: str
    text: str
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class Item:
    """A figure, date, name or word of a line, and the `value` by which it is compared.

    It begins at the character `start`, in the word of number `word`. `kind` is what a figure counts
    or the pair of a word with an opposite (`before|after`), whose value is its side, 0 or 1. For
    `About.NOT` it is a word's stem, and the value is whether that is denied.
    """

    about: About
    start: int
    text: str
    value: Figure | Moment | str | int
    kind: str = ""
    word: int = 0

    @property
    def rivals(self) -> tuple[About, str]:
        """What an item must have in common with this one to be compared with it."""
        return self.about, "" if self.about in LOOKED_UP else self.kind


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A sentence, item or row with all that it is compared by, at `span` of passage `source`.

    `clauses` numbers the clause of each word, and `vectors` has a contextual vector for each, zeros
    where the embedder did not read it. `above` has the headings and the table's header or the
    list's lead-in.
    """

    text: str
    words: tuple[Word, ...]
    clauses: Sequence[int]
    vectors: Vectors
    items: tuple[Item, ...]
    span: Span = (0, 0)
    source: int = 0
    above: str = ""

    def beside(self, item: Item) -> Vectors:
        """The weight of each word among what stands around an item: less in another clause."""
        clauses = np.array(self.clauses)
        return np.where(clauses == clauses[item.word], 1, _OTHER_CLAUSE).astype(np.float32)

    def named(self, names: Collection[object]) -> list[Item]:
        """Its items; a capitalised word is a name, too, if it is one elsewhere."""
        by_word = {item.word: item for item in self.items if item.about is About.NAME}
        for k, word in enumerate(self.words):
            name = plain_name(written := self.text[word.start : word.end])
            if written[0].isupper() and name in names:
                by_word.setdefault(k, Item(About.NAME, word.start, written, name, word=k))
        return [*(item for item in self.items if item.about is not About.NAME), *by_word.values()]


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages of an answer as read; `lines` are those of all of them in order.

    `embedder` reads the sentences to check; it is None where it cannot read the passages' script.
    """

    passages: tuple[CitedPassage, ...]
    lines: tuple[ReadLine, ...]
    embedder: Embedder | None
    reader: Reader


def read_sources(
    sources: Sequence[CitedPassage],
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
    most = slice(MAX_CHARS)
    cut = [
        replace(source, heading=source.heading[most], text=source.text[most]) for source in sources
    ]
    vectors: Sequence[TokenVectors | None] = [None] * len(cut)
    if not by_terms_alone:
        vectors = embedder.embed_sentences([f"{source.heading}\n{source.text}" for source in cut])
    read = enumerate(zip(cut, vectors, strict=True), start=1)
    lines = tuple(line for n, (source, tokens) in read for line in _lines(n, source, tokens))
    return Sources(tuple(cut), lines, None if by_terms_alone else embedder, reader or Reader())


def _lines(number: int, source: CitedPassage, tokens: TokenVectors | None) -> Iterator[ReadLine]:
    """The lines of a source; headings only where it has nothing else."""
    blocks = parse_markdown(source.text, 0).blocks
    standing = blank(source.text, struck_spans(source.text))
    units = [(span, block) for block in blocks for span in unit_spans(source.text, block)]
    heads = (Kind.HEADING, Kind.TABLE_HEAD)
    for span, block in [unit for unit in units if unit[1].kind not in heads] or units[:1]:
        label = "" if block.kind in heads else block.label or " | ".join(block.labels)
        offset = len(source.heading) + len("\n") + span[0]
        line = read_line(standing[slice(*span)], tokens, offset, source.language)
        if line.words:
            yield replace(line, span=span, source=number, above=f"{source.heading}\n{label}")


def read_line(
    text: str, tokens: TokenVectors | None = None, offset: int = 0, language: str = ENGLISH
) -> ReadLine:
    """Prepare a line or a sentence for comparison.

    :param tokens: the token vectors of the larger text that has this one at `offset`; None where
        the embedder does not read it.
    """
    words = words_of(text, language)
    starts = [word.start for word in words]
    breaks = [match.start() for match in _BREAK.finditer(text)]
    clauses = np.searchsorted(breaks, starts, side="right").tolist()
    marks = [*_marks(text, language)]
    at = np.searchsorted(starts, [mark.start for mark in marks], side="right").tolist()
    marks = [replace(mark, word=max(0, n - 1)) for mark, n in zip(marks, at, strict=True)]
    items = (*marks, *_sides(text, words, clauses))
    return ReadLine(text, words, clauses, _vectors(words, tokens, offset), items)


def _marks(text: str, language: str) -> Iterator[Item]:
    """The figures, dates and names of a text."""
    days = moments_of(text, language)
    for match in _SHORT.finditer(text):
        if not overlaps(match.span(), [day.span for day in days]):
            parts = [(name, int(n)) for name, n in match.groupdict().items() if n and n.isdigit()]
            parts = [(name, n + 2000 * (name == "year")) for name, n in parts]
            days.append(Moment(tuple(parts) or (_NAMED[match[0][:3]],), *match.span()))
    for day in days:
        yield Item(About.DATE, day.start, text[slice(*day.span)], day)
    taken = [day.span for day in days]
    for figure in figures_of(blank(text, taken), language):
        is_unit = figure.measured or figure.unit in UNITS
        shown = text[figure.start : figure.end if is_unit else figure.number[1]]
        # Years and hours do not stand for each other.
        kind = UNITS.get(figure.unit.removesuffix("s"), figure.measures.split(" ")[0])
        yield Item(About.FIGURE, figure.start, shown, figure, str(kind))
    for name in names_of(text, language):
        is_stressed = name.text.isupper() and name.text.casefold() in STOP_WORDS  # "NOT"
        if not is_stressed and not overlaps((name.start, name.end), taken):
            yield Item(About.NAME, name.start, name.text, plain_name(name.text))


def _sides(text: str, words: Sequence[Word], clauses: Sequence[int]) -> Iterator[Item]:
    """Whether each content word is denied, and the side of those with an opposite."""
    denied = [word.text.startswith("un") for word in words]
    nots = [denies(word, text) for word in words]
    content = [i for i, word in enumerate(words) if word.stem and not nots[i]]
    clause = {n: [i for i in content if clauses[i] == n] for n in set(clauses) if any(nots)}
    for i in np.flatnonzero(nots).tolist():
        own = clause[clauses[i]]
        for k in own[bisect(own, i) :][:_DENIED] or own[-_DENIED:]:
            denied[k] = not denied[k]
    for i, word in enumerate(words):
        if word.stem:
            bare = stem(word.text[2:]) if word.text.startswith("un") else word.term
            yield Item(About.NOT, word.start, word.text, denied[i], bare, i)
        for row, side in _opposites().get(word.term, ()):
            yield Item(About.WORD, word.start, word.text, side, row, i)


def denies(word: Word, text: str) -> bool:
    """Whether a word of a text denies what follows it."""
    shown = text[word.start : word.start + len("w/o")].casefold()
    return word.negates or word.text == "nor" or shown == "w/o"


@cache
def _opposites() -> Mapping[str, Sequence[tuple[str, int]]]:
    """Maps a term to the rows that have it, and to its side there."""
    sides = [
        (row, n, side.split()) for row in rows("opposites") for n, side in enumerate(row.split("|"))
    ]
    terms = {stem(word) for *_, words in sides for word in words}
    return {
        term: [(row, n) for row, n, words in sides if term in map(stem, words)] for term in terms
    }


def plain_name(name: str) -> str:
    """A name in lower case and without a possessive."""
    return re.sub(r"['\u2019]s?\Z", "", name).casefold().rstrip(".")


def _vectors(words: Sequence[Word], tokens: TokenVectors | None, offset: int) -> Vectors:
    """The normalised mean of each word's token vectors, shape (words, dimensions)."""
    if tokens is None:
        return np.zeros((len(words), 1), np.float32)
    starts, ends = np.array(tokens.spans).reshape(-1, 2).T - offset
    vectors = np.zeros((len(words), tokens.vectors.shape[1]), np.float32)
    for row, word in enumerate(words):
        vectors[row] = tokens.vectors[(starts < word.end) & (ends > word.start)].sum(axis=0)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), np.float32)
