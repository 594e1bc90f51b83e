"""The figures, dates and names of a claim: whether its sources have them, and where it says.

That a passage has a figure somewhere is not enough: the sentence that says the rest of the clause
must have it, too.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ragqa.answering.disagreement.figures import UNITS, Figure
from ragqa.grounding.attribution import first_name, said_of_another
from ragqa.grounding.comparing import Comparison
from ragqa.grounding.contradictions import About, Doubt
from ragqa.grounding.figures import follows, has_moment, is_count, tells
from ragqa.grounding.names import Name
from ragqa.grounding.statements import Span, Statement
from ragqa.types import Kind

ELSEWHERE = 0.95
"""The most that a figure or date is doubted that a source has in another sentence."""

DERIVED = 0.3
UNCOUNTED = 0.4
"""How far a figure is doubted that follows from others, and a count that only a list may show."""

UNDERSTOOD = 1.0
"""A name of so low an idf stands in every third passage: what all notes are about is understood."""

_NEAR = 0.1
_FAR = 0.3
_NAME_NEAR = 0.03
_NAME_FAR = 0.15
_ABOVE = 0.03
_BEFORE = 0.06
_FEW = 2
_AROUND = 7
# "Llama 2": the number is a part of the name.
_VERSIONED = re.compile(r"(?:^|[ (])[A-Z][\w-]* \Z")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A figure, date or name of a claim, at some characters.

    `in_parts` tells which parts have it, `above` which have it above them. `doubt` is how far it is
    doubted where none has it.
    """

    about: About
    said: str
    span: Span
    in_parts: Sequence[bool]
    above: Sequence[bool]
    doubt: float = 1.0


def unheld(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt what the claim names, counts or dates and its sources do not, or do so elsewhere."""
    for anchor in (*_figures(comparison), *_dates(comparison), *_names(comparison)):
        strength = _strength(comparison, anchor)
        if strength > 0:
            yield Doubt(anchor.about, strength, anchor.said)


def _figures(comparison: Comparison) -> Iterator[Anchor]:
    claim = comparison.claim
    around = [
        *(part.statement for part in comparison.parts),
        *(part.above for part in comparison.parts),
    ]
    figures = [figure for one in around for figure in one.figures]
    moments = [moment for one in around for moment in one.moments]
    for claimed in claim.figures:
        start, end = _whole_words(claim.text, claimed.start, claimed.end)
        doubt = 1.0
        if follows(claimed, figures, moments):
            doubt = DERIVED
        elif is_count(claimed) and not _VERSIONED.search(claim.text, 0, start):
            counted = any(claimed.measures and one.measures == claimed.measures for one in figures)
            doubt = 1.0 if counted else UNCOUNTED
        yield Anchor(
            About.FIGURE,
            f"the figure {_shown(claim.text[start:end])}",
            (start, end),
            [_tells(part.statement, claimed) for part in comparison.parts],
            [_tells(part.above, claimed) for part in comparison.parts],
            doubt,
        )


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
    first = first_name(comparison)
    for name in (*comparison.claim.names, *([first] if first else [])):
        span = name.start, name.end
        rarity = max(
            (
                float(weight)
                for word, weight in zip(comparison.claim.words, comparison.weights, strict=True)
                if word.start < span[1] and span[0] < word.end
            ),
            default=0.0,
        )
        yield Anchor(
            About.NAME,
            f"the name {name.text}",
            span,
            [part.statement.naming.has(name.text) for part in comparison.parts],
            [part.above.naming.has(name.text) for part in comparison.parts],
            min(1.0, max(0.0, rarity - UNDERSTOOD)),
        )


def _strength(comparison: Comparison, anchor: Anchor) -> float:
    """How far an anchor is doubted: by how much less than others the parts that have it say."""
    if not any(anchor.in_parts) and not any(anchor.above):
        return anchor.doubt
    words = _around(comparison, anchor.span)
    if not words:
        return 0.0
    scores = comparison.scores(words)
    having = np.where(anchor.above, scores - _ABOVE, -1.0)
    if anchor.about is About.NAME:
        having = np.where(_said_before(comparison, anchor), scores - _BEFORE, having)
    having = np.where(anchor.in_parts, scores, having)
    apart = float(scores.max() - having.max())
    if anchor.about is About.NAME:
        name = Name(comparison.claim.text[slice(*anchor.span)], *anchor.span)
        elsewhere = max(0.0, apart - _NAME_NEAR) / _NAME_FAR
        return min(anchor.doubt, max(elsewhere, said_of_another(comparison, name, words)))
    return min(anchor.doubt, ELSEWHERE, max(0.0, apart - _NEAR) / _FAR)


def _around(comparison: Comparison, span: Span) -> list[int]:
    """The telling words of the clause that has an anchor, or those nearest to it."""
    start, end = span
    words = comparison.claim.words

    def apart(i: int) -> bool:
        return words[i].end <= start or end <= words[i].start

    for clause in comparison.clauses:
        if clause[0] <= start < clause[1]:
            found = [i for i in comparison.words_in(clause) if apart(i)]
            if len(found) >= _FEW:
                return found
    nearest = sorted(comparison.claim.telling, key=lambda i: abs(words[i].start - start))
    return [i for i in nearest[:_AROUND] if apart(i)]


def _said_before(comparison: Comparison, anchor: Anchor) -> list[bool]:
    """Which parts follow, in a paragraph, one that has a name, and name nothing else themselves."""
    claimed = comparison.claim.naming
    follows_it = [False]
    for (before, part), has in zip(pairwise(comparison.parts), anchor.in_parts, strict=False):
        runs_on = before.source == part.source and part.kind is Kind.PARAGRAPH
        names = (name.text for name in part.statement.names)
        follows_it.append(has and runs_on and all(map(claimed.has, names)))
    return follows_it


def _tells(statement: Statement, claimed: Figure) -> bool:
    return any(tells(figure, claimed) for figure in statement.figures)


def _whole_words(text: str, start: int, end: int) -> Span:
    """A figure with the rest of the words that it is written in, whose places its digits take."""
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "-$"):
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return start, end


def _shown(figure: str) -> str:
    """A figure, if it is in digits without what it counts but for a measure or several things."""
    number, _, unit = figure.strip().partition(" ")
    is_told = unit.lower() in UNITS or unit.endswith("s") or not any(map(str.isdigit, number))
    return figure.strip() if is_told else number
