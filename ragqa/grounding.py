"""What a sentence says and the passages that it cites lack.

That nothing is lacking does not make a sentence right.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import shorten
from typing import TypeAlias

from ragqa.languages import ENGLISH
from ragqa.text.dates import moments_of
from ragqa.text.names import NameIndex, names_of
from ragqa.text.quantities import figures_of, same_figure
from ragqa.text.words import MONTHS, WORD, blank, overlaps, stems, words_of

Idf: TypeAlias = Callable[[Sequence[str]], Mapping[str, float]]
"""Gives the inverse document frequency of terms, as `Snapshot.idf` does."""

FACT, NAME, WORD_ALONE = 0.5, 0.3, 0.0
"""What a figure, date, quotation or "not" adds to the share that is lacking, a name, a word."""

WEIGHTY = 0.25
"""A word with this share of a sentence's idf is named."""

MAX_CHARS = 3000
"""The most that is read of a sentence; a longer one is code, or not a sentence."""

_MIN_QUOTED, _SHOWN = 3, 60
_QUOTED = re.compile(r'["`\u201c-\u201e\xab]([^"`\u201c-\u201e\xab\xbb]+)["`\u201c\u201d\xbb]')
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_UNSEEN = re.compile(r"\]\([^()\n]*\)|\[\[[^\[\]|\n]*\|")  # of a link
_CLAUSE = re.compile(
    r"[,;:()|.!?\n]\s|\s[\u2013\u2014(-]|\b(?:but|while|whereas)\b|\band (?=not?\b)"
)


@dataclass(frozen=True, slots=True)
class Grounding:
    """What passages lack of a sentence, as the sentence has it, each with what it adds.

    `share` is how much of the sentence's idf they lack.
    """

    lacks: Mapping[str, float]
    share: float

    @property
    def lacking(self) -> float:
        """How much is lacking."""
        return self.share + sum(self.lacks.values())

    @property
    def is_off(self) -> bool:
        """Whether more than a word is lacking, or every word is."""
        return self.share >= 1 or any(self.lacks.values())


def grounding_of(sentence: str, said: str, idf: Idf, language: str = ENGLISH) -> Grounding:
    """Lay any sentence beside all that passages say."""
    sentence = sentence[:MAX_CHARS]
    words = {word.stem: word for word in words_of(sentence, language) if word.stem}
    weights = idf(sorted(words))
    total = sum(weights.values()) or 1.0
    there = {word.stem for word in words_of(said, language)}
    heavy = [word for stem, word in words.items() if weights.get(stem, 0.0) >= WEIGHTY * total]
    plain = stems("common")
    days = [day.span for day in moments_of(sentence, language)]
    names = [(name.start, name.end) for name in names_of(sentence, language)]
    numbers = [figure.number for figure in figures_of(sentence, language)]
    known = NameIndex.of(said)
    lacks = dict.fromkeys(_figures(sentence, said, language), FACT)
    lacks |= dict.fromkeys((*_quoted(sentence, said), *_denied(sentence, said, language)), FACT)
    for start, end in names:
        if not overlaps((start, end), days) and not known.has(sentence[start:end]):
            lacks[sentence[start:end]] = NAME
    for start, end in ((word.start, word.end) for word in heavy if word.stem not in there | plain):
        if not overlaps((start, end), [*days, *names, *numbers]):
            lacks[sentence[start:end]] = WORD_ALONE
    met = sum(weight for stem, weight in weights.items() if stem in there)
    return Grounding(lacks, 1 - met / total)


def _figures(sentence: str, said: str, language: str) -> Iterator[str]:
    """The dates and figures that a text has in no form."""
    days, known = moments_of(sentence, language), moments_of(said, language)
    parts = {part for day in known for part in day.parts}
    words = {word.text[:3] for word in words_of(said, language)}
    numbers = {int(digits) for digits in re.findall(r"\d{1,15}", said)}
    for day in days:
        if not all(part in parts or _has_part(*part, words, numbers) for part in day.parts):
            yield sentence[slice(*day.span)]
    there = figures_of(blank(said, [day.span for day in known]), language)
    for figure in figures_of(blank(sentence, [day.span for day in days]), language):
        digits = {int(digits) for digits in re.findall(r"\d+", sentence[slice(*figure.number)])}
        is_written = digits and digits <= numbers
        if not is_written and not any(same_figure(other, figure) for other in there):
            yield sentence[slice(*figure.span)]


def _has_part(
    name: str, value: int | str, words: Collection[str], numbers: Collection[int]
) -> bool:
    """Whether a part of a date stands among numbers, or among the first three letters of words."""
    if isinstance(value, str):
        return value[:3].lower() in words
    is_named = name == "month" and MONTHS[value - 1][:3] in words
    value //= 60 if name == "clock" else 1
    return is_named or value in numbers or (name == "year" and value % 100 in numbers)


def _quoted(sentence: str, said: str) -> Iterator[str]:
    """Each quotation of three words or more that a text does not have."""
    for quotation in _QUOTED.finditer(sentence):
        is_there = all(_plain(piece) in _plain(said) for piece in _OMITTED.split(quotation[1]))
        if len(quotation[1].split()) >= _MIN_QUOTED and not is_there:
            yield shorten(quotation[0], _SHOWN, placeholder="\u2026")


def _plain(text: str) -> str:
    """The words that a reader sees."""
    return " ".join(WORD.findall(_UNSEEN.sub(" ", text).replace("\u2019", "'").casefold()))


def _denied(sentence: str, said: str, language: str) -> Iterator[str]:
    """The words that a text only denies, and a sentence does not.

    The other way round proves nothing: a sentence may deny in words of its own.
    """
    clauses = list(_clauses(said, language))
    for words, denied in _clauses(sentence, language):
        for stem, word in words.items():
            beside = [nots for others, nots in clauses if stem in others]
            if not denied and beside and all(stem in nots for nots in beside):
                yield f'{word} without a "not"'


def _clauses(text: str, language: str) -> Iterator[tuple[dict[str, str], set[str]]]:
    """The words of each clause by their stems, and the stems right after a "not"."""
    for clause in _CLAUSE.split(text):
        words = [word for word in words_of(clause, language) if word.stem or word.negates]
        denied = {word.stem for no, word in pairwise(words) if no.negates}
        yield {word.stem: word.text for word in words if not word.negates}, denied
