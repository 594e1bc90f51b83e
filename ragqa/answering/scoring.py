"""How well each candidate sentence answers the question: signals of it, and their mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragqa.analysis import STOP_WORDS, index_terms
from ragqa.answering.candidates import Candidate
from ragqa.embedders import Embedder
from ragqa.types import Retrieved, TokenVectors

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Signals:
    """Raw signals, one entry a candidate, each 0 to 1 or a cosine.

    `cosine`: question against `title: sentence`. `maxsim`: mean over the question's content tokens
    of the best cosine with a token of the sentence (Khattab and Zaharia, "ColBERT", 2020), and
    `weakest` the least of these. `coverage`: share of the question's idf that the sentence or its
    headings hold, and `own_coverage` the sentence alone. `passage`: ranking score of its passage.
    """

    cosine: Column
    maxsim: Column
    weakest: Column
    coverage: Column
    own_coverage: Column
    passage: Column


def measure(retrieved: Retrieved, candidates: Sequence[Candidate], embedder: Embedder) -> Signals:
    """Measure every signal for every candidate; at least one candidate is needed."""
    texts = [sentence_in_context(candidate) for candidate in candidates]
    query = content_vectors(retrieved.question, retrieved.vectors)
    encoded = embedder.embed_sentences(texts)
    best = [
        np.max(query @ sentence.vectors.T, axis=1)
        if len(sentence.vectors)
        else np.zeros(len(query))
        for sentence in encoded
    ]
    covered = [_coverage(candidate, retrieved.idf) for candidate in candidates]
    return Signals(
        cosine=_column(float(sentence.pooled @ retrieved.vectors.pooled) for sentence in encoded),
        maxsim=_column(float(row.mean()) for row in best),
        weakest=_column(float(row.min()) for row in best),
        coverage=_column(both for both, _ in covered),
        own_coverage=_column(own for _, own in covered),
        passage=_column(candidate.hit.score for candidate in candidates),
    )


def combine(signals: Signals, *, by_terms_alone: bool) -> Column:
    """One score a candidate, 0 to 1: the mean of the signals, each min-max scaled.

    :param by_terms_alone: leave out the signals of an embedder that cannot read the question.
    """
    parts = [signals.coverage, signals.passage]
    if not by_terms_alone:
        parts += [signals.cosine, signals.maxsim]
    return np.asarray(np.mean([_scaled(part) for part in parts], axis=0), dtype=np.float64)


def sentence_in_context(candidate: Candidate) -> str:
    """What is encoded of a candidate: its note's title, then the sentence."""
    return f"{candidate.hit.passage.title}: {candidate.text}"


def content_vectors(question: str, encoded: TokenVectors) -> npt.NDArray[np.float32]:
    """The token vectors of the question's content words; of all its tokens where it has none."""
    spans = [
        match.span()
        for match in _WORD.finditer(question)
        if match[0].casefold().replace("\u2019", "'") not in STOP_WORDS
    ]
    keep = [
        i
        for i, (start, end) in enumerate(encoded.spans)
        if any(start < stop and begin < end for begin, stop in spans)
    ]
    return encoded.vectors[keep] if keep else encoded.vectors


def _coverage(candidate: Candidate, idf: Mapping[str, float]) -> tuple[float, float]:
    total = sum(idf.values())
    if not total:
        return 0.0, 0.0
    own = set(index_terms(f"{candidate.text} {candidate.unit.context}"))
    both = own | set(index_terms(candidate.hit.passage.trail))
    return (
        sum(weight for term, weight in idf.items() if term in both) / total,
        sum(weight for term, weight in idf.items() if term in own) / total,
    )


def _scaled(values: Column) -> Column:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.ones_like(values)


def _column(values: Iterable[float]) -> Column:
    return np.fromiter(values, dtype=np.float64)
