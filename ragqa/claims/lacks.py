"""What a sentence says that the passages it cites lack, and where only one of them says "not".

Each figure, date and name of a sentence is looked up in the passages. It is lacking, too, where the
words around it belong to another one there: "Yusuf" where the line on the night shift has Felipe.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from ragqa.claims.sources import (
    About,
    Given,
    Idf,
    Line,
    Mark,
    Sources,
    denies,
    plain_name,
    read_line,
)
from ragqa.readers import Text
from ragqa.text.lexicon import rows, table
from ragqa.text.names import NameIndex
from ragqa.text.quantities import Figure, meets_bound, same_figure
from ragqa.text.words import Word, overlaps, stem
from ragqa.types import Span

MAX_CHARS = 3000
MAX_MARKS = 60
"""The most of a sentence that is read; a longer one is code, or not a sentence."""

LIKE = 0.5
"""The cosine from which a word of the passages is like a word of the sentence."""

FEW = 3
"""A sentence with more words that the passages lack is told in other words: none is named."""

CLEAR, RIVAL = 0.15, 0.8
"""Another figure or name stands where this one should if it shares at least `CLEAR` of the words
around it, and where this one is stands less than `RIVAL` of what it shares."""

SAME = 0.35
"""The share of the words around a "not" from which a line speaks of the same."""

MIN_SHARED, MIN_GAIN = 0.2, 0.03
"""What a line must add to what is met of a sentence to be evidence, and one of another passage."""

ALL = "all of its words"
"""What is lacking where no word is like one of the lines."""

_IN_LINE, _ABOVE, _OTHER_CLAUSE, _REACH = 0.7, 0.5, 0.6, 4.0
"""What a match counts in another clause, in the headings, and for words of another clause of the
sentence; and over how many words it falls to a third."""

_COMMON = 1.0
"""A name with an idf this low is in every third passage, so it may be left implicit."""

_CONTRADICTS = 0.5
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_CODE = re.compile(r"\s*(?:```|~~~)|\s*`[^`\n]+`[\s.:;,]*\Z")
_PLACE = re.compile(
    r"(?i)\b(?:in|on|at|from|to|into|by|near|behind|under|along) "
    r"(?:the|an?|his|her|its|their|my|our|your) ([\w-]+)(?: ([\w-]+))?"
)
_OPEN, _CLOSE = '"\u201c\u201d\u201e\u00ab', '"\u201c\u201d\u00bb'
_QUOTED = re.compile(rf"[{_OPEN}]([^{_OPEN}{_CLOSE}]{{1,2000}})[{_CLOSE}]")
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\n]*\)|\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
# Emphasis, code and inner quotation marks are ignored; a curly apostrophe is a straight one.
_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u2013": "-", "\u2014": "-"}
    | dict.fromkeys('*_`"\u201c\u201d\u201e', "")
)
_WITHOUT = ' without a "not"'
_YEAR_SECONDS = 31_557_600
_MIN_STEM, _MIN_QUOTED, _SHOWN, _SAID_BY = 5, 3, 60, 3


@dataclass(frozen=True, slots=True)
class Spot:
    """A word of a line by their numbers, what stands there, and its mark if it has one."""

    line: int
    word: int
    text: str
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """What the passages lack; `instead` is what its line has, "" if that is unclear."""

    about: About
    text: str
    instead: str = ""

    def __str__(self) -> str:
        return f"{self.text} where its line has {self.instead}" if self.instead else self.text


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence beside the passages that it cites: what they lack, and what they say instead.

    `differs` has what they say with a "not" or without. `evidence` has the spans of each passage
    that share most with the sentence, `share` how much of the sentence's idf they lack.
    """

    lacks: tuple[Lack, ...] = ()
    differs: tuple[str, ...] = ()
    evidence: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    share: float = 1.0

    @property
    def is_off(self) -> bool:
        """Whether a figure, date, name, quotation or "not" differs, or nothing is shared."""
        lacks = any(lack.about is not About.WORD for lack in self.lacks)
        return lacks or bool(self.differs) or not self.evidence


