"""Read the cited passages once, and compare a sentence word by word with their parts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.notes.markdown import parse_markdown
from ragqa.passages.parts import unit_spans
from ragqa.readers import Reader, Text
from ragqa.text.dates import Moment, moments_of
from ragqa.text.names import Name, NameIndex, names_of
from ragqa.text.quantities import Figure, figures_of
from ragqa.text.words import Word, blank, words_of
from ragqa.types import Kind, Span, TokenVectors, Vector, Vectors

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

MAX_CHARS = 20_000
MAX_PARTS = 400
"""The most of a passage that is read; indexed passages are far shorter."""

MAX_STATEMENT_CHARS = 3000
"""The most of a statement that is read; a longer one is code, or not a sentence."""

_MIN_NORM = 1e-9
_ABOVE = (Kind.HEADING, Kind.TABLE_HEAD)

HEADING_MATCH = 0.8
"""The match of a word that is only in the headings above a part."""

COUNTERPART = 0.5
"""A word that matches at least this well has a counterpart in a source."""

MIN_SHARED = 0.2
"""The weighted share of a claim that must have counterparts: in all sources together for the best
of them to be evidence, in each further source for that one."""

MIN_GAIN = 0.03
"""How much more of the claim a further source must match to be evidence. On the tune half this
admits 34 of 38 second passages that a supported sentence needs, and 2 of 49 irrelevant ones."""

_MOST_CLAUSES = 3

_CLAUSE_END = re.compile(r"[,;:()\u2014\u2013]\s")
_MIN_CLAUSE_WORDS = 3


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
    blocks = parse_markdown(source.text, 0).blocks
    spans = [(span, block) for block in blocks for span in unit_spans(source.text, block)]
    del spans[MAX_PARTS:]
    content = [one for one in spans if one[1].kind not in _ABOVE]
    above: dict[str, Encoded] = {}
    for (start, end), block in content or spans:
        label = block.label or " | ".join(block.labels) if block.kind not in _ABOVE else ""
        if label not in above:
            above[label] = encode(f"{source.heading}\n{label}", language=source.language)
        statement = encode(source.text[start:end], tokens, start + offset, source.language)
        if statement.words:
            yield Part(number, (start, end), block.kind, statement, above[label])


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim compared with each part of the cited sources.

    `matches` has the best match of each word of the claim in each part, shape (parts, claim words):
    1 for the same stem, else the cosine. `weights` are the idf weights of the claim's words, 0 for
    stop words. `clauses` are spans of the claim.
    """

    claim: Encoded
    parts: tuple[Part, ...]
    matches: Vectors
    weights: Vector
    clauses: tuple[Span, ...]

    def words_in(self, clause: Span) -> list[int]:
        """Indices of the claim's content words that begin in a clause."""
        start, end = clause
        return [i for i in self.claim.content_words if start <= self.claim.words[i].start < end]

    def scores(self, words: Sequence[int]) -> npt.NDArray[np.float64]:
        """The weighted match of each part with some words of the claim, shape (parts,)."""
        weights = self.weights[list(words)]
        return np.asarray(self.matches[:, list(words)] @ weights / max(weights.sum(), 1e-9))


def compare(claim: Encoded, parts: Sequence[Part], idf: Idf) -> Comparison:
    """Compare a claim with at least one part."""
    similarity = _similarity(claim, [part.statement for part in parts])
    stems_above = [{word.stem for word in part.above.words if word.stem} for part in parts]
    above = np.array(
        [[HEADING_MATCH * (word.stem in one) for word in claim.words] for one in stems_above]
    )
    best = np.array([matrix.max(axis=1) for matrix in similarity])
    rarity = idf(sorted({word.stem for word in claim.words if word.stem}))
    weights = [rarity.get(word.stem, 0.0) for word in claim.words]
    return Comparison(
        claim=claim,
        parts=tuple(parts),
        matches=np.asarray(np.maximum(best, above), np.float32),
        weights=np.asarray(weights, np.float32),
        clauses=tuple(_clauses(claim)),
    )


def _similarity(claim: Encoded, parts: Sequence[Encoded]) -> tuple[Vectors, ...]:
    vectors = np.concatenate([part.vectors for part in parts])
    if claim.vectors.shape[1] == vectors.shape[1]:
        similarity = claim.vectors @ vectors.T
    else:
        # The embedder read only one of them.
        similarity = np.zeros((len(claim.words), len(vectors)), np.float32)
    places: dict[str, list[int]] = {}
    for k, word in enumerate(chain.from_iterable(part.words for part in parts)):
        places.setdefault(word.stem, []).append(k)
    for i, word in enumerate(claim.words):
        if word.stem and word.stem in places:
            similarity[i, places[word.stem]] = 1
    ends = np.cumsum([len(part.words) for part in parts])
    return tuple(np.split(similarity, ends[:-1], axis=1))


def _clauses(claim: Encoded) -> list[Span]:
    """The clauses with enough content words, or the whole claim."""
    ends = [found.end() for found in _CLAUSE_END.finditer(claim.text)]
    cuts = [0, *ends, len(claim.text)]
    starts = [claim.words[i].start for i in claim.content_words]
    long = [
        (start, end)
        for start, end in pairwise(cuts)
        if sum(start <= word < end for word in starts) >= _MIN_CLAUSE_WORDS
    ]
    return long or [(0, len(claim.text))]


def evidence_in(comparison: Comparison) -> dict[int, tuple[Span, ...]]:
    """For each source that adds something, the spans that match the claim and its clauses best."""
    content_words = comparison.claim.content_words or list(range(len(comparison.claim.words)))
    weights = comparison.weights[content_words]
    weights = weights / max(float(weights.sum()), 1e-9)
    matches = comparison.matches[:, content_words]
    sources = np.array([part.source for part in comparison.parts])
    best = matches @ weights
    counterparts = matches * (matches >= COUNTERPART)
    by_source = {int(n): matches[sources == n].max(axis=0) for n in np.unique(sources)}
    found: dict[int, set[int]] = {}
    covered = np.zeros(len(content_words))
    for number in sorted(by_source, key=lambda n: -float(best[sources == n].max())):
        own = np.flatnonzero(sources == number)
        gain = float(np.maximum(by_source[number] - covered, 0) @ weights)
        shared = counterparts[own] if found else counterparts
        if float(shared.max(axis=0) @ weights) >= MIN_SHARED and gain >= MIN_GAIN:
            found[number] = {int(own[best[own].argmax()])}
            covered = np.maximum(covered, by_source[number])
    for clause in comparison.clauses[:_MOST_CLAUSES]:
        words = comparison.words_in(clause)
        if words:
            part = int(np.argmax(comparison.scores(words)))
            if comparison.parts[part].source in found:
                found[comparison.parts[part].source].add(part)
    return {
        number: tuple(comparison.parts[part].span for part in sorted(parts))
        for number, parts in sorted(found.items())
    }
