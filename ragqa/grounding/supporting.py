"""Whether a sentence is supported by the sources that it cites, and by which of their sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ragqa.analysis import WORD
from ragqa.grounding.code import is_code, names_in, read_code
from ragqa.grounding.comparing import Comparison, Idf, compare
from ragqa.grounding.contradictions import About, Doubt, strengths
from ragqa.grounding.entity_check import unheld
from ragqa.grounding.evidence import evidence_in
from ragqa.grounding.model import Models, shipped
from ragqa.grounding.orders import overstated, swapped
from ragqa.grounding.polarity import turned
from ragqa.grounding.quotes import misquoted
from ragqa.grounding.sources import Part, Sources
from ragqa.grounding.statements import MAX_CHARS, Span, state
from ragqa.readers import Reader, Text

MAX_WORDS = 300
MAX_ANCHORS = 40
"""A sentence of more words, or of more figures, dates and names, is not checked."""

STRETCH = 4
"""How far a claim is met is told by its weakest stretch of so many telling words in a row: half a
sentence that sources do not say must not be made up for by the other half."""

TOO_LONG = "too long to check"
NOTHING_SAID = "nothing that can be checked"

TOLD_FROM = 0.5
"""Doubts from this strength on are told."""

_UNMET = 0.45
_SHOWN = 80


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

    `met` is how far its weakest stretch is met, which stands at `weakest` in the claim, and how far
    all of it is, by the weight of its words.
    """

    met: tuple[float, float]
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
    read = signals_of(sentence, cited, sources, idf)
    if isinstance(read, str):
        return Support(0.0, supported=False, against=(read,))
    fitted = models or shipped()
    model = fitted.terms if sources.embedder is None else fitted.all
    score = model.probability(read.met, strengths(read.doubts))
    supported = score >= model.threshold
    against = [doubt.said for doubt in read.doubts if doubt.strength >= TOLD_FROM]
    if not supported and (read.met[0] < _UNMET or not against):
        said = " ".join(sentence[slice(*read.weakest)].split())
        shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}\u2026"
        against.append(f'not said in these words: "{shown}"')
    return Support(score, supported, tuple(dict.fromkeys(against)), read.evidence)


def signals_of(sentence: str, cited: Sequence[int], sources: Sources, idf: Idf) -> Signals | str:
    """Measure what tells; where nothing can be measured, the reason."""
    parts = [part for part in sources.parts if part.source in cited]
    if not parts:
        return "no source that says anything"
    if len(sentence) > MAX_CHARS or len(WORD.findall(sentence)) > MAX_WORDS:
        return TOO_LONG
    if is_code(sentence):
        return _code_signals(sentence, parts, idf)
    tokens = sources.embedder.embed_sentences([sentence])[0] if sources.embedder else None
    claim = state(sentence, tokens)
    if not claim.telling:
        return NOTHING_SAID
    if len(claim.figures) + len(claim.moments) + len(claim.names) > MAX_ANCHORS:
        return TOO_LONG
    comparison = compare(claim, parts, idf)
    # Words alone meet nothing of what is said in other words: then the whole sentence must do.
    stretch = STRETCH if tokens is not None else len(claim.words)
    met, weakest = _met(comparison, claim.telling, stretch)
    texts = [sources.texts[n - 1] for n in sorted({part.source for part in parts})]
    doubts = (
        *_unsupported(sentence, texts, sources.reader),
        *unheld(comparison),
        *turned(comparison),
        *swapped(comparison),
        *overstated(comparison),
        *misquoted(sentence, [text.text for text in texts]),
    )
    return Signals(met, weakest, doubts, evidence_in(comparison))


def _unsupported(sentence: str, texts: Sequence[Text], reader: Reader) -> Iterator[Doubt]:
    """What a reader that judges says against a sentence: that no source supports it, nor all do."""
    if reader.judges:
        every = Text("", "\n\n".join(text.whole for text in texts))
        likely = max(reader.supports(sentence, [*texts, every] if len(texts) > 1 else texts))
        yield Doubt(About.READER, 1 - likely, f"not what it cites says, as {reader.name} reads it")


def _code_signals(sentence: str, parts: Sequence[Part], idf: Idf) -> Signals | str:
    """Code says what it does by its very words: each must stand in a source."""
    claim = read_code(sentence)
    words = names_in(claim)
    if not words:
        return NOTHING_SAID
    comparison = compare(claim, parts, idf)
    met, weakest = _met(comparison, words, stretch=1)
    return Signals(met, weakest, (), evidence_in(comparison))


def _met(
    comparison: Comparison, telling: Sequence[int], stretch: int
) -> tuple[tuple[float, float], Span]:
    """How far the weakest stretch of a claim is met by any part, all of it is, and the stretch."""
    words = comparison.claim.words
    best = comparison.met.max(axis=0)[list(telling)]
    starts = range(max(1, len(telling) - stretch + 1))
    means = [float(best[i : i + stretch].mean()) for i in starts]
    first = int(np.argmin(means))
    last = min(first + stretch, len(telling)) - 1
    weights = comparison.weights[list(telling)]
    whole = float(best @ weights / weights.sum()) if weights.any() else float(best.mean())
    met = (max(0.0, min(1.0, means[first])), max(0.0, min(1.0, whole)))
    return met, (words[telling[first]].start, words[telling[last]].end)