def finding_of(sentence: str, cited: Sequence[int], sources: Sources, idf: Idf) -> Finding:
    """Lay a sentence beside the passages that it cites. It takes any text and never raises.

    :param cited: source numbers, from 1; unknown ones are ignored.
    """
    lines = [line for line in sources.lines if line.source in cited]
    if not lines:
        return Finding()
    passages = [one for n, one in enumerate(sources.passages, start=1) if n in cited]
    text, language = sentence[:MAX_CHARS], passages[0].language
    tokens = sources.embedder.embed_sentences([text])[0] if sources.embedder else None
    above = dict.fromkeys([*(one.heading for one in passages), *(line.label for line in lines)])
    heading = read_line("\n".join(above), language=language)
    beside = _Beside(read_line(text, tokens, language=language), lines, heading, idf)
    evidence, share = beside.evidence(), beside.share
    plain = [_plain(one.text) for one in passages]
    if _CODE.match(sentence):
        code = [row for row in sentence.splitlines() if not _FENCE.match(row)]
        lacks = [Lack(About.QUOTE, _cut(row)) for row in code if not _is_in(plain, row)]
        return Finding(tuple(lacks), (), evidence, share)
    differs = [*beside.denials(), *_contradicting(text, evidence, sources)]
    if beside.idf.any() and beside.met[beside.idf > 0].max() < LIKE:
        return Finding((Lack(About.WORD, ALL),))
    words = [*beside.opposites(), *beside.places()]
    lacks = [*beside.marks(), *_misquoted(text, plain), *words]
    return Finding(tuple(dict.fromkeys(lacks)), tuple(dict.fromkeys(differs)), evidence, share)


def _contradicting(
    sentence: str, evidence: dict[int, tuple[Span, ...]], sources: Sources
) -> Iterator[str]:
    """The lines nearest to a sentence that contradict it, as a reader of the user's judges."""
    for number, spans in evidence.items() if sources.reader.judges else ():
        one = sources.passages[number - 1]
        texts = [Text(one.heading, one.text[slice(*span)]) for span in spans]
        for text, likely in zip(texts, sources.reader.contradicts(sentence, texts), strict=True):
            if likely >= _CONTRADICTS:
                yield f'"{_cut(text.text)}", which contradicts it'


