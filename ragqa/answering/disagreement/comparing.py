"""Whether two sentences answer one question differently, and in what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragqa.analysis import STOP_WORDS
from ragqa.answering.disagreement.dates import Moment, same_moment
from ragqa.answering.disagreement.figures import Figure, can_both_hold
from ragqa.answering.disagreement.lexicon import (
    CONDITIONS,
    FILLERS,
    GENERIC,
    OPPOSITES,
    RESTRICTING,
    SWITCHES,
    contrasted,
)
from ragqa.answering.disagreement.statements import Asked, Statement, Word

COVERED = 0.5
"""Each sentence, with its headings, must hold this share of the question's words."""

APART = 4
"""So many words of its own may one of the sentences have; the other has none."""

_NO_NEGATION = re.compile(
    r"\bnot only\b|\bno (?:more|less|fewer|later|earlier) than\b|\bno\. ?(?=\d)|\bno doubt\b"
    r"|\bwhether or not\b",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"un(?=\w{4})")
_NONE = (-1, 0)
_RESTRICTED = re.compile(rf"\b(?:{'|'.join(sorted({*RESTRICTING, 'to'}))})\s*\Z", re.IGNORECASE)
# "Retries use backoff with at most 3 attempts": a bound of the retries, not of the backoff.
_ATTACHED = re.compile(r"\bwith (?:at (?:most|least)|up to|no more than)\s*\Z", re.IGNORECASE)
_ARTICLES = frozenset({"a", "an", "the", "our", "your", "its"})


@dataclass(frozen=True, slots=True)
class Difference:
    """What two texts differ in: `about` is "number", "date", "negation" or "word".

    `spans` are the characters of each text that say it.
    """

    about: str
    spans: tuple[tuple[int, int], tuple[int, int]]


def difference(asked: Asked, one: Statement, other: Statement) -> Difference | None:
    """What two statements that answer the same question differ in; None where that is not sure."""
    if not (_told(asked, one, other) and _alike_named(asked, one, other)):
        return None
    opposites = _opposites(one, other)
    if not _same_subject(asked, one, other, opposites):
        return None
    apart = _apart(asked, one, other, opposites)
    return None if apart is None or _other_subject(asked, one, other, apart) else apart


def _apart(
    asked: Asked, one: Statement, other: Statement, opposites: Sequence[tuple[Word, Word]]
) -> Difference | None:
    """The one thing in which two statements of one subject differ."""
    figures, moments = _figures_apart(one, other), _moments_apart(one, other)
    if figures is None or moments is None:
        return None
    if asked.of_time and moments and not figures and not opposites:
        return _differ("date", *moments[0])
    if moments or len(figures) + len(opposites) > 1:
        return None
    if figures:
        dated = bool(one.moments) != bool(other.moments)
        turned = _turned(one) != _turned(other)
        return None if dated or turned else _differ("number", *figures[0])
    if opposites:
        return None if _turned(one) or _turned(other) else _differ("word", *opposites[0])
    return _negated(one, other)


def _other_subject(asked: Asked, one: Statement, other: Statement, apart: Difference) -> bool:
    """Whether one names something of its own before what it says: "table names", "the annex"."""
    (first, _), (second, _) = apart.spans
    return any(
        word.end <= start and word.stem in own
        for statement, start, own in (
            (one, first, _own(one, other) - asked.about),
            (other, second, _own(other, one) - asked.about),
        )
        if not (_ATTACHED.search(statement.text, 0, start) and _begins(one) == _begins(other))
        for word in statement.words
    )


def _begins(statement: Statement) -> str:
    """The stem of the first word that says something."""
    return next((word.stem for word in statement.words if _tells(word)), "")


def _differ(
    about: str, first: Figure | Moment | Word, second: Figure | Moment | Word
) -> Difference:
    return Difference(about, ((first.start, first.end), (second.start, second.end)))


def _told(asked: Asked, one: Statement, other: Statement) -> bool:
    """Whether both, with their headings, speak of one thing, and of enough of the question."""
    if not one.about & other.about:
        return False
    needed = (asked.said - GENERIC or asked.said, asked.said)
    return all(
        any(len(words & each.held) >= COVERED * len(words) for words in needed)
        for each in (one, other)
    )


def _alike_named(asked: Asked, one: Statement, other: Statement) -> bool:
    """Whether no name, heading or qualifier tells that they speak of different things."""
    first = one.names - other.names - other.trail_names
    second = other.names - one.names - one.trail_names
    if (first and second) or any(name not in asked.text for name in first | second):
        return False
    if one.trail_names - other.trail_names and other.trail_names - one.trail_names:
        return False
    return not (_parallel(one, other) or contrasted(one.qualifiers, other.qualifiers))


def _same_subject(
    asked: Asked, one: Statement, other: Statement, opposites: Sequence[tuple[Word, Word]]
) -> bool:
    """Whether at most one has words of its own, few of them, and none that narrows it down."""
    first = _own(one, other) - asked.about - {word.stem for word, _ in opposites}
    second = _own(other, one) - asked.about - {word.stem for _, word in opposites}
    # "We use it for orders", and "we do not use it": what denies must not be narrowed down.
    denied = _turned(one) != _turned(other)
    if (_narrowed(one, other, first) and (_turned(one) or not denied)) or (
        _narrowed(other, one, second) and (_turned(other) or not denied)
    ):
        return False
    return min(len(first), len(second)) == 0 and max(len(first), len(second)) <= APART


