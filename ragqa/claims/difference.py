"""Whether two sentences answer a question differently: in a figure, a date or a plain "not"."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from ragqa.text.dates import Moment, moments_of, same_moment
from ragqa.text.lexicon import listed, one_of, rows, table
from ragqa.text.quantities import Figure, can_both_hold, figures_of
from ragqa.text.words import Word, blank, canonical, compiled, stem, stems, words_of

COVERED = 0.5
"""Each sentence, with its headings, must have this share of the question's words."""

# Who said it, or that it was changed to this: not part of the answer.
_ASIDE = (
    r"(?i)^(?:[\w.'\u2019-]+ ){0,4}"
    r"(?:reported|said|confirmed|announced|noted|decided|agreed) that\b"
    r"|\b(?:(?:was|were|has been|have been|is|are) )?(?:now )?"
    r"(?:moved|postponed|cut|changed|raised|lowered|reduced|increased|shortened|extended)"
    r"(?: (?:up|down|back|forward))? to\b"
)
_NOT_NEGATING = r"(?i)\bnot (?:only|just|merely)\b|\bno (?:more|less|fewer|later|earlier) than\b"
# "v2", "GPT-3", "p95", "recall@5", "#12".
_MIXED = r"(?<!\w)(?=[\w@.#-]{0,60}\d)(?=[\w@.#-]{0,60}[^\W\d]|#)[\w@#][\w@.#-]*(?<!\.)"
# "step 3", "team B": names, not figures.
_NAMED = (
    rf"\b(?i:{one_of('labels')}) (?P<number>#?\d[\d.]*)\b"
    r"|\b[^\W\d_][\w-]{0,60} (?P<letter>[A-HJ-Z])\b(?!['.\u2019])"
)
_NUMBERED = rf"{_MIXED}|(?<![\w.])\d+(?:\.\d+)*\b|(?<=\w )[A-HJ-Z]\b(?!['.])"
_RESTRICTED = rf"(?i)\b(?:{one_of('restricting')}|to)\s*\Z"
_MAX_HEADINGS_CHARS = 300
_TIMES = ("day", "date", "time", "year", "month", "weekday")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: the stems it is about, and whether it asks for a date or time."""

    text: str
    about: frozenset[str]
    of_time: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence that may answer a question, with everything it is compared by.

    `words` excludes figures, dates and `names`, which are those with a number; `about` has the
    content stems of the rest, and what the figures measure. `headings` has the stems of each title
    and heading above, `trail` those of all of them, `numbered` the numbers and names with a number
    there. `qualifiers` has the stems of sentence and headings, stop words included.
    """

    text: str
    words: tuple[Word, ...]
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]
    names: frozenset[str]
    about: frozenset[str]
    headings: tuple[frozenset[str], ...]
    trail: frozenset[str]
    numbered: frozenset[str]
    qualifiers: frozenset[str]

    @property
    def negation(self) -> Word | None:
        """Its first negating word."""
        return next((word for word in self.words if word.negates), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two texts differ in: `about` is "number", "date" or "negation".

    `spans` are the characters that differ in each text.
    """

    about: str
    spans: tuple[tuple[int, int], tuple[int, int]]


@lru_cache(maxsize=16)
def read_asked(question: str) -> Asked:
    """Prepare a question for comparing its answers. It is kept, as `read_answer` is."""
    words = words_of(question)
    said = {word.text for word in words}
    asks_which = not said.isdisjoint(("what", "which")) and not said.isdisjoint(_TIMES)
    of_time = asks_which or any(word.term in stems("asking when") for word in words)
    return Asked(question.casefold(), _content(words), of_time)


@lru_cache(maxsize=256)
def read_answer(text: str, headings: tuple[str, ...]) -> Answer:
    """Prepare a sentence under a title and headings for comparison.

    It is kept, since the sentences of an answer are compared twice.
    """
    rest = _without(_ASIDE, text)
    moments = moments_of(rest)
    rest = blank(rest, (moment.span for moment in moments))
    named = list(compiled(_NAMED).finditer(rest))
    rest = blank(rest, (found.span(found.lastgroup or 0) for found in named))
    figures = figures_of(rest)
    rest = blank(rest, ((figure.start, figure.end) for figure in figures))
    mixed = list(compiled(_MIXED).finditer(rest))
    rest = blank(rest, (found.span() for found in mixed))
    words = words_of(_without(_NOT_NEGATING, rest))
    above = _without_days(" . ".join(headings)[:_MAX_HEADINGS_CHARS])
    above_words = words_of(above)
    return Answer(
        text=text,
        words=words,
        figures=tuple(figures),
        moments=tuple(moments),
        names=frozenset(found[0].casefold().rstrip(".") for found in (*named, *mixed)),
        about=_content(words) | {figure.measures for figure in figures} - {""},
        headings=tuple(
            _content(words_of(_without_days(one))) - stems("genres") for one in headings
        ),
        trail=_content(above_words),
        numbered=frozenset(found[0].casefold() for found in compiled(_NUMBERED).finditer(above)),
        qualifiers=frozenset(word.term for word in (*words, *above_words)),
    )


def _without(pattern: str, text: str) -> str:
    return blank(text, (found.span() for found in compiled(pattern).finditer(text)))


def _without_days(heading: str) -> str:
    """The headings without full dates, which say when a note was written, not what it is about."""
    return blank(heading, (day.span for day in moments_of(heading) if len(day.parts) > 1))


def _content(words: Iterable[Word]) -> frozenset[str]:
    """The stems of content words."""
    return frozenset(word.stem for word in words if len(word.stem) > 1 and not word.negates)


def difference(asked: Asked, one: Answer, other: Answer) -> Difference | None:
    """What two answers to the same question differ in; None where that is uncertain."""
    if _other_things(asked, one, other) or not all(_covers(asked, each) for each in (one, other)):
        return None
    first, second = _extra(one, other) - asked.about, _extra(other, one) - asked.about
    if first and second:
        return None
    if _is_restricted(one, other, first) or _is_restricted(other, one, second):
        return None
    found = _only_difference(asked, one, other)
    if found is None:
        return None
    # A subject of its own before the difference: "table names", "the annex".
    starts = (one, first, found.spans[0][0]), (other, second, found.spans[1][0])
    for answer, extra, start in starts:
        if any(word.end <= start and word.stem in extra for word in answer.words):
            return None
    return found


def _extra(one: Answer, other: Answer) -> frozenset[str]:
    """The stems that only the first one has, including the units of its figures."""
    return one.about - other.about - other.trail - _generic()


@cache
def _generic() -> frozenset[str]:
    """Stems that do not tell what a sentence is about."""
    return frozenset(map(canonical, listed("generic")))


def _covers(asked: Asked, answer: Answer) -> bool:
    """Whether a sentence, with its headings, has enough of what the question is about."""
    stems = answer.about | answer.trail | _content(words_of(" ".join(answer.names)))
    needed = (asked.about - _generic() or asked.about, asked.about)
    return any(len(words & stems) >= COVERED * len(words) for words in needed)


def _other_things(asked: Asked, one: Answer, other: Answer) -> bool:
    """Whether a name, heading or qualifier shows that they are about different things."""
    first, second = one.names - other.names, other.names - one.names
    if (first and second) or any(name not in asked.text for name in first | second):
        return True
    if one.numbered - other.numbered and other.numbered - one.numbered:
        return True
    for first in one.headings:
        for second in other.headings:
            # "Flat in Leeds", "Flat in York"
            extra = first - second - other.about, second - first - one.about
            if first & second and all(extra):
                return True
    for sides in _contrasts():
        those, these = (
            {n for n, words in enumerate(sides) if words & each.qualifiers} for each in (one, other)
        )
        if those and these and those.isdisjoint(these):
            return True
    return False


@cache
def _contrasts() -> list[list[frozenset[str]]]:
    """Sets of qualifiers, each of several sides."""
    return [
        [frozenset(map(stem, side.split())) for side in row.split("|")] for row in rows("contrasts")
    ]


def _is_restricted(answer: Answer, other: Answer, extra: frozenset[str]) -> bool:
    """Whether its extra words restrict it: "for free users", "in Berlin", "with 8 cores"."""
    measured = {figure.measures for figure in other.figures}
    if any(
        figure.measures not in measured
        and compiled(_RESTRICTED).search(answer.text, 0, figure.start)
        for figure in answer.figures
    ):
        return True
    words = [word for word in answer.words if word.text not in table("articles")]
    restricting = table("restricting")
    if any(first.text in restricting and second.stem in extra for first, second in pairwise(words)):
        return True
    # Another name: "Claude Sonnet".
    capital = (
        word for word in words if word.start and answer.text[word.start : word.end].istitle()
    )
    return any(word.stem in extra for word in capital)


def _only_difference(asked: Asked, one: Answer, other: Answer) -> Difference | None:
    """The only thing in which two statements on one subject differ."""
    figures, moments = _differing_figures(one, other), _differing_moments(one, other)
    if figures is None:
        return None
    if asked.of_time and moments and not figures:
        return _differ("date", *moments[0])
    if moments or len(figures) > 1:
        return None
    if not figures:
        return _negation(one, other)
    denied = bool(one.negation) != bool(other.negation)
    return None if denied else _differ("number", *figures[0])


def _differ(about: str, first: Figure | Moment, second: Figure | Moment) -> Difference:
    return Difference(about, ((first.start, first.end), (second.start, second.end)))


def _differing_figures(one: Answer, other: Answer) -> list[tuple[Figure, Figure]] | None:
    """Figures of one measure that differ; None where it is unclear which to compare."""
    differing = []
    for figure in one.figures:
        comparable = [each for each in other.figures if _comparable(figure, each, one, other)]
        if not comparable or _any_agrees(figure, comparable, one, other):
            continue
        if len(comparable) > 1:
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


def _differing_moments(one: Answer, other: Answer) -> list[tuple[Moment, Moment]]:
    """The dates and times that differ and agree with none of the other side."""
    pairs = []
    for moment in one.moments:
        compared = [(each, same_moment(moment, each)) for each in other.moments]
        if not any(same for _, same in compared):
            pairs += [(moment, each) for each, same in compared if same is False][:1]
    return pairs


def _negation(one: Answer, other: Answer) -> Difference | None:
    """The difference where one negates a word that the other asserts."""
    no, yes = (one, other) if one.negation else (other, one)
    if no.negation is None or yes.negation is not None or _conditional(one) != _conditional(other):
        return None
    start, end = no.negation.start, no.negation.end
    fillers = table("fillers")
    after = (word for word in no.words if word.start >= end and word.text not in fillers)
    denied = next((word for word in after if word.stem), None)
    asserted = next((word for word in yes.words if denied and word.stem == denied.stem), None)
    if denied is None or asserted is None:
        return None
    spans = (start, denied.end), (asserted.start, asserted.end)
    return Difference("negation", spans if no is one else (spans[1], spans[0]))


def _conditional(answer: Answer) -> bool:
    return any(word.text in table("conditions") for word in answer.words)
