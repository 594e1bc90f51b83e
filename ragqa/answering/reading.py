"""Rerank the best passages by late interaction of token vectors (MaxSim)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ragqa.answering.sentences import sources_of
from ragqa.answering.stretch import Stretch
from ragqa.embedders import Embedder
from ragqa.languages import ENGLISH
from ragqa.search.question import Question
from ragqa.text.words import WORD, is_stop_word
from ragqa.types import Hit, Kind, TokenVectors, Vector, Vectors

MAXSIM_WEIGHT = 0.6
"""The weight of MaxSim relative to the ranking score."""

_CAUTION = 4
"""The power of the share that the embedder can read, for the weight of MaxSim: half understood, it
misleads."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The question, and the passages as read.

    `hits` are those of the search, the reranked ones first. `tokens` maps a passage's id to its
    token vectors. `query` has those of the question's content words, shape (tokens, dimensions),
    and `query_spans` their characters in the question. All three are empty if the embedder cannot
    read the question.
    """

    question: Question
    hits: tuple[Hit, ...]
    query: Vectors
    query_spans: Sequence[tuple[int, int]]
    tokens: Mapping[int, TokenVectors]

    def of(self, sentence: Stretch) -> tuple[Vectors, Vectors]:
        """The token vectors of a sentence, and of its title and headings.

        Both have the shape (tokens, dimensions). A heading within the passage is that of its
        section alone. Both are empty if the passage was not read.
        """
        passage = sentence.passage
        tokens = self.tokens.get(passage.id)
        if tokens is None:
            return self.query[:0], self.query[:0]
        head = len(passage.trail) + len("\n")
        shift = head - passage.start
        start, end = (at + shift for at in sentence.span)
        inside = [
            (unit.start + shift, unit.end + shift)
            for unit in passage.units
            if unit.kind is Kind.HEADING and unit.section == sentence.unit.section
        ]
        own = [i for i, (s, e) in enumerate(tokens.spans) if s < end and start < e]
        above = [
            i
            for i, (s, e) in enumerate(tokens.spans)
            if e < head or any(s < last and first < e for first, last in inside)
        ]
        return tokens.vectors[own], tokens.vectors[above]


def read(question: Question, found: tuple[Hit, ...], embedder: Embedder) -> Reading:
    """Encode the best passages and rerank them by MaxSim with the question.

    MaxSim is the mean over the question's content tokens of the best cosine with a token of the
    passage (Khattab and Zaharia, "ColBERT", 2020), here with the embedder's own token vectors.
    """
    first = sources_of(found)
    rest = [hit for hit in found if hit not in first]
    if question.by_terms_alone:
        no_tokens = question.vectors.vectors[:0]
        return Reading(question, (*first, *rest), no_tokens, (), {})
    encoded = embedder.embed_sentences([hit.passage.embedded_text for hit in first])
    content = content_tokens(question.text, question.vectors, question.language)
    query = question.vectors.vectors[content]
    closeness = [maxsim(query, tokens.vectors) for tokens in encoded]
    weight = MAXSIM_WEIGHT * question.readable**_CAUTION
    scores = [
        hit.score + weight * (value - min(closeness))
        for hit, value in zip(first, closeness, strict=True)
    ]
    order = sorted(range(len(first)), key=lambda i: -scores[i])
    hits = (*(replace(first[i], score=scores[i]) for i in order), *rest)
    tokens = {hit.passage.id: one for hit, one in zip(first, encoded, strict=True)}
    return Reading(
        question=question,
        hits=hits,
        query=query,
        query_spans=[question.vectors.spans[i] for i in content],
        tokens=tokens,
    )


def content_tokens(question: str, encoded: TokenVectors, language: str = ENGLISH) -> list[int]:
    """Indices of the tokens of the question's content words; all where it has none."""
    spans = [
        match.span() for match in WORD.finditer(question) if not is_stop_word(match[0], language)
    ]
    found = [
        i
        for i, (start, end) in enumerate(encoded.spans)
        if any(start < stop and begin < end for begin, stop in spans)
    ]
    return found or list(range(len(encoded.spans)))


def best_cosines(query: Vectors, tokens: Vectors) -> Vector:
    """The best cosine of each query token with the tokens, 0 without any; shape (query tokens,)."""
    if not len(tokens):
        return np.zeros(len(query), dtype=np.float32)
    best: Vector = np.max(query @ tokens.T, axis=1)
    return best


def maxsim(query: Vectors, tokens: Vectors) -> float:
    """The mean best cosine of the query tokens with the tokens, 0 without query tokens."""
    return float(best_cosines(query, tokens).mean()) if len(query) else 0.0
