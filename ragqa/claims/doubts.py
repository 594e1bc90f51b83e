"""What speaks against a claim: figures, dates, names and quotations that its sources lack.

A figure elsewhere in the passage is not enough: it must be in the sentence that matches the rest
of the clause.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import numpy as np

from ragqa.claims.compare import Comparison
from ragqa.claims.sources import Encoded
from ragqa.text.dates import Moment, has_moment, in_years
from ragqa.text.lexicon import UNITS
from ragqa.text.quantities import Figure, is_count, meets_bound, same_figure
from ragqa.types import Kind, Span

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
_MAX_WORDS = 7
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
_SHOWN = 60


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
    return [i for i in nearest[:_MAX_WORDS] if is_outside(i)]


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
            shown = quote if len(quote) <= _SHOWN else f"{quote[:_SHOWN]}\u2026"
            yield Doubt(About.QUOTE, 1.0, f'the quote "{shown}"')


def _plain(text: str) -> str:
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", text)
    return " ".join(shown.translate(_MARKS).casefold().split())