class _Beside:
    """A sentence beside the lines that it cites, with how near each of its words is to theirs."""

    def __init__(self, said: Line, lines: Sequence[Line], above: Line, idf: Idf) -> None:
        self.said, self.lines, self.above = said, lines, above
        self.near = [_nearness(said, line) for line in lines]
        self.met = np.array([near.max(axis=1) for near in self.near]).T
        rarity = idf(sorted({word.stem for word in said.words if word.stem}))
        self.idf = np.array([rarity.get(word.stem, 0.0) for word in said.words])
        self.spots = list(_spots(lines))
        self.by_term = defaultdict[str, list[Spot]](list)
        for number, line in enumerate(lines):
            for k, word in enumerate(line.words):
                self.by_term[word.term].append(Spot(number, k, word.text))
                if word.text.startswith("un"):
                    self.by_term[f"un-{stem(word.text[2:])}"].append(Spot(number, k, word.text))
        met = float(self.idf @ np.clip(self.met.max(axis=1), 0, 1))
        self.share = 1 - met / max(float(self.idf.sum()), 1e-9)

    def evidence(self) -> dict[int, tuple[Span, ...]]:
        """The lines that share most with the sentence, each for what the others do not have."""
        met = np.where(self.met >= LIKE, self.met, 0)
        weights = self.idf * met.any(axis=1)
        weights = weights / max(float(weights.sum()), 1e-9)
        covered, found = np.zeros(len(weights)), set[int]()
        while len(found) < len(self.lines):
            used = {self.lines[n].source for n in found}
            least = [MIN_SHARED if not used or n.source in used else MIN_GAIN for n in self.lines]
            gains = weights @ np.maximum(met - covered[:, None], 0)
            best = int(np.argmax(np.where(gains >= least, gains, 0)))
            if gains[best] < least[best]:
                break
            covered = np.maximum(covered, met[:, best])
            found.add(best)
        chosen = [self.lines[n] for n in sorted(found)]
        numbers = sorted({line.source for line in chosen})
        return {n: tuple(line.span for line in chosen if line.source == n) for n in numbers}

    def rival(
        self, at: int, own: Sequence[Spot], others: Sequence[Spot], least: float = CLEAR
    ) -> Spot | None:
        """The other spot that shares clearly more of what stands around a word than its own."""
        around = [i for i in np.flatnonzero(self.idf).tolist() if i != at]
        if not others or not around:
            return None
        clauses = self.said.clauses
        nearby = self.idf[around] * np.exp(-np.abs(np.array(around) - at) / _REACH)
        nearby *= [1 if clauses[i] == clauses[at] else _OTHER_CLAUSE for i in around]
        shares = []
        for one in (*own, *others):
            line, near = self.lines[one.line], self.near[one.line][around]
            near = np.where(near >= LIKE, near, 0)
            beside = near[:, np.array(line.clauses) == line.clauses[one.word]].max(axis=1)
            shares.append(float(nearby @ np.maximum(beside, _IN_LINE * near.max(axis=1))))
        best = len(own) + int(np.argmax(shares[len(own) :]))
        is_near = shares[best] >= least * float(nearby.sum())
        is_clear = max(shares[: len(own)], default=0.0) < RIVAL * shares[best]
        return (*own, *others)[best] if is_near and is_clear else None

    def marks(self) -> Iterator[Lack]:
        """The figures, dates and names that the lines lack, or have beside other words."""
        there = [*(spot.mark for spot in self.spots if spot.mark), *self.above.marks]
        years = (int(one.value) for one in there if isinstance(one.value, float))
        days = (one.value for one in there if isinstance(one.value, frozenset))
        given: Given = frozenset(("year", n) for n in years).union(*days)
        index = NameIndex.of("\n".join(line.text for line in (self.above, *self.lines)))
        for mark in _marks_of(self.said, self.spots):
            at = self.said.word_at(mark.span[0])
            own = [spot for spot in self.spots if spot.mark and _same(spot.mark, mark)]
            if isinstance(mark.value, frozenset):
                absent = not mark.value <= given
            elif isinstance(mark.value, str):
                absent = not (index.has(mark.text) or self._is_shortened(mark.value))
                if self.idf[at] < _COMMON or any(_same(one, mark) for one in self.above.marks):
                    continue
            else:
                absent = not any(_same(one, mark) for one in there) and not _between(mark, given)
            words = self.said.words
            said = words if absent else words[max(0, at - _SAID_BY) : at + _SAID_BY + 1]
            rival = self.rival(at, () if absent else own, self._others(mark, own, said))
            if absent or (own and rival):
                yield Lack(mark.about, mark.text, rival.text if rival else "")

    def _others(self, mark: Mark, own: Sequence[Spot], said: Sequence[Word]) -> list[Spot]:
        """What could stand for a mark in the lines: neither said beside it nor part of it there."""
        texts = {word.text for word in said}
        return [
            spot
            for spot in self.spots
            if spot.mark
            and _kin(spot.mark, mark)
            and spot.mark.value not in texts
            and not any(spot.line == one.line and abs(spot.word - one.word) < 2 for one in own)
        ]

    def _is_shortened(self, word: str) -> bool:
        """Whether the lines have a short form of a word: "Rd" for "Road", "tom" for "tomatoes"."""
        return any(_shortens(short.text, word) for line in self.lines for short in line.words)

    def denials(self) -> Iterator[str]:
        """What the lines say with a "not", or without, that the sentence says the other way."""
        said, found, answered = self.said, [], set[int]()
        for i in np.flatnonzero(self.idf).tolist():
            own, others = self._by_denial(i)
            if own and said.denied[i]:
                answered.add(said.clauses[i])
            if rival := self.rival(i, own, others, SAME):
                there = self.lines[rival.line].denied[rival.word]
                found.append((i, rival, there or not said.denied[i], "NOT " * there))
        moved = len({denied for _, _, denied, _ in found}) > 1
        for i, rival, denied, word in found:
            line, at = (said, i) if denied else (self.lines[rival.line], rival.word)
            is_plain = not _hedges(line, at, anywhere=not denied)
            if moved or (is_plain and (denied or said.clauses[i] not in answered)):
                yield f"{word}{rival.text}{'' if denied else _WITHOUT}"

    def _by_denial(self, i: int) -> tuple[list[Spot], list[Spot]]:
        """The spots with a word of the sentence, "un-" aside: denied as it is there, and not."""
        word, denied = self.said.words[i], self.said.denied[i]
        same = self.by_term[word.term]
        turned = self.by_term[f"un-{word.term}"]
        if word.text.startswith("un"):
            turned = [*turned, *self.by_term[stem(word.text[2:])]]
        sides = [(spot, self.lines[spot.line].denied[spot.word] == denied) for spot in same]
        sides += [(spot, self.lines[spot.line].denied[spot.word] != denied) for spot in turned]
        return [spot for spot, is_own in sides if is_own], [spot for spot, own in sides if not own]

    def opposites(self) -> Iterator[Lack]:
        """The words whose opposite stands in their line: "before" for "after"."""
        terms = {word.term for word in self.said.words}
        for i, word in enumerate(self.said.words):
            for sides in _opposites():
                mine = next((side for side in sides if word.term in side), frozenset())
                theirs = frozenset[str]().union(*sides) - mine
                if mine and terms.isdisjoint(theirs):
                    own = [spot for term in sorted(mine) for spot in self.by_term[term]]
                    others = [spot for term in sorted(theirs) for spot in self.by_term[term]]
                    if rival := self.rival(i, own, others, SAME):
                        yield Lack(About.WORD, word.text, rival.text)

    def places(self) -> Iterator[Lack]:
        """The words for a place ("in the kitchen") that the lines lack, if they lack few."""
        stems = {word.stem for line in self.lines for word in line.words}
        stems = stems.union(*(line.above for line in self.lines))
        unmet = [
            i
            for i, word in enumerate(self.said.words)
            if self.idf[i] >= _COMMON
            and word.stem not in stems
            and word.text not in table("generic")
            and not any(overlaps((word.start, word.end), [mark.span]) for mark in self.said.marks)
            and not self._is_shortened(word.text)
        ]
        if len(unmet) > FEW:
            return
        for found in _PLACE.finditer(self.said.text):
            for place in map(self.said.word_at, (found.start(1), found.start(2))):
                if place not in unmet or self.met[place].max() >= LIKE:
                    break
                word = self.said.words[place]
                yield Lack(About.WORD, self.said.text[word.start : word.end])


