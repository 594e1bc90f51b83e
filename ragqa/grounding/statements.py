"""A stretch of text as it is compared: its words and their meaning, its figures, dates, names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.analysis import STOP_WORDS, WORD
from ragqa.answering.disagreement.dates import Moment
from ragqa.answering.disagreement.figures import Figure
from ragqa.answering.disagreement.lexicon import canonical
from ragqa.grounding.figures import read_figures
from ragqa.grounding.names import Name, Naming, names_of
from ragqa.types import TokenVectors, Vectors

Span = tuple[int, int]

MAX_CHARS = 3000
"""More of a stretch is not read: a longer one is code, or no sentence."""

# The target of a link, which a reader does not see.
_TARGET = re.compile(r"(?<=\])\([^()\n]{0,300}\)|(?<=\[\[)[^\[\]|\n]{1,200}\|")
_LEAST_SQUARE = 1e-9


@dataclass(frozen=True, slots=True)
class Word:
    """A word in lower case at these characters, with its stem, "" for one that says little."""

    text: str
    stem: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A stretch of text with all that it is compared by.

    `vectors` has a row for each of `words`, what it means in its place; zeros where the embedder
    does not read it. `naming` is what it can name things by, `names` what is clearly a name.
    """

    text: str
    words: tuple[Word, ...]
    vectors: Vectors
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]
    names: tuple[Name, ...]
    naming: Naming

    @property
    def telling(self) -> list[int]:
        """Which of its words say something."""
        return [i for i, word in enumerate(self.words) if word.stem]


def state(text: str, tokens: TokenVectors | None = None, offset: int = 0) -> Statement:
    """Read a stretch of text.

    :param tokens: the token vectors of what the stretch is a part of, which begins there at
        `offset`; None where the embedder does not read it.
    """
    seen = _TARGET.sub(lambda target: " " * len(target[0]), text[:MAX_CHARS])
    words = tuple(_words(seen))
    figures, moments = read_figures(seen)
    return Statement(
        text=seen,
        words=words,
        vectors=_vectors(words, tokens, offset),
        figures=tuple(figures),
        moments=tuple(moments),
        names=tuple(names_of(seen)),
        naming=Naming.of(seen),
    )


def _words(text: str) -> Iterator[Word]:
    for match in WORD.finditer(text):
        lower = match[0].casefold().replace("\u2019", "'")
        yield Word(lower, "" if lower in STOP_WORDS else canonical(match[0]), *match.span())


def _vectors(words: Sequence[Word], tokens: TokenVectors | None, offset: int) -> Vectors:
    """The mean of each word's token vectors, of unit length."""
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
    return np.asarray(found / np.maximum(norms, _LEAST_SQUARE), np.float32)
