"""Whether a sentence is supported by the sources that it cites, and by which of their sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ragqa.grounding.anchors import unheld
from ragqa.grounding.comparing import Comparison, Idf, compare
from ragqa.grounding.doubts import Doubt, strengths
from ragqa.grounding.model import Models, shipped
from ragqa.grounding.orders import overstated, swapped
from ragqa.grounding.polarity import turned
from ragqa.grounding.quotes import misquoted
from ragqa.grounding.sources import Sources
from ragqa.grounding.statements import Span, state

MAX_CHARS = 2000
"""More of a sentence is not looked at."""

STRETCH = 4
"""How far a claim is met is told by its weakest stretch of so many telling words in a row: half a
sentence that sources do not say must not be made up for by the other half."""

TOLD_FROM = 0.5
"""Doubts from this strength on are told."""

_UNMET = 0.45
_SHOWN = 80
_MOST_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Support:
    """How far sources support a sentence.

    `score` is the probability that they do. `against` are short phrases on what speaks against it.
    `evidence` has for each source cited the characters of its text that support it best.
    """

    score: float
    supported: bool
    against: tuple[str, ...] = ()
    evidence: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signals:
    """What tells whether a claim is supported.

    `met` is how far its weakest stretch is met, which stands at `weakest` in the claim.
    """

    met: float
    weakest: Span
    doubts: tuple[Doubt, ...]
    evidence: Mapping[int, tuple[Span, ...]]


def support_of(
    sentence: str,
    cited: Sequence[int],
    sources: Sources,
    idf: Idf,
    *,
    models: Models | None = None,
) -> Support:
    """Judge how far the sources cited support a sentence. It takes any text, and never raises.

    :param cited: the numbers of sources, from 1; those that no source has are passed over.
    """
    signals = signals_of(sentence, cited, sources, idf)
    if signals is None:
        return Support(0.0, supported=False, against=("no source that says anything",))
    fitted = models or shipped()
    model = fitted.terms if sources.embedder is None else fitted.all
    score = model.probability(signals.met, strengths(signals.doubts))
    supported = score >= model.threshold
    against = [doubt.said for doubt in signals.doubts if doubt.strength >= TOLD_FROM]
    if not supported and (signals.met < _UNMET or not against):
        said = " ".join(sentence[slice(*signals.weakest)].split())
        shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}\u2026"
        against.append(f'not said in these words: "{shown}"')
    return Support(score, supported, tuple(dict.fromkeys(against)), signals.evidence)


def signals_of(sentence: str, cited: Sequence[int], sources: Sources, idf: Idf) -> Signals | None:
    """Measure what tells; None where the sentence, or what it cites, has no words."""
    text = sentence[:MAX_CHARS]
    parts = [part for part in sources.parts if part.source in cited]
    tokens = sources.embedder.embed_sentences([text])[0] if sources.embedder else None
    claim = state(text, tokens)
    if not parts or not claim.words:
        return None
    comparison = compare(claim, parts, idf)
    # Words alone meet nothing of what is said in other words: then the whole sentence must do.
    stretch = STRETCH if tokens is not None else len(claim.words)
    met, weakest = _weakest(comparison, stretch)
    texts = [sources.texts[n - 1] for n in sorted({part.source for part in parts})]
    doubts = (
        *unheld(comparison),
        *turned(comparison),
        *swapped(comparison),
        *overstated(comparison),
        *misquoted(text, texts),
    )
    return Signals(met, weakest, doubts, _evidence(comparison))


def _weakest(comparison: Comparison, stretch: int) -> tuple[float, Span]:
    """How far the weakest stretch of a claim is met by any part, and where it stands."""
    words = comparison.claim.words
    telling = comparison.claim.telling or list(range(len(words)))
    best = comparison.met.max(axis=0)[telling]
    starts = range(max(1, len(telling) - stretch + 1))
    means = [float(best[i : i + stretch].mean()) for i in starts]
    first = int(np.argmin(means))
    last = min(first + stretch, len(telling)) - 1
    met = max(0.0, min(1.0, means[first]))
    return met, (words[telling[first]].start, words[telling[last]].end)


def _evidence(comparison: Comparison) -> dict[int, tuple[Span, ...]]:
    """For each source the parts that say most of the claim and of its clauses."""
    everything = list(range(len(comparison.claim.words)))
    by_source: dict[int, list[int]] = {}
    for number, part in enumerate(comparison.parts):
        by_source.setdefault(part.source, []).append(number)
    whole = comparison.scores(everything)
    found = {source: {max(numbers, key=whole.__getitem__)} for source, numbers in by_source.items()}
    for clause in comparison.clauses[:_MOST_EVIDENCE]:
        scores = comparison.scores(comparison.words_in(clause) or everything)
        best = int(np.argmax(scores))
        found[comparison.parts[best].source].add(best)
    return {
        source: tuple(comparison.parts[number].span for number in sorted(numbers))
        for source, numbers in found.items()
    }
