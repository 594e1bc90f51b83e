"""A question and its answers, prepared for comparing one answer with another."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from ragqa.text.dates import Moment, moments_of
from ragqa.text.lexicon import listed, one_of
from ragqa.text.quantities import Figure, figures_of
from ragqa.text.words import Word, blank, canonical, compiled, overlaps, stems, words_of

# "step 3", "Falcon 2 is", "option B": names, not figures.
_NAMED = (
    rf"\b(?i:{one_of('labels')}) (?P<number>#?\d[\d.]*)\b"
    r"|^[A-Z][\w-]* (?P<first>\d[\d.]*)\b(?= (?:is|was|has|had|are|were|does|did|will|can)\b)"
    r"|\b[^\W\d_][\w-]{0,60} (?P<letter>[A-HJ-Z])\b(?!['.\u2019])"
)
# "v2", "GPT-3", "p95", "recall@5", "#12".
_MIXED = r"(?<!\w)(?=[\w@.#-]{0,60}\d)(?=[\w@.#-]{0,60}[^\W\d]|#)[\w@#][\w@.#-]*(?<!\.)"
_NUMBERED = rf"{_MIXED}|(?<![\w.])\d+(?:\.\d+)*\b|(?<=\w )[A-HJ-Z]\b(?!['.])"
# An address, who said it, or that it was changed to this: not part of the answer.
_ASIDE = (
    r"(?i)\b(?:https?://|www\.)\S+"
    r"|^(?:(?:decided|agreed|decision|update|updated|correction|note):\s"
    r"|(?:[\w.'\u2019-]+ ){0,4}(?:reported|said|confirmed|announced|noted|decided|agreed) that\b)"
    r"|\b(?:(?:was|were|has been|have been|is|are) )?(?:now )?"
    r"(?:moved|postponed|cut|changed|raised|lowered|reduced|increased|shortened|extended)"
    r"(?: (?:up|down|back|forward))? to\b"
)
_SINCE = r"|\bsince (?:(?:build|version|release) )?v?\d[\w.-]*"
_NOT_NEGATING = (
    r"(?i)\bnot (?:only|just|merely)\b|\bnothing but\b|\bwhether or not\b"
    r"|\bno (?:more|less|fewer|later|earlier) than\b|\bno (?:doubt|matter)\b|\bno\. ?(?=\d)"
)
_MAX_TRAIL_CHARS = 300
_TIMES = ("day", "date", "time", "year", "month", "weekday")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question whose answers are compared.

    `about` has its content stems; `of_time` is whether it asks for a date or time.
    """

    text: str
    about: frozenset[str]
    of_time: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence that may answer a question, with everything it is compared by.

    `words` excludes figures, dates and `names`, which are those with a number; `about` has the
    content stems of the rest, and what the figures measure. `headings` has the stems of each title
    and heading above, `trail` those of all of them, `trail_names` the numbered names there.
    `all_stems` has the stems of sentence, names and headings, `qualifiers` also those of stop
    words.
    """

    text: str
    words: tuple[Word, ...]
    figures: tuple[Figure, ...]
    moments: tuple[Moment, ...]
    names: frozenset[str]
    about: frozenset[str]
    headings: tuple[frozenset[str], ...]
    trail: frozenset[str]
    trail_names: frozenset[str]
    all_stems: frozenset[str]
    qualifiers: frozenset[str]

    @property
    def negators(self) -> list[Word]:
        """Its negating words, without "not only", "no more than" and the like."""
        ignored = [found.span() for found in compiled(_NOT_NEGATING).finditer(self.text)]
        negating = (word for word in self.words if word.negates)
        return [word for word in negating if not overlaps((word.start, word.end), ignored)]


@lru_cache(maxsize=16)
def read_asked(question: str) -> Asked:
    """Prepare a question for comparing its answers. It is kept, as `read_answer` is."""
    words = words_of(question)
    said = {word.text for word in words}
    asks_which = not said.isdisjoint(("what", "which")) and not said.isdisjoint(_TIMES)
    of_time = asks_which or any(word.term in stems("asking when") for word in words)
    return Asked(question.casefold(), content(words), of_time)


@lru_cache(maxsize=256)
def read_answer(text: str, trail: tuple[str, ...], asked: Asked) -> Answer:
    """Prepare a sentence under a title and headings for comparison.

    It is kept, since the sentences of an answer are compared twice.
    """
    aside = compiled(_ASIDE if asked.of_time else _ASIDE + _SINCE)
    rest = blank(text, (match.span() for match in aside.finditer(text)))
    moments = moments_of(rest)
    rest = blank(rest, (moment.span for moment in moments))
    # To a question about versions, a version is the answer and not a name.
    numbered = [] if "version" in asked.text else list(compiled(_NAMED).finditer(rest))
    rest = blank(rest, (match.span(match.lastgroup or 0) for match in numbered))
    figures = figures_of(rest)
    rest = blank(rest, ((figure.start, figure.end) for figure in figures))
    mixed = list(compiled(_MIXED).finditer(rest))
    words = words_of(blank(rest, (match.span() for match in mixed)))
    names = frozenset(match[0].casefold().rstrip(".") for match in (*numbered, *mixed))
    about = content(words) | {figure.measures for figure in figures} - {""}
    headings_text = _without_days(" . ".join(trail)[:_MAX_TRAIL_CHARS])
    trail_words = words_of(headings_text)
    return Answer(
        text=text,
        words=words,
        figures=tuple(figures),
        moments=tuple(moments),
        names=names,
        about=about,
        headings=tuple(
            content(words_of(_without_days(one))) - stems("genres") - generic() for one in trail
        ),
        trail=content(trail_words),
        trail_names=frozenset(
            match[0].casefold() for match in compiled(_NUMBERED).finditer(headings_text)
        ),
        all_stems=about | content(trail_words) | content(words_of(" ".join(names))),
        qualifiers=frozenset(word.term for word in (*words, *trail_words)),
    )


def content(words: Iterable[Word]) -> frozenset[str]:
    """The stems of content words."""
    return frozenset(word.stem for word in words if len(word.stem) > 1 and not word.negates)


@cache
def generic() -> frozenset[str]:
    """Stems that do not tell what a sentence is about."""
    return frozenset(map(canonical, listed("generic")))


def _without_days(heading: str) -> str:
    """The headings without full dates, which say when a note was written, not what it is about."""
    days = (moment for moment in moments_of(heading) if len(moment.parts) > 1)
    return blank(heading, (day.span for day in days))