def _spots(lines: Sequence[Line]) -> Iterator[Spot]:
    """The figures, dates and names of lines; a name may begin one if another has it within."""
    names = set()
    for number, line in enumerate(lines):
        for mark in line.marks:
            names |= {mark.value} if mark.about is About.NAME else set()
            if mark.about is not About.NAME:
                yield Spot(number, line.word_at(mark.span[0]), mark.text, mark)
    for number, line in enumerate(lines):
        for k, word in enumerate(line.words):
            written = line.text[word.start : word.end]
            if written[0].isupper() and plain_name(written) in names:
                mark = Mark(About.NAME, (word.start, word.end), written, plain_name(written))
                yield Spot(number, k, written, mark)


def _marks_of(said: Line, spots: Sequence[Spot]) -> Iterator[Mark]:
    """The figures, dates and names of a sentence; its first word is one if the lines have it."""
    names = {spot.mark.value for spot in spots if spot.mark}
    for mark in said.marks[:MAX_MARKS]:
        if not isinstance(mark.value, float):
            yield mark
    for word in said.words[:1]:
        name = plain_name(written := said.text[word.start : word.end])
        if name in names and all(mark.span[0] != word.start for mark in said.marks):
            yield Mark(About.NAME, (word.start, word.end), written, name)


def _same(one: Mark, said: Mark) -> bool:
    """Whether a line's figure, date or name is the sentence's."""
    if isinstance(said.value, Figure):
        if isinstance(one.value, Figure):
            return same_figure(one.value, said.value) or meets_bound(one.value, said.value)
        return isinstance(one.value, float) and one.value in said.numbers
    if isinstance(said.value, frozenset):
        return isinstance(one.value, frozenset) and bool(one.value & said.value)
    return one.value == said.value