def _narrowed(statement: Statement, other: Statement, own: frozenset[str]) -> bool:
    """Whether what is its own restricts what it says: "for free users", "in Berlin", "Mia's"."""
    measured = {figure.measures for figure in other.figures}
    if any(
        figure.measures not in measured and _RESTRICTED.search(statement.text, 0, figure.start)
        for figure in statement.figures
    ):
        return True
    words = [word for word in statement.words if word.text not in _ARTICLES]
    behind = {second.start for first, second in pairwise(words) if first.text in RESTRICTING}
    return any(
        word.stem in own
        and (
            word.start in behind
            or word.text.endswith("'s")
            or (word.start > 0 and statement.text[word.start : word.end].istitle())
        )
        for word in words
    )


def _own(one: Statement, other: Statement) -> frozenset[str]:
    """The words that only the first one has, what its figures count among them."""
    return one.about - other.about - other.trail - GENERIC


def _parallel(one: Statement, other: Statement) -> bool:
    """Whether their headings name two of a kind: "Flat in Leeds" and "Flat in York"."""
    for first in one.headings:
        for second in other.headings:
            own = first - second - other.about, second - first - one.about
            if first & second and all(own):
                return True
    if one.headings and other.headings and one.headings[-1] == other.headings[-1]:
        above = [frozenset().union(*each.headings[:-1]) for each in (one, other)]
        own = above[0] - other.trail - other.about, above[1] - one.trail - one.about
        return all(own)
    return False


def _figures_apart(one: Statement, other: Statement) -> list[tuple[Figure, Figure]] | None:
    """The figures that measure the same and differ; None where it is not clear which to compare."""
    apart = []
    for figure in one.figures:
        alike = [each for each in other.figures if _alike(figure, each, one, other)]
        if not alike or _any_holds(figure, alike, one, other):
            continue
        same = [each for each in one.figures if _alike(each, alike[0], one, other)]
        if len(alike) > 1 or len(same) > 1:
            return None
        apart.append((figure, alike[0]))
    return apart


def _any_holds(figure: Figure, alike: Sequence[Figure], one: Statement, other: Statement) -> bool:
    """Whether a figure, or one beside it that may measure the same, agrees with the other side."""
    measures = {figure.measures, *(each.measures for each in alike), ""}
    firsts = [each for each in one.figures if each.measures in measures]
    seconds = [each for each in other.figures if each.measures in measures]
    return any(can_both_hold(first, second) for first in firsts for second in seconds)


def _alike(first: Figure, second: Figure, one: Statement, other: Statement) -> bool:
    if first.per != second.per and ((first.per and second.per) or first.measures == "time"):
        return False
    if first.measures == second.measures:
        return True
    if not first.measures or not second.measures:
        return len(one.figures) == len(other.figures) == 1
    return False


def _moments_apart(one: Statement, other: Statement) -> list[tuple[Moment, Moment]] | None:
    """The moments that differ; None where it is not clear which to compare."""
    apart = []
    for moment in one.moments:
        compared = [(each, same_moment(moment, each)) for each in other.moments]
        differing = [each for each, same in compared if same is False]
        if not differing or any(same for _, same in compared):
            continue
        if len(differing) > 1:
            return None
        apart.append((moment, differing[0]))
    if len({second.start for _, second in apart}) < len(apart):
        return None
    return apart


def _negated(one: Statement, other: Statement) -> Difference | None:
    """Where one says no to what the other says, with the same word."""
    if _turned(one) == _turned(other) or _conditional(one) != _conditional(other):
        return None
    no, yes = (one, other) if _turned(one) else (other, one)
    negator = _negators(no)[0]
    denied = next((word for word in no.words if word.start >= negator.end and _tells(word)), None)
    said = next((word for word in yes.words if denied and word.stem == denied.stem), None)
    if denied is None or said is None:
        return None
    spans = (negator.start, denied.end), (said.start, said.end)
    return Difference("negation", spans if no is one else (spans[1], spans[0]))


def _opposites(one: Statement, other: Statement) -> list[tuple[Word, Word]]:
    return [
        (first, second)
        for first in one.words
        for second in other.words
        if first.text != second.text and _opposite(first.text, second.text)
        if {first.text, second.text} != {"on", "off"}
        or (_switched(first, one) and _switched(second, other))
    ]


def _opposite(first: str, second: str) -> bool:
    if _PREFIX.sub("", first) == _PREFIX.sub("", second):
        return True
    (pair, side), (other_pair, other_side) = (
        OPPOSITES.get(first, _NONE),
        OPPOSITES.get(second, _NONE),
    )
    return pair == other_pair and side != other_side


def _switched(word: Word, statement: Statement) -> bool:
    before = [each.text for each in statement.words if each.end < word.start][-2:]
    return not SWITCHES.isdisjoint(before)


def _turned(statement: Statement) -> bool:
    """Whether a sentence says no: it has an odd number of negations."""
    return len(_negators(statement)) % 2 == 1


def _negators(statement: Statement) -> list[Word]:
    passed = [match.span() for match in _NO_NEGATION.finditer(statement.text)]
    return [
        word
        for word in statement.words
        if word.negates and not any(start <= word.start < end for start, end in passed)
    ]


def _conditional(statement: Statement) -> bool:
    return any(word.text in CONDITIONS for word in statement.words)


def _tells(word: Word) -> bool:
    return bool(word.stem) and word.text not in STOP_WORDS and word.text not in FILLERS
