"""Whether a sentence of an answer is supported by the passages that it cites.

sources = read_sources([Source(heading, text), ...], embedder)
support = support_of(sentence, [1, 3], sources, snapshot.idf)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ragqa.answering.disagreement.wording import NEGATORS
from ragqa.grounding.sources import Part, Source, Sources, read_sources
from ragqa.grounding.statements import Span, Statement, state

__all__ = ["Idf", "Source", "Sources", "Support", "read_sources", "support_of"]

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

SUPPORTED_FROM = 0.5
MAX_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Support:
    """How far the cited passages support a sentence.

    `score` is the probability that they do, `against` are short phrases on what speaks against it.
    `evidence` has for each cited source the characters of its text that support it best.
    """

    score: float
    supported: bool
    against: tuple[str, ...] = ()
    evidence: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)


def support_of(sentence: str, cited: Sequence[int], sources: Sources, idf: Idf) -> Support:
    """Judge how far the sources cited support a sentence. It takes any text and never raises.

    :param cited: the numbers of the sources, from 1; those of none are passed over.
    """
    text = sentence[:MAX_CHARS]
    tokens = sources.embedder.embed_query(text) if sources.embedder is not None else None
    claim = state(text, (0, len(text)), tokens)
    parts = [part for part in sources.parts if part.source in cited]
    if not parts or not claim.words:
        return Support(0.0, supported=False, against=("no passage is cited",) if not parts else ())
    likeness = [_likeness(claim, part.statement, idf) for part in parts]
    best = max(range(len(parts)), key=likeness.__getitem__)
    against = tuple(_against(claim, parts))
    score = float(np.clip(likeness[best] * 0.5 ** len(against), 0, 1))
    evidence = {
        part.source: (part.span,)
        for value, part in sorted(zip(likeness, parts, strict=True), key=lambda pair: pair[0])
    }
    return Support(score, score >= SUPPORTED_FROM, against, evidence)


def _likeness(claim: Statement, part: Statement, idf: Idf) -> float:
    weights = idf(sorted(claim.stems))
    total = sum(weights.values())
    held = sum(weight for stem, weight in weights.items() if stem in part.stems)
    coverage = held / total if total else 0.0
    if not len(claim.vectors) or not len(part.vectors):
        return coverage
    content = [i for i, word in enumerate(claim.words) if word.stem] or list(
        range(len(claim.words))
    )
    met = (claim.vectors[content] @ part.vectors.T).max(axis=1).mean()
    return float(coverage + met) / 2


def _against(claim: Statement, parts: Sequence[Part]) -> list[str]:
    text = " ".join(part.statement.text for part in parts).casefold()
    found = [f"the name {name}" for name in claim.names if name.casefold() not in text]
    values = {
        value for part in parts for one in part.statement.figures for value in (one.low, one.high)
    }
    found += [f"the figure {one.low}" for one in claim.figures if not {one.low, one.high} <= values]
    no = any(word.text in NEGATORS for word in claim.words)
    if no and not any(word.text in NEGATORS for part in parts for word in part.statement.words):
        found.append("says no where the note does not")
    return found