def _kin(one: Mark, said: Mark) -> bool:
    """Whether a line's figure, date or name could stand for another one of the sentence."""
    first, second = one.value, said.value
    if isinstance(first, Figure) and isinstance(second, Figure):
        is_one_measure = first.measures.split(" ")[0] == second.measures.split(" ")[0]
        return is_one_measure and not _same(one, said)
    if isinstance(first, frozenset) and isinstance(second, frozenset):
        kinds = {kind for kind, _ in second}
        return not first & second and any(kind in kinds for kind, _ in first)
    return isinstance(first, str) and isinstance(second, str) and first != second


def _between(said: Mark, given: Given) -> bool:
    """Whether a figure counts the years between two that are given."""
    years = {int(value) for kind, value in given if kind == "year"}
    if not isinstance(said.value, Figure) or said.value.unit not in ("year", "years"):
        return False
    count = round(float(said.value.low) / _YEAR_SECONDS)
    return any(year - count in years for year in years)


def _nearness(said: Line, line: Line) -> npt.NDArray[np.float32]:
    """How near each word of a sentence is to each of a line: 1 for its stem, else the cosine."""
    near = np.zeros((len(said.words), len(line.words)), np.float32)
    if said.vectors.shape[1] == line.vectors.shape[1]:
        near = said.vectors @ line.vectors.T
    for i, word in enumerate(said.words):
        if word.stem in line.above:
            near[i] = np.maximum(near[i], _ABOVE)
        near[i, [word.stem != "" and word.stem == other.stem for other in line.words]] = 1
    return near


def _hedges(line: Line, at: int, *, anywhere: bool) -> bool:
    """Whether the clause of a word has another "not", or it or `anywhere` a word like "only"."""
    return any(
        (n == line.clauses[at] and denies(word, line.text))
        or ((anywhere or n == line.clauses[at]) and word.text in table("hedges"))
        for word, n in zip(line.words, line.clauses, strict=True)
    )


def _shortens(short: str, word: str) -> bool:
    """Whether a word is written short for another, or only ends otherwise."""
    if min(len(short), len(word)) >= _MIN_STEM and short[:_MIN_STEM] == word[:_MIN_STEM]:
        return True
    if len(short) > 2 and word.startswith(short.removesuffix("s")):
        return True
    letters = iter(word)
    is_within = len(short) > 1 and all(letter in letters for letter in short)
    return len(short) < _MIN_STEM and is_within and short[0] + short[-1] == word[0] + word[-1]


@cache
def _opposites() -> list[list[frozenset[str]]]:
    return [
        [frozenset(map(stem, side.split())) for side in row.split("|")] for row in rows("opposites")
    ]


def _misquoted(sentence: str, texts: Sequence[str]) -> Iterator[Lack]:
    """Each quotation of three words or more that no text has."""
    for found in _QUOTED.finditer(sentence):
        pieces = _OMITTED.split(found[1])
        if len(found[1].split()) >= _MIN_QUOTED and not all(_is_in(texts, one) for one in pieces):
            yield Lack(About.QUOTE, f'"{_cut(found[1])}"')


def _is_in(texts: Sequence[str], quoted: str) -> bool:
    """Whether a text has these words; white space, emphasis and quotation marks may differ."""
    return any(_plain(quoted).strip(" .,;:!?") in text for text in texts)


def _plain(text: str) -> str:
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", text)
    return " ".join(shown.translate(_MARKS).casefold().split())


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}\u2026"
