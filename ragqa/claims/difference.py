"""Whether two sentences answer a question differently, and in what."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from ragqa.claims.answers import Answer, Asked, generic
from ragqa.text.dates import Moment, same_moment
from ragqa.text.lexicon import one_of, rows, table
from ragqa.text.quantities import Figure, can_both_hold
from ragqa.text.words import Word, compiled, stem

COVERED = 0.5
"""Each sentence, with its headings, must have this share of the question's words."""

MAX_EXTRA = 4
"""At most this many extra words, in one sentence only."""

_RESTRICTED = rf"(?i)\b(?:{one_of('restricting')}|to)\s*\Z"


@dataclass(frozen=True, slots=True)
class Difference:
    """What two texts differ in: `about` is "number", "date" or "negation".

    `spans` are the characters that differ in each text.
    """

    about: str
    spans: tuple[tuple[int, int], tuple[int, int]]


def difference(asked: Asked, one: Answer, other: Answer) -> Difference | None:
    """What two answers to the same question differ in; None where that is uncertain."""
    if not (_same_topic(asked, one, other) and _same_names(asked, one, other)):
        return None
    if not _same_subject(asked, one, other):
        return None
    differing = _only_difference(asked, one, other)
    return None if differing is None or _other_subject(asked, one, other, differing) else differing


def _only_difference(asked: Asked, one: Answer, other: Answer) -> Difference | None:
    """The only thing in which two statements on one subject differ."""
    figures, moments = _differing_figures(one, other), _differing_moments(one, other)
    if figures is None or moments is None:
        return None
    if asked.of_time and moments and not figures:
        return _differ("date", *moments[0])
    if moments or len(figures) > 1:
        return None
    if figures:
        dated = bool(one.moments) != bool(other.moments)
        negated = _is_negated(one) != _is_negated(other)
        return None if dated or negated else _differ("number", *figures[0])
    return _negation(one, other)


def _other_subject(asked: Asked, one: Answer, other: Answer, differing: Difference) -> bool:
    """Whether one has its own subject before the difference: "table names", "the annex"."""
    (first, _), (second, _) = differing.spans
    return any(
        word.end <= start and word.stem in extra
        for answer, start, extra in (
            (one, first, _extra_words(one, other) - asked.about),
            (other, second, _extra_words(other, one) - asked.about),
        )
        for word in answer.words
    )


def _differ(about: str, first: Figure | Moment, second: Figure | Moment) -> Difference:
    return Difference(about, ((first.start, first.end), (second.start, second.end)))


def _same_topic(asked: Asked, one: Answer, other: Answer) -> bool:
    """Whether both are about one thing and, with headings, cover enough of the question."""
    if not one.about & other.about:
        return False
    needed = (asked.about - generic() or asked.about, asked.about)
    return all(
        any(len(words & each.all_stems) >= COVERED * len(words) for words in needed)
        for each in (one, other)
    )


def _same_names(asked: Asked, one: Answer, other: Answer) -> bool:
    """Whether no name, heading or qualifier shows that they are about different things."""
    first = one.names - other.names - other.trail_names
    second = other.names - one.names - one.trail_names
    if (first and second) or any(name not in asked.text for name in first | second):
        return False
    if one.trail_names - other.trail_names and other.trail_names - one.trail_names:
        return False
    return not (_parallel_headings(one, other) or _contrasted(one.qualifiers, other.qualifiers))


def _same_subject(asked: Asked, one: Answer, other: Answer) -> bool:
    """Whether only one has extra words, and few, none of which restricts it."""
    first = _extra_words(one, other) - asked.about
    second = _extra_words(other, one) - asked.about
    # "We use it for orders" and "we do not use it": only the negated one must be unrestricted.
    denied = _is_negated(one) != _is_negated(other)
    if (_is_restricted(one, other, first) and (_is_negated(one) or not denied)) or (
        _is_restricted(other, one, second) and (_is_negated(other) or not denied)
    ):
        return False
    return min(len(first), len(second)) == 0 and max(len(first), len(second)) <= MAX_EXTRA


def _is_restricted(answer: Answer, other: Answer, extra: frozenset[str]) -> bool:
    """Whether its extra words restrict it: "for free users", "in Berlin", "Mia's"."""
    measured = {figure.measures for figure in other.figures}
    if any(
        figure.measures not in measured
        and compiled(_RESTRICTED).search(answer.text, 0, figure.start)
        for figure in answer.figures
    ):
        return True
    words = [word for word in answer.words if word.text not in table("articles")]
    restricting = table("restricting")
    restricted = {second.start for first, second in pairwise(words) if first.text in restricting}
    return any(
        word.stem in extra
        and (
            word.start in restricted
            or word.text.endswith("'s")
            or (word.start > 0 and answer.text[word.start : word.end].istitle())
        )
        for word in words
    )


