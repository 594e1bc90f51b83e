"""A stretch of text as it is compared: its words and their meaning, figures, dates, names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ragqa.analysis import STOP_WORDS, WORD
from ragqa.answering.disagreement.figures import Figure, figures_of
from ragqa.answering.disagreement.moments import Moment, moments_of
from ragqa.answering.disagreement.wording import canonical
from ragqa.answering.mentions import names
from ragqa.grounding.numerals import in_digits
from ragqa.types import TokenVectors, Vectors

Span = tuple[int, int]

# A name by its form, wherever it stands: "GPT-4o", "LoRA", "BM25", "max_tokens".
_FORMED = re.compile(
    r"(?<![\w@#./-])(?=[\w.@#-]*[^\W\d_])"
    r"(?:(?=[\w.@#-]*\d)[^\W_][\w.@#-]*\w|[^\W_]+_\w+|\w*[a-z]\w*[A-Z]\w*|[A-Z]{2,}[A-Z]*s?)(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word in lower case with its stem, "" for one that says little by itself."""

    text: str
    stem: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A stretch of text with all that it is compared by.

    `words` are all of its words. `vectors` has a row for each of them, what it means in its place;
    no row where the embedder does not read the text, and zeros for a word beyond its window.
    `names` are the words that name something, as written.
    """

    text: str
    words: tuple[Word, ...]
    vectors: Vectors
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]
    names: tuple[str, ...]

    @property
    def stems(self) -> frozenset[str]:
        """The stems of the words that say something."""
        return frozenset(word.stem for word in self.words if word.stem)


def state(text: str, span: Span, tokens: TokenVectors | None) -> Statement:
    """Read the characters `span` of a text.

    :param tokens: the token vectors of the whole text, None where nothing can be read.
    """
    stretch = text[slice(*span)]
    found = tuple(_words(text, span))
    moments = tuple(moments_of(stretch))
    undated = _blank(stretch, ((one.start, one.end) for one in moments))
    named = tuple(_names(undated))
    unnamed = _blank(undated, (match.span() for match in _FORMED.finditer(undated)))
    return Statement(
        text=stretch,
        words=found,
        vectors=_vectors(found, tokens),
        figures=tuple(figures_of(in_digits(unnamed))),
        moments=moments,
        names=named,
    )


def _words(text: str, span: Span) -> Iterator[Word]:
    for match in WORD.finditer(text, *span):
        lower = match[0].casefold().replace("\u2019", "'")
        yield Word(lower, "" if lower in STOP_WORDS else canonical(match[0]), *match.span())


def _names(text: str) -> Iterator[str]:
    for match in _FORMED.finditer(text):
        yield match[0]
    for start, end in names(text):
        yield from (
            word[0]
            for word in WORD.finditer(text, start, end)
            if word[0][0].isupper() and word[0].casefold() not in STOP_WORDS
        )


def _vectors(words: tuple[Word, ...], tokens: TokenVectors | None) -> Vectors:
    """The mean of each word's token vectors, of unit length."""
    if tokens is None:
        return np.zeros((0, 1), np.float32)
    found = np.zeros((len(words), tokens.vectors.shape[1]), np.float32)
    row = 0
    for i, (start, end) in enumerate(tokens.spans):
        while row < len(words) and words[row].end <= start:
            row += 1
        if row < len(words) and words[row].start < end:
            found[row] += tokens.vectors[i]
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(norms, 1e-9), np.float32)


def _blank(text: str, spans: Iterator[Span]) -> str:
    """The text with white space for some characters, so that the others keep their places."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
