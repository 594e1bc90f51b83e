"""Whether the cited sources support a sentence, and which of their sentences do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ragqa.claims.compare import Comparison, Idf, compare, evidence_in
from ragqa.claims.encoding import MAX_CHARS, encode
from ragqa.claims.entity_check import entity_doubts
from ragqa.claims.model import About, Doubt, shipped, strengths
from ragqa.claims.sources import Part, Sources
from ragqa.claims.verbatim import checked_words, is_code, misquotations, read_code
from ragqa.readers import Reader, Text
from ragqa.text.words import WORD
from ragqa.types import Span

MAX_WORDS = 300
MAX_ANCHORS = 40
"""A sentence with more words, or more figures, dates and names, is not checked."""

WINDOW = 4
"""A claim scores as its weakest window of four content words, so that a well-supported half cannot
make up for an unsupported one."""

TOO_LONG = "too long to check"
NOTHING_TO_CHECK = "nothing to check"

REPORTED_FROM = 0.5
"""Doubts at least this strong are reported."""

_LOW_COVERAGE = 0.45
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Support:
    """How well sources support a sentence.

    `score` is the probability that they do. `against` has short phrases on what contradicts it.
    `evidence` has the spans of each cited source that support it best.
    """

    score: float
    supported: bool
    against: tuple[str, ...] = ()
    evidence: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signals:
    """What decides whether a claim is supported.

    `coverage` is that of its weakest window, which is at `weakest` in the claim, and the weighted
    coverage of all of it.
    """

    coverage: tuple[float, float]
    weakest: Span
    doubts: tuple[Doubt, ...]
    evidence: Mapping[int, tuple[Span, ...]]


def support_of(
    sentence: str,
    cited: Sequence[int],
    sources: Sources,
    idf: Idf,
) -> Support:
    """Judge how well the cited sources support a sentence. It takes any text and never raises.

    :param cited: source numbers, from 1; unknown ones are ignored.
    """
    signals = signals_of(sentence, cited, sources, idf)
    if isinstance(signals, str):
        return Support(0.0, supported=False, against=(signals,))
    model = shipped().terms if sources.embedder is None else shipped().all
    score = model.probability(signals.coverage, strengths(signals.doubts))
    supported = score >= model.threshold
    against = [doubt.phrase for doubt in signals.doubts if doubt.strength >= REPORTED_FROM]
    if not supported and (signals.coverage[0] < _LOW_COVERAGE or not against):
        phrase = " ".join(sentence[slice(*signals.weakest)].split())
        shown = phrase if len(phrase) <= _SHOWN else f"{phrase[:_SHOWN]}\u2026"
        against.append(f'not found in the sources: "{shown}"')
    return Support(score, supported, tuple(dict.fromkeys(against)), signals.evidence)


def signals_of(sentence: str, cited: Sequence[int], sources: Sources, idf: Idf) -> Signals | str:
    """Measure the signals; where nothing can be measured, return the reason."""
    parts = [part for part in sources.parts if part.source in cited]
    if not parts:
        return "no source with any text"
    if len(sentence) > MAX_CHARS or len(WORD.findall(sentence)) > MAX_WORDS:
        return TOO_LONG
    if is_code(sentence):
        return _code_signals(sentence, parts, idf)
    tokens = sources.embedder.embed_sentences([sentence])[0] if sources.embedder else None
    claim = encode(sentence, tokens, language=parts[0].statement.language)
    if not claim.content_words:
        return NOTHING_TO_CHECK
    if len(claim.figures) + len(claim.moments) + len(claim.names) > MAX_ANCHORS:
        return TOO_LONG
    comparison = compare(claim, parts, idf)
    # Stems alone miss paraphrases, so without vectors the window is the whole sentence.
    window = WINDOW if tokens is not None else len(claim.words)
    coverage, weakest = _coverage(comparison, claim.content_words, window)
    texts = [sources.texts[n - 1] for n in sorted({part.source for part in parts})]
    doubts = (
        *_reader_doubts(sentence, texts, sources.reader),
        *entity_doubts(comparison),
        *misquotations(sentence, [text.text for text in texts]),
    )
    return Signals(coverage, weakest, doubts, evidence_in(comparison))


def _reader_doubts(sentence: str, texts: Sequence[Text], reader: Reader) -> Iterator[Doubt]:
    """Doubt what a reader finds unsupported by each source and by all of them together."""
    if reader.judges:
        every = Text("", "\n\n".join(text.whole for text in texts))
        likely = max(reader.supports(sentence, [*texts, every] if len(texts) > 1 else texts))
        yield Doubt(About.READER, 1 - likely, "the reader does not find it in what it cites")


def _code_signals(sentence: str, parts: Sequence[Part], idf: Idf) -> Signals | str:
    """The signals of code, each word of which must be in a source."""
    claim = read_code(sentence)
    words = checked_words(claim)
    if not words:
        return NOTHING_TO_CHECK
    comparison = compare(claim, parts, idf)
    coverage, weakest = _coverage(comparison, words, window=1)
    return Signals(coverage, weakest, (), evidence_in(comparison))


def _coverage(
    comparison: Comparison, content_words: Sequence[int], window: int
) -> tuple[tuple[float, float], Span]:
    """The coverage of a claim's weakest window and of all of it by any part, and the window."""
    words = comparison.claim.words
    best = comparison.matches.max(axis=0)[list(content_words)]
    starts = range(max(1, len(content_words) - window + 1))
    means = [float(best[i : i + window].mean()) for i in starts]
    first = int(np.argmin(means))
    last = min(first + window, len(content_words)) - 1
    weights = comparison.weights[list(content_words)]
    whole = float(best @ weights / weights.sum()) if weights.any() else float(best.mean())
    coverage = (max(0.0, min(1.0, means[first])), max(0.0, min(1.0, whole)))
    return coverage, (words[content_words[first]].start, words[content_words[last]].end)
