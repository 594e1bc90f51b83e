"""How well each candidate sentence answers the question: signals of it, and their mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ragqa.analysis import index_terms
from ragqa.answering.candidates import Candidate
from ragqa.answering.reading import Reading, maxsim

MEANING = 2.0
WORDS = 1.0
LEAD = 0.6
"""What the signals of meaning (cosine, MaxSim), of words (coverage, passage) and `lead` weigh."""

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Signals:
    """Raw signals, one entry a candidate, each 0 to 1 or a cosine.

    `cosine`: question against the mean of the sentence's token vectors. `maxsim`: mean over the
    question's content tokens of the best cosine with a token of the sentence or its headings.
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


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score, 0 to 1, and what each signal adds to it, by name."""

    candidate: Candidate
    score: float
    parts: Mapping[str, float]


def measure(reading: Reading, candidates: Sequence[Candidate]) -> Signals:
    """Measure every signal for every candidate; at least one candidate is needed."""
    idf = reading.retrieved.idf
    close = [_closeness(reading, candidate) for candidate in candidates]
    return Signals(
        cosine=_column(cosine for cosine, _ in close),
        maxsim=_column(best for _, best in close),
        coverage=_column(_coverage(candidate, idf) for candidate in candidates),
        passage=_column(candidate.hit.score for candidate in candidates),
        lead=_column(_lead(candidate, idf) for candidate in candidates),
    )


def _closeness(reading: Reading, candidate: Candidate) -> tuple[float, float]:
    """Cosine and MaxSim of a candidate; 0 where the embedder could not read the question.

    The vectors of its tokens come from reading the whole passage, so they know what "it" is. The
    tokens of title and headings count for MaxSim: what they say need not be said again.
    """
    passage = candidate.hit.passage
    if passage.id not in reading.tokens:
        return 0.0, 0.0
    own, above = reading.of_unit(passage, candidate.unit)
    if not len(own):
        return 0.0, 0.0
    pooled = own.mean(axis=0)
    length = max(float(np.linalg.norm(pooled)), 1e-9)
    cosine = float(pooled @ reading.retrieved.vectors.pooled) / length
    return cosine, maxsim(reading.query, np.concatenate([own, above]))


def combine(
    candidates: Sequence[Candidate], signals: Signals, *, by_terms_alone: bool
) -> list[Scored]:
    """Score every candidate by the weighted mean of its signals, all but `lead` scaled.

    :param by_terms_alone: leave out the signals of an embedder that cannot read the question.
    """
    weighted = {
        "coverage": (WORDS, _scaled(signals.coverage)),
        "passage": (WORDS, _scaled(signals.passage)),
        "lead": (LEAD, signals.lead),
    }
    if not by_terms_alone:
        weighted |= {
            "cosine": (MEANING, _scaled(signals.cosine)),
            "maxsim": (MEANING, _scaled(signals.maxsim)),
        }
    total = sum(weight for weight, _ in weighted.values())
    columns = {name: weight / total * column for name, (weight, column) in weighted.items()}
    scored = []
    for i, candidate in enumerate(candidates):
        parts = {name: float(column[i]) for name, column in columns.items()}
        scored.append(Scored(candidate, sum(parts.values()), parts))
    return scored


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
