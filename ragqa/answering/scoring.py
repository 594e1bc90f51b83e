"""How well each candidate sentence answers the question: signals of it, and their mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragqa.analysis import STOP_WORDS, WORD, index_terms
from ragqa.answering.candidates import Candidate
from ragqa.embedders import Embedder
from ragqa.types import Retrieved, TokenVectors, Vectors

ENCODED = 20
"""So many candidates are encoded; more cost time and find no better sentences."""

MEANING = 2.0
WORDS = 1.0
LEAD = 0.6
"""What the signals of meaning (cosine, MaxSim), of words (coverage, passage) and `lead` weigh."""

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Signals:
    """Raw signals, one entry a candidate, each 0 to 1 or a cosine.

    `cosine`: question against `heading: sentence`. `maxsim`: mean over the question's content
    tokens of the best cosine with a token of that (Khattab and Zaharia, "ColBERT", 2020).
    `coverage`: share of the question's idf that the sentence or its headings hold. `passage`:
    ranking score of its passage. `lead`: for the first sentence of a passage the share of the
    question's idf that its heading holds, since what stands right below a heading that asks the
    same answers it.
    """

    cosine: Column
    maxsim: Column
    coverage: Column
    passage: Column
    lead: Column


def shortlist(retrieved: Retrieved, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates worth encoding, which is what takes time, in the order given.

    They are picked by the signals that need no encoding.
    """
    if len(candidates) <= ENCODED:
        return list(candidates)
    coverage = _column(_coverage(candidate, retrieved.idf) for candidate in candidates)
    passage = _column(candidate.hit.score for candidate in candidates)
    lead = _column(_lead(candidate, retrieved.idf) for candidate in candidates)
    promise = coverage / max(float(coverage.max()), 1e-9) + _scaled(passage) + lead / 2
    kept = sorted(np.argsort(-promise, kind="stable")[:ENCODED].tolist())
    return [candidates[i] for i in kept]


def measure(retrieved: Retrieved, candidates: Sequence[Candidate], embedder: Embedder) -> Signals:
    """Measure every signal for every candidate; at least one candidate is needed."""
    texts = [sentence_in_context(candidate) for candidate in candidates]
    query = content_vectors(retrieved.question, retrieved.vectors)
    encoded = embedder.embed_sentences(texts)
    return Signals(
        cosine=_column(float(sentence.pooled @ retrieved.vectors.pooled) for sentence in encoded),
        maxsim=_column(_maxsim(query, sentence) for sentence in encoded),
        coverage=_column(_coverage(candidate, retrieved.idf) for candidate in candidates),
        passage=_column(candidate.hit.score for candidate in candidates),
        lead=_column(_lead(candidate, retrieved.idf) for candidate in candidates),
    )


def combine(signals: Signals, *, by_terms_alone: bool) -> Column:
    """One score a candidate, 0 to 1: the weighted mean of the signals, all but `lead` scaled.

    :param by_terms_alone: leave out the signals of an embedder that cannot read the question.
    """
    parts = [(WORDS, _scaled(signals.coverage)), (WORDS, _scaled(signals.passage))]
    parts.append((LEAD, signals.lead))
    if not by_terms_alone:
        parts += [(MEANING, _scaled(signals.cosine)), (MEANING, _scaled(signals.maxsim))]
    total = sum(weight for weight, _ in parts)
    weighted = [weight / total * part for weight, part in parts]
    return np.asarray(np.sum(weighted, axis=0), dtype=np.float64)


def sentence_in_context(candidate: Candidate) -> str:
    """What is encoded of a candidate: the heading that it stands under, then the sentence."""
    return f"{_heading(candidate)}: {candidate.text}"


def content_vectors(question: str, encoded: TokenVectors) -> Vectors:
    """The token vectors of the question's content words; of all its tokens where it has none."""
    spans = [
        match.span()
        for match in WORD.finditer(question)
        if match[0].casefold().replace("\u2019", "'") not in STOP_WORDS
    ]
    keep = [
        i
        for i, (start, end) in enumerate(encoded.spans)
        if any(start < stop and begin < end for begin, stop in spans)
    ]
    return encoded.vectors[keep] if keep else encoded.vectors


def _maxsim(query: Vectors, sentence: TokenVectors) -> float:
    if not len(sentence.vectors) or not len(query):
        return 0.0
    return float(np.max(query @ sentence.vectors.T, axis=1).mean())


def _coverage(candidate: Candidate, idf: Mapping[str, float]) -> float:
    trail = candidate.hit.passage.trail
    return _share(f"{trail} {candidate.unit.context} {candidate.text}", idf)


def _lead(candidate: Candidate, idf: Mapping[str, float]) -> float:
    return _share(_heading(candidate), idf) if candidate.is_lead else 0.0


def _heading(candidate: Candidate) -> str:
    passage = candidate.hit.passage
    return passage.heading[-1] if passage.heading else passage.title


def _share(text: str, idf: Mapping[str, float]) -> float:
    """The share of the question's idf that a text holds."""
    total = sum(idf.values())
    held = set(index_terms(text))
    return sum(weight for term, weight in idf.items() if term in held) / total if total else 0.0


def _scaled(values: Column) -> Column:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.ones_like(values)


def _column(values: Iterable[float]) -> Column:
    return np.fromiter(values, dtype=np.float64)