def _extra_words(one: Answer, other: Answer) -> frozenset[str]:
    """The stems that only the first one has, including the units of its figures."""
    return one.about - other.about - other.trail - generic()


def _parallel_headings(one: Answer, other: Answer) -> bool:
    """Whether their headings name two things of a kind: "Flat in Leeds", "Flat in York"."""
    for first in one.headings:
        for second in other.headings:
            extra = first - second - other.about, second - first - one.about
            if first & second and all(extra):
                return True
    if one.headings and other.headings and one.headings[-1] == other.headings[-1]:
        above = [frozenset().union(*each.headings[:-1]) for each in (one, other)]
        extra = above[0] - other.trail - other.about, above[1] - one.trail - one.about
        return all(extra)
    return False


def _differing_figures(one: Answer, other: Answer) -> list[tuple[Figure, Figure]] | None:
    """Figures of one measure that differ; None where it is unclear which to compare."""
    differing = []
    for figure in one.figures:
        comparable = [each for each in other.figures if _comparable(figure, each, one, other)]
        if not comparable or _any_agrees(figure, comparable, one, other):
            continue
        same = [each for each in one.figures if _comparable(each, comparable[0], one, other)]
        if len(comparable) > 1 or len(same) > 1:
            return None
        differing.append((figure, comparable[0]))
    return differing


def _any_agrees(figure: Figure, comparable: Sequence[Figure], one: Answer, other: Answer) -> bool:
    """Whether a figure, or another that may have the same measure, agrees with the other side."""
    measures = {figure.measures, *(each.measures for each in comparable), ""}
    firsts = [each for each in one.figures if each.measures in measures]
    seconds = [each for each in other.figures if each.measures in measures]
    return any(can_both_hold(first, second) for first in firsts for second in seconds)


def _comparable(first: Figure, second: Figure, one: Answer, other: Answer) -> bool:
    if first.per != second.per and ((first.per and second.per) or first.measures == "time"):
        return False
    if first.measures == second.measures:
        return True
    if not first.measures or not second.measures:
        return len(one.figures) == len(other.figures) == 1
    return False


def _differing_moments(one: Answer, other: Answer) -> list[tuple[Moment, Moment]] | None:
    """The dates and times that differ; None where it is unclear which to compare."""
    pairs = []
    for moment in one.moments:
        compared = [(each, same_moment(moment, each)) for each in other.moments]
        differing = [each for each, same in compared if same is False]
        if not differing or any(same for _, same in compared):
            continue
        if len(differing) > 1:
            return None
        pairs.append((moment, differing[0]))
    if len({second.start for _, second in pairs}) < len(pairs):
        return None
    return pairs


def _negation(one: Answer, other: Answer) -> Difference | None:
    """The difference where one negates a word that the other asserts."""
    if _is_negated(one) == _is_negated(other) or _conditional(one) != _conditional(other):
        return None
    no, yes = (one, other) if _is_negated(one) else (other, one)
    negator = no.negators[0]
    denied = next(
        (word for word in no.words if word.start >= negator.end and _is_content(word)), None
    )
    asserted = next((word for word in yes.words if denied and word.stem == denied.stem), None)
    if denied is None or asserted is None:
        return None
    spans = (negator.start, denied.end), (asserted.start, asserted.end)
    return Difference("negation", spans if no is one else (spans[1], spans[0]))


def _is_negated(answer: Answer) -> bool:
    """Whether a sentence has an odd number of negations."""
    return len(answer.negators) % 2 == 1


def _conditional(answer: Answer) -> bool:
    return any(word.text in table("conditions") for word in answer.words)


def _is_content(word: Word) -> bool:
    return bool(word.stem) and word.text not in table("fillers")


@cache
def _contrasts() -> list[list[frozenset[str]]]:
    """Sets of qualifiers, each of several sides."""
    return [
        [frozenset(map(stem, side.split())) for side in row.split("|")] for row in rows("contrasts")
    ]


def _contrasted(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two have different qualifiers of the same set."""
    for sides in _contrasts():
        first = {n for n, words in enumerate(sides) if words & one}
        second = {n for n, words in enumerate(sides) if words & other}
        if first and second and first.isdisjoint(second):
            return True
    return False
