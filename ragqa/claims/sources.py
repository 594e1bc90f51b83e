"""Read the cited passages once: their sentences, and what each is compared by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.notes.markdown import parse_markdown
from ragqa.passages.parts import unit_spans
from ragqa.readers import Reader, Text
from ragqa.text.dates import Moment, moments_of
from ragqa.text.names import Name, NameIndex, names_of
from ragqa.text.quantities import Figure, figures_of
from ragqa.text.words import Word, blank, words_of
from ragqa.types import Block, Kind, Span, TokenVectors, Vectors

MAX_CHARS = 20_000
MAX_PARTS = 400
"""The most of a passage that is read; indexed passages are far shorter."""

MAX_STATEMENT_CHARS = 3000
"""The most of a statement that is read; a longer one is code, or not a sentence."""

_MIN_NORM = 1e-9
_ABOVE = (Kind.HEADING, Kind.TABLE_HEAD)


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as the LLM sees it: the title and headings above it, and its text.

    `language` is as in `Passage`.
    """

    heading: str
    text: str
    language: str = ENGLISH


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


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence, item, row or block of code, at `span` of a source's text.

    `source` is its citation number, from 1. `above` has the headings over it, and its table's
    header or its list's lead-in.
    """

    source: int
    span: Span
    kind: Kind
    statement: Encoded
    above: Encoded


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of an answer as read.

    `parts` are those of all sources in order. `embedder` reads the sentences to check; it is None
    where it cannot read the sources' script. `reader` judges source and sentence together.
    """

    texts: tuple[Text, ...]
    parts: tuple[Part, ...]
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

    :param reader: judges whether the sources support a sentence; by default the neutral one.
    :param by_terms_alone: the embedder cannot read their script (see `Question`).
    """
    cut = [
        replace(one, heading=one.heading[:MAX_CHARS], text=one.text[:MAX_CHARS]) for one in sources
    ]
    encoded: Sequence[TokenVectors | None] = [None] * len(cut)
    if not by_terms_alone:
        encoded = embedder.embed_sentences([f"{one.heading}\n{one.text}" for one in cut])
    read = list(zip(cut, encoded, strict=True))
    return Sources(
        texts=tuple(Text(one.heading, one.text) for one in cut),
        parts=tuple(
            part
            for number, (one, tokens) in enumerate(read, start=1)
            for part in _parts(number, one, tokens)
        ),
        embedder=None if by_terms_alone else embedder,
        reader=reader or Reader(),
    )


def _parts(number: int, source: Source, tokens: TokenVectors | None) -> Iterator[Part]:
    """The parts of a source; headings only where it has nothing else."""
    offset = len(source.heading) + len("\n")
    spans = list(_spans(source.text))[:MAX_PARTS]
    content = [one for one in spans if one[1].kind not in _ABOVE]
    above: dict[str, Encoded] = {}
    for (start, end), block in content or spans:
        label = block.label or " | ".join(block.labels) if block.kind not in _ABOVE else ""
        if label not in above:
            above[label] = encode(f"{source.heading}\n{label}", language=source.language)
        statement = encode(source.text[start:end], tokens, start + offset, source.language)
        if statement.words:
            yield Part(number, (start, end), block.kind, statement, above[label])


def _spans(text: str) -> Iterator[tuple[Span, Block]]:
    for block in parse_markdown(text, 0).blocks:
        yield from ((span, block) for span in unit_spans(text, block))


def encode(
    text: str, tokens: TokenVectors | None = None, offset: int = 0, language: str = ENGLISH
) -> Encoded:
    """Prepare a text for comparison.

    :param tokens: the token vectors of the larger text that has this one at `offset`; None where
        the embedder does not read it.
    """
    text = text[:MAX_STATEMENT_CHARS]
    moments = moments_of(text, language)
    rest = blank(text, (one.span for one in moments))
    words = words_of(text, language)
    return Encoded(
        text=text,
        words=words,
        figures=tuple(figures_of(rest, language)),
        moments=tuple(moments),
        vectors=_vectors(words, tokens, offset),
        names=tuple(names_of(text, language)),
        name_index=NameIndex.of(text),
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
