"""Whether the cited sources support a sentence, and which of their sentences do.

Signals must agree: each doubt takes a share of the remaining probability, as causes do in a
noisy-or (Pearl, "Probabilistic Reasoning in Intelligent Systems", 1988). In a weighted sum, good
coverage could make up for a wrong figure.

Doubts are figures, dates, names and quotations that the sources lack. A figure elsewhere in the
passage is not enough: it must be in the sentence that matches the rest of the clause.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from itertools import pairwise

import numpy as np

from ragqa.claims.sources import (
    MAX_STATEMENT_CHARS,
    Comparison,
    Encoded,
    Idf,
    Part,
    Sources,
    compare,
    encode,
    evidence_in,
)
from ragqa.readers import Reader, Text
from ragqa.text.dates import Moment, has_moment, in_years
from ragqa.text.lexicon import UNITS
from ragqa.text.quantities import Figure, is_count, meets_bound, same_figure
from ragqa.text.words import WORD
from ragqa.types import Kind, Span

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

DERIVED = 0.3
UNCOUNTED = 0.4
"""The doubt of a figure derivable from others, and of a count that only a list may show."""

COMMON_NAME = 1.0
"""A name with an idf this low is in every third passage, so it may be left implicit."""

_MARGIN = 0.1
_MARGIN_RANGE = 0.3
_NAME_MARGIN = 0.03
_NAME_MARGIN_RANGE = 0.15
_BEFORE_PENALTY = 0.06
_MIN_WORDS = 2
_NEAREST = 7
_HUNDRED = Decimal(100)
_YEAR_SECONDS = 31_557_600
_TIME_TOLERANCE = 0.1
_TOLERANCE = 0.02
_ABOUT_TOLERANCE = 0.12
_MAX_COMPARED = 30

_OPEN, _CLOSE = '"\u201c\u201d\u201e\u00ab', '"\u201c\u201d\u00bb'
_QUOTED = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{1,2000}})[{_CLOSE}]")
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\n]*\)|\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
# Emphasis, code and inner quotation marks are ignored; a curly apostrophe is a straight one.
_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"}
    | dict.fromkeys('*_`"\u201c\u201d\u201e', "")
)
_MIN_WORDS_QUOTED = 3
_SHOWN_QUOTE = 60


class About(StrEnum):
    """What a doubt is about."""

    FIGURE = "figure"
    DATE = "date"
    NAME = "name"
    QUOTE = "quote"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Evidence against a claim: `strength` is from 0 to 1, `phrase` describes it."""

    about: About
    strength: float
    phrase: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A figure, date or name of a claim, at `span`.

    `in_parts` flags the parts that have it, `above` those with it in the headings above. `doubt` is
    the strength where neither does.
    """

    about: About
    phrase: str
    span: Span
    in_parts: Sequence[bool]
    above: Sequence[bool]
    doubt: float = 1.0


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


def entity_doubts(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt figures, dates and names that the sources lack, or have in another sentence."""
    for anchor in (*_figures(comparison), *_dates(comparison), *_names(comparison)):
        strength = _strength(comparison, anchor)
        if strength > 0:
            yield Doubt(anchor.about, strength, anchor.phrase)


def _figures(comparison: Comparison) -> Iterator[Anchor]:
    parts = comparison.parts
    around = [one for part in parts for one in (part.statement, part.above)]
    figures = [figure for one in around for figure in one.figures]
    moments = [moment for one in around for moment in one.moments]
    for claimed in comparison.claim.figures:
        yield Anchor(
            About.FIGURE,
            f"the figure {_displayed(comparison.claim.text[claimed.start : claimed.end])}",
            (claimed.start, claimed.end),
            [_has_figure(part.statement, claimed) for part in parts],
            [_has_figure(part.above, claimed) for part in parts],
            _figure_doubt(claimed, figures, moments),
        )


def _figure_doubt(claimed: Figure, figures: Sequence[Figure], moments: Sequence[Moment]) -> float:
    """The doubt of a figure that no source has."""
    if is_derivable(claimed, figures, moments):
        return DERIVED
    counted = any(claimed.measures and one.measures == claimed.measures for one in figures)
    return UNCOUNTED if is_count(claimed) and not counted else 1.0


def _dates(comparison: Comparison) -> Iterator[Anchor]:
    for claimed in comparison.claim.moments:
        span = claimed.start, claimed.end
        yield Anchor(
            About.DATE,
            f"the date {comparison.claim.text[slice(*span)]}",
            span,
            [has_moment(part.statement.moments, claimed) for part in comparison.parts],
            [has_moment(part.above.moments, claimed) for part in comparison.parts],
        )


def _names(comparison: Comparison) -> Iterator[Anchor]:
    words = list(zip(comparison.claim.words, comparison.weights.tolist(), strict=True))
    for name in comparison.claim.names:
        own = [weight for word, weight in words if word.start < name.end and name.start < word.end]
        yield Anchor(
            About.NAME,
            f"the name {name.text}",
            (name.start, name.end),
            [part.statement.name_index.has(name.text) for part in comparison.parts],
            [part.above.name_index.has(name.text) for part in comparison.parts],
            min(1.0, max(0.0, max(own, default=0.0) - COMMON_NAME)),
        )


