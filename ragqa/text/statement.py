"""A statement: its words, and the figures and dates in it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ragqa.languages import ENGLISH
from ragqa.text.dates import Moment
from ragqa.text.lexicon import NEGATORS, canonical
from ragqa.text.quantities import Figure
from ragqa.text.words import STOP_WORDS, WORD, index_terms, is_stop_word

_NOT_NEGATING = re.compile(
    r"\bnot (?:only|just|merely)\b|\bnothing but\b|\bno (?:more|less|fewer|later|earlier) than\b"
    r"|\bno (?:doubt|matter)\b|\bno\. ?(?=\d)|\bwhether or not\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A lower-case word at `start` to `end`, with its canonical stem, "" for a stop word."""

    text: str
    stem: str
    start: int
    end: int

    @property
    def negates(self) -> bool:
        """Whether it negates a sentence."""
        return self.text in NEGATORS or self.text.endswith("n't")


@dataclass(frozen=True, slots=True)
class Statement:
    """A text with its words, figures and dates."""

    text: str
    words: tuple[Word, ...]
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]

    @property
    def content_words(self) -> list[int]:
        """Indices of its content words."""
        return [i for i, word in enumerate(self.words) if word.stem]

    @property
    def negators(self) -> list[int]:
        """Indices of its negating words, without "not only", "no more than" and the like."""
        ignored = [found.span() for found in _NOT_NEGATING.finditer(self.text)]
        return [
            i
            for i, word in enumerate(self.words)
            if word.negates and not any(start <= word.start < end for start, end in ignored)
        ]


def words_of(text: str, language: str = ENGLISH) -> tuple[Word, ...]:
    """The words of a text; synonyms are known in English only."""
    return tuple(
        Word(lower, _stem(match[0], lower, language), *match.span())
        for match in WORD.finditer(text)
        for lower in (match[0].casefold().replace("\u2019", "'"),)
    )


def _stem(word: str, lower: str, language: str) -> str:
    if language == ENGLISH:
        return "" if lower in STOP_WORDS else canonical(word)
    return "" if is_stop_word(word, language) else next(iter(index_terms(word, language)[-1:]), "")


def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with some spans blanked, so that the other offsets stay the same."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = " " * (end - start)
    return "".join(characters)
