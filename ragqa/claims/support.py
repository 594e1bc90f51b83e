"""Whether the cited sources support a sentence, and which of their sentences do.

Signals must agree: each doubt takes a share of the remaining probability, as causes do in a
noisy-or (Pearl, "Probabilistic Reasoning in Intelligent Systems", 1988). In a weighted sum, good
coverage could make up for a wrong figure.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import numpy as np

from ragqa.claims.compare import Comparison, Idf, compare, evidence_in
from ragqa.claims.doubts import About, Doubt, entity_doubts, misquotations
from ragqa.claims.sources import MAX_STATEMENT_CHARS, Part, Sources, encode
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
# A block of code, or a single inline code span.
_CODE = re.compile(r"\s*(?:```|~~~)|\s*`[^`\n]+`[\s.:;,]*\Z")
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)


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


@dataclass(frozen=True, slots=True)
class Model:
    """A probability logistic in the claim's coverage, less the share of each doubt.

    `weights` apply to the coverage of the weakest window and of the whole claim. From `threshold`
    on a claim counts as supported.
    """

    intercept: float
    weights: tuple[float, float]
    shares: Mapping[str, float]
    threshold: float

    def probability(self, coverage: tuple[float, float], doubts: Mapping[About, float]) -> float:
        """The probability that a claim is supported, 0 to 1.

        :param coverage: of its weakest window, and of all of it.
        """
        terms = (w * part for w, part in zip(self.weights, coverage, strict=True))
        logit = self.intercept + sum(terms)
        left = 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))
        for about, strength in doubts.items():
            left *= 1 - self.shares[about] * strength
        return left


def strengths(doubts: Iterable[Doubt]) -> dict[About, float]:
    """The strongest doubt of each kind, 0 where there is none."""
    found = dict.fromkeys(About, 0.0)
    for doubt in doubts:
        found[doubt.about] = max(found[doubt.about], doubt.strength)
    return found


@lru_cache(maxsize=1)
def shipped() -> dict[str, Model]:
    """The models with token vectors ("all") and without, fitted by `eval/fit_grounding.py`."""
    text = resources.files("ragqa.claims").joinpath("support.json").read_text("utf-8")
    return {name: Model(**model) for name, model in json.loads(text)["models"].items()}


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
    model = shipped()["terms" if sources.embedder is None else "all"]
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
    if len(sentence) > MAX_STATEMENT_CHARS or len(WORD.findall(sentence)) > MAX_WORDS:
        return TOO_LONG
    if _CODE.match(sentence):
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
    """The signals of code, each word of which must be in a source: a synonym does not run."""
    claim = encode(_FENCE_LINE.sub(lambda fence: " " * len(fence[0]), sentence))
    if not claim.words:
        return NOTHING_TO_CHECK
    # Single characters count only where there is nothing else.
    every = list(range(len(claim.words)))
    words = [i for i in every if len(claim.words[i].text) > 1] or every
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