def _strength(comparison: Comparison, anchor: Anchor) -> float:
    """How much worse the parts with the anchor match its clause than the best part does."""
    if not any(anchor.in_parts) and not any(anchor.above):
        return anchor.doubt
    words = _nearby_words(comparison, anchor.span)
    if not words:
        return 0.0
    scores = comparison.scores(words)
    with_anchor = np.where(np.logical_or(anchor.in_parts, anchor.above), scores, -1.0)
    if anchor.about is About.NAME:
        named = np.where(_named_before(comparison, anchor), scores - _BEFORE_PENALTY, -1.0)
        with_anchor = np.maximum(with_anchor, named)
    margin = float(scores.max() - with_anchor.max())
    if anchor.about is About.NAME:
        return min(anchor.doubt, max(0.0, margin - _NAME_MARGIN) / _NAME_MARGIN_RANGE)
    return min(anchor.doubt, max(0.0, margin - _MARGIN) / _MARGIN_RANGE)


def _nearby_words(comparison: Comparison, span: Span) -> list[int]:
    """The content words of the anchor's clause, or those nearest to it."""
    start, end = span
    words = comparison.claim.words

    def is_outside(i: int) -> bool:
        return words[i].end <= start or end <= words[i].start

    for clause in comparison.clauses:
        if clause[0] <= start < clause[1]:
            found = [i for i in comparison.words_in(clause) if is_outside(i)]
            if len(found) >= _MIN_WORDS:
                return found
    nearest = sorted(comparison.claim.content_words, key=lambda i: abs(words[i].start - start))
    return [i for i in nearest[:_NEAREST] if is_outside(i)]


def _named_before(comparison: Comparison, anchor: Anchor) -> list[bool]:
    """Which parts follow one with the name in a paragraph, and name nothing new themselves."""
    claimed = comparison.claim.name_index
    follows_it = [False]
    for (before, part), has in zip(pairwise(comparison.parts), anchor.in_parts, strict=False):
        runs_on = before.source == part.source and part.kind is Kind.PARAGRAPH
        names = (name.text for name in part.statement.names)
        follows_it.append(has and runs_on and all(map(claimed.has, names)))
    return follows_it


def is_derivable(claimed: Figure, figures: Sequence[Figure], moments: Sequence[Moment]) -> bool:
    """Whether a figure follows from a source's: a remainder, a part of a sum, a time between.

    Only subtraction is tried; with more operations nearly every figure would follow from others.
    """
    value = float(claimed.low)
    tolerance = (_ABOUT_TOLERANCE if claimed.bound == "about" else _TOLERANCE) * abs(value)
    if claimed.measures == "time":
        years = [year for one in moments[:_MAX_COMPARED] if (year := in_years(one)) is not None]
        spans = (abs(a - b) * _YEAR_SECONDS for a in years for b in years)
        return any(abs(span - value) <= max(tolerance, _TIME_TOLERANCE * value) for span in spans)
    others = figures[:_MAX_COMPARED]
    if any(meets_bound(one, claimed) for one in others):
        return True
    if claimed.measures.startswith("share") and any(
        # A quarter is four times smaller.
        (one.measures.startswith("share") and one.low + claimed.low == _HUNDRED)
        or (not one.measures and one.low * claimed.low == _HUNDRED)
        for one in others
    ):
        return True
    values = [float(one.low) for one in others]
    return value > 0 and any(
        abs(abs(a - b) - value) <= tolerance for i, a in enumerate(values) for b in values[:i]
    )


def _has_figure(statement: Encoded, claimed: Figure) -> bool:
    return any(same_figure(figure, claimed) for figure in statement.figures)


def _displayed(figure: str) -> str:
    """A figure as shown; digits lose a noun that is neither a unit nor a plural."""
    number, _, unit = figure.strip().partition(" ")
    has_unit = unit.lower() in UNITS or unit.endswith("s") or not any(map(str.isdigit, number))
    return figure.strip() if has_unit else number


def misquotations(claim: str, texts: Sequence[str]) -> Iterator[Doubt]:
    """Doubt each quotation of three words or more that no text has.

    White space, emphasis and the style of quotation marks may differ.
    """
    plain = [_plain(text) for text in texts]
    for found in _QUOTED.finditer(claim):
        pieces = [_plain(piece).strip(" .,;:!?") for piece in _OMITTED.split(found[1])]
        if len(found[1].split()) < _MIN_WORDS_QUOTED:
            continue
        if not all(any(piece in text for text in plain) for piece in pieces):
            quote = " ".join(found[1].split())
            shown = quote if len(quote) <= _SHOWN_QUOTE else f"{quote[:_SHOWN_QUOTE]}\u2026"
            yield Doubt(About.QUOTE, 1.0, f'the quote "{shown}"')


def _plain(text: str) -> str:
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", text)
    return " ".join(shown.translate(_MARKS).casefold().split())
