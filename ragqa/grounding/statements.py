"""A text prepared for comparison: its words and token vectors, figures, dates and names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.answering.disagreement.dates import Moment
from ragqa.answering.disagreement.figures import Figure
from ragqa.answering.disagreement.lexicon import canonical
from ragqa.grounding.figures import read_figures
from ragqa.grounding.names import Name, NameIndex, names_of
from ragqa.text.words import STOP_WORDS, WORD
from ragqa.types import TokenVectors, Vectors

Span = tuple[int, int]

MAX_CHARS = 3000
"""The most of a text that is read; a longer one is code, or not a sentence."""

# The target of a link, which readers do not see.
_LINK_TARGET = re.compile(r"(?<=\])\([^()\n]{0,300}\)|(?<=\[\[)[^\[\]|\n]{1,200}\|")
_MIN_NORM = 1e-9


@dataclass(frozen=True, slots=True)
class Word:
    """A lower-case word at these characters, with its stem, "" for a stop word."""

    text: str
    stem: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A text with everything it is compared by.

    `vectors` has a contextual vector per word, shape (words, dimensions); zeros where the embedder
    did not read it. `names` are what is clearly a name, `name_index` every form that may be one.
    """

    text: str
    words: tuple[Word, ...]
    vectors: Vectors
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]
    names: tuple[Name, ...]
    name_index: NameIndex

    @property
    def content_words(self) -> list[int]:
        """Indices of its content words."""
        return [i for i, word in enumerate(self.words) if word.stem]


def read_statement(text: str, tokens: TokenVectors | None = None, offset: int = 0) -> Statement:
    """Prepare a text for comparison.

    :param tokens: the token vectors of the larger text that has this one at `offset`; None where
        the embedder does not read it.
    """
    visible = _LINK_TARGET.sub(lambda target: " " * len(target[0]), text[:MAX_CHARS])
    words = tuple(_words(visible))
    figures, moments = read_figures(visible)
    return Statement(
        text=visible,
        words=words,
        vectors=_vectors(words, tokens, offset),
        figures=tuple(figures),
        moments=tuple(moments),
        names=tuple(names_of(visible)),
        name_index=NameIndex.of(visible),
    )


def _words(text: str) -> Iterator[Word]:
    for match in WORD.finditer(text):
        lower = match[0].casefold().replace("\u2019", "'")
        yield Word(lower, "" if lower in STOP_WORDS else canonical(match[0]), *match.span())


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
    return np.asarray(found / np.maximum(norms, _MIN_NORM), np.float32)
