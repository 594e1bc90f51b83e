"""A text prepared for comparison by its token vectors, figures, dates and names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.languages import ENGLISH
from ragqa.text.dates import Moment, moments_of
from ragqa.text.names import NAME_SHAPE, Name, NameIndex, names_of
from ragqa.text.quantities import Figure, figures_of
from ragqa.text.words import Word, blank, compiled, words_of
from ragqa.types import TokenVectors, Vectors

MAX_CHARS = 3000
"""The most of a text that is read; a longer one is code, or not a sentence."""

# The target of a link, which readers do not see.
_LINK_TARGET = r"(?<=\])\([^()\n]{0,300}\)|(?<=\[\[)[^\[\]|\n]{1,200}\|"
_MIN_NORM = 1e-9


@dataclass(frozen=True, slots=True)
class Encoded:
    """A sentence with everything it is compared by.

    `vectors` has a contextual vector per word, shape (words, dimensions); zeros where the embedder
    did not read it. `names` are what is clearly a name, `name_index` every form that may be one.
    `language` is a code of `LANGUAGES`.
    """

    text: str
    words: tuple[Word, ...]
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]
    vectors: Vectors
    names: tuple[Name, ...]
    name_index: NameIndex
    language: str = ENGLISH

    @property
    def content_words(self) -> list[int]:
        """Indices of its content words."""
        return [i for i, word in enumerate(self.words) if word.stem]


def encode(
    text: str, tokens: TokenVectors | None = None, offset: int = 0, language: str = ENGLISH
) -> Encoded:
    """Prepare a text for comparison. A number in a name, such as "GPT-4", is no figure.

    :param tokens: the token vectors of the larger text that has this one at `offset`; None where
        the embedder does not read it.
    """
    visible = compiled(_LINK_TARGET).sub(lambda target: " " * len(target[0]), text[:MAX_CHARS])
    moments = moments_of(visible, language)
    rest = blank(visible, (one.span for one in moments))
    shaped = compiled(NAME_SHAPE).finditer(rest)
    rest = blank(rest, (one.span() for one in shaped if any(map(str.isdigit, one[0]))))
    words = words_of(visible, language)
    return Encoded(
        text=visible,
        words=words,
        figures=tuple(figures_of(rest, language)),
        moments=tuple(moments),
        vectors=_vectors(words, tokens, offset),
        names=tuple(names_of(visible, language)),
        name_index=NameIndex.of(visible),
        language=language,
    )


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
