"""A sentence prepared for comparison: its figures, dates, names and words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragqa.answering.disagreement.dates import Moment, moments_of
from ragqa.answering.disagreement.figures import Figure, figures_of
from ragqa.answering.disagreement.lexicon import (
    GENERIC,
    GENRES,
    LABELS,
    NAMES,
    NEGATORS,
    OPPOSITES,
    canonical,
    stem,
)
from ragqa.text.words import STOP_WORDS, WORD

# "step 3", "Python 3.11", "Falcon 2 is", "option B": names, not figures.
_NAMED = re.compile(
    rf"\b(?:(?i:{'|'.join(sorted(LABELS))})|(?<=[\w,;] )[A-Z][\w-]*) (?P<number>#?\d[\d.]*)\b"
    r"|^[A-Z][\w-]* (?P<first>\d[\d.]*)\b(?= (?:is|was|has|had|are|were|does|did|will|can)\b)"
    r"|\b[^\W\d_][\w-]* (?P<letter>[A-HJ-Z])\b(?!['.\u2019])"
)
# "v2", "GPT-3", "p95", "recall@5", "#12".
_MIXED = re.compile(r"(?<!\w)(?=[\w@.#-]*\d)(?=[\w@.#-]*[^\W\d]|#)[\w@#][\w@.#-]*(?<!\.)")
_NUMBERED = re.compile(r"(?<![\w.])\d+(?:\.\d+)*\b|(?<=\w )[A-HJ-Z]\b(?!['.])")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+")
# Who said it, or that it was changed to this: not part of the statement.
_ATTRIBUTION = re.compile(
    r"^(?:(?:decided|agreed|decision|update|updated|correction|note):\s"
    r"|(?:[\w.'\u2019-]+ ){0,4}(?:reported|said|confirmed|announced|noted|decided|agreed) that\b)"
    r"|\b(?:(?:was|were|has been|have been|is|are) )?(?:now )?"
    r"(?:moved|postponed|cut|changed|raised|lowered|reduced|increased|shortened|extended)"
    r"(?: (?:up|down|back|forward))? to\b",
    re.IGNORECASE,
)
_SINCE = re.compile(r"\bsince (?:(?:build|version|release) )?v?\d[\w.-]*", re.IGNORECASE)
_MAX_TRAIL_CHARS = 300
_WHICH = re.compile(
    r"\b(?:which|what) [^\W\d_]+(?= (?:do(?:es)?|did|is|are|was|were|should|can)\b)"
)
_WHEN = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:day|date|time|year|month|weekday)\b|\bdates?\b|\bdeadline\b"
    r"|\bdue\b|\bbirthday\b|\bsince\b|\buntil\b|\bexpir\w+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its stem and span, in lower case unless it is a name."""

    text: str
    stem: str
    start: int
    end: int

    @property
    def negates(self) -> bool:
        """Whether it negates a sentence."""
        return self.text in NEGATORS or self.text.endswith("n't")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence with everything it is compared by.

    `words` excludes figures, dates and names with a number; `about` has the content stems of the
    rest, and what the figures measure. `headings` has the stems of each title and heading above,
    `trail` those of all of them, `trail_names` the numbered names there. `all_stems` has the stems
    of sentence, names and headings, `qualifiers` those of words without an opposite.
    """

    text: str
    moments: Sequence[Moment]
    figures: Sequence[Figure]
    names: frozenset[str]
    words: Sequence[Word]
    about: frozenset[str]
    headings: Sequence[frozenset[str]]
    trail: frozenset[str]
    trail_names: frozenset[str]
    all_stems: frozenset[str]
    qualifiers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answers are compared.

    `about` has its content stems; `content` those that an answer can be expected to repeat: in
    "which database do we use", not the database. `of_time` is whether it asks for a date or time.
    """

    text: str
    about: frozenset[str]
    content: frozenset[str]
    of_time: bool


def read_question(question: str) -> Question:
    """Prepare a question for comparing its answers."""
    return Question(
        text=question.casefold(),
        about=content(words_of(question)),
        content=content(words_of(_WHICH.sub(" ", question))),
        of_time=_WHEN.search(question) is not None,
    )


def read_statement(text: str, trail: Sequence[str], asked: Question) -> Statement:
    """Prepare a sentence under a title and headings for comparison."""
    rest = blank(text, (match.span() for match in _ADDRESS.finditer(text)))
    rest = blank(rest, (match.span() for match in _ATTRIBUTION.finditer(rest)))
    if not asked.of_time:
        rest = blank(rest, (match.span() for match in _SINCE.finditer(rest)))
    moments = moments_of(rest)
    rest = blank(rest, ((moment.start, moment.end) for moment in moments))
    # To a question about versions, a version is the answer and not a name.
    numbered = [] if "version" in asked.text else list(_NAMED.finditer(rest))
    rest = blank(rest, (match.span(match.lastgroup or 0) for match in numbered))
    figures = figures_of(rest)
    rest = blank(rest, ((figure.start, figure.end) for figure in figures))
    mixed = list(_MIXED.finditer(rest))
    rest = blank(rest, (match.span() for match in mixed))
    words = words_of(rest)
    names = frozenset(match[0].casefold().rstrip(".") for match in (*numbered, *mixed))
    about = content(words) | {figure.measures for figure in figures} - {""}
    headings_text = _without_days(" . ".join(trail)[:_MAX_TRAIL_CHARS])
    trail_words = words_of(headings_text)
    return Statement(
        text=text,
        moments=moments,
        figures=figures,
        names=names,
        words=words,
        about=about,
        headings=[content(words_of(_without_days(each))) - GENRES - GENERIC for each in trail],
        trail=content(trail_words),
        trail_names=frozenset(
            match[0].casefold()
            for each in (_MIXED, _NUMBERED)
            for match in each.finditer(headings_text)
        ),
        all_stems=about | content(trail_words) | content(words_of(" ".join(names))),
        qualifiers=frozenset(
            stem(word.text) for word in (*words, *trail_words) if word.text not in OPPOSITES
        ),
    )


def words_of(text: str) -> list[Word]:
    """The words of a text."""
    return [
        Word(match[0], match[0], *match.span())
        if match[0] in NAMES
        else Word(match[0].lower().replace("\u2019", "'"), canonical(match[0]), *match.span())
        for match in WORD.finditer(text)
    ]


def content(words: Iterable[Word]) -> frozenset[str]:
    """The stems of content words."""
    return frozenset(
        word.stem
        for word in words
        if word.text not in STOP_WORDS and not word.negates and len(word.stem) > 1
    )


def _without_days(heading: str) -> str:
    """The headings without full dates, which say when a note was written, not what it is about."""
    days = (moment for moment in moments_of(heading) if len(moment.parts) > 1)
    return blank(heading, ((day.start, day.end) for day in days))


def blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with some spans blanked, so that the other offsets stay the same."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = " " * (end - start)
    return "".join(characters)
