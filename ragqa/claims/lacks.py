"""What a sentence says that the passages it cites lack, and where only one of them says "not".

Each figure, date and name of a sentence is looked up in the passages. It is lacking, too, where the
words around it belong to another one there: "Yusuf" where the line on the night shift has Felipe.
The same holds for a word with an opposite, and for one that is denied.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ragqa.claims.sources import LOOKED_UP, About, Idf, Item, ReadLine, Sources, denies, read_line
from ragqa.text.dates import Moment, same_moment
from ragqa.text.lexicon import UNITS, table
from ragqa.text.names import NameIndex
from ragqa.text.quantities import Figure, same_figure
from ragqa.text.words import WORD, words_of
from ragqa.types import Span

MAX_CHARS, MAX_ITEMS = 3000, 100
"""The most of a sentence that is read; a longer one is code, or not a sentence."""

LIKE = 0.5
"""The cosine from which a word of the passages is like a word of the sentence."""

FEW, RARE = 3, 1.0
"""If more than `FEW` words of this idf are in no line, it is a paraphrase, and none is named."""

SHARED, RIVAL = 0.3, 0.8
"""Something else stands where this should if it shares at least `SHARED` of the words around it,
and where this stands less than `RIVAL` of that."""

MIN_SHARED, MIN_GAIN = 0.2, 0.03
"""The share of a sentence that a line must add to be evidence, and one of a further passage."""

ALL = "all of its words"
"""What is lacking where no word is like one of the lines."""

_CONTRADICTS = 0.5
_MIN_QUOTED, _SHOWN, _LEAST_YEAR = 3, 60, 1000
_NUMBER = re.compile(r"\d{1,15}")
_CODE = re.compile(r"\s*```|\s*`[^`\n]+`[\s.:;,]*\Z")
_PLACE = re.compile(
    r"(?i)\b(?:in|on|at|from|to|into|by|near|behind|under|along) "
    r"(?:the|an?|his|her|its|their|my|our|your) ([\w-]+)(?: ([\w-]+))?"
)
_QUOTED = re.compile(r'["\u201c-\u201e\xab]([^"\u201c-\u201e\xab\xbb]{1,2000})["\u201c\u201d\xbb]')
_LIGHT = ("be", "been", "being", "a", "an", "the", "any")
_OMITTED = re.compile(r"\[?(?:\.\.\.|\u2026)\]?")
_UNSEEN = re.compile(r"\]\([^()\n]*\)|\[\[[^\[\]|\n]*\|")  # of a link

Spot: TypeAlias = tuple[int, Item]
"""The number of a line, and an item of it."""


@dataclass(frozen=True, slots=True)
class Lack:
    """What a sentence says and the passages do not, or only of something else: `is_elsewhere`.

    `instead` is what the line that the sentence is about has in its place, "" if that is unclear.
    """

    about: About
    text: str
    instead: str = ""
    is_elsewhere: bool = False

    def __str__(self) -> str:
        return f"{self.text} where its line has {self.instead}" if self.instead else self.text


@dataclass(frozen=True, slots=True)
class Grounding:
    """A sentence beside the passages that it cites: what they lack, and what they say instead.

    `differs` has what they say with a "not" or without, and what stands in the place of a word that
    they have elsewhere. It `is_off` if they lack a figure, date, name or quotation, have only the
    opposite of a word, differ in a "not", or share nothing. `evidence` has the spans of a passage
    that share most with the sentence, `share` how much of the sentence's idf they lack.
    """

    lacks: tuple[Lack, ...] = ()
    differs: tuple[str, ...] = ()
    evidence: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    share: float = 1.0
    is_off: bool = True


def grounding_of(sentence: str, cited: Sequence[int], sources: Sources, idf: Idf) -> Grounding:
    """Lay a sentence beside the passages that it cites. It takes any text and never raises.

    :param cited: source numbers, from 1; unknown ones are ignored.
    """
    lines = [line for line in sources.lines if line.source in cited]
    if not lines:
        return Grounding()
    passages = [passage for n, passage in enumerate(sources.passages, start=1) if n in cited]
    text, language = sentence[:MAX_CHARS], passages[0].language
    tokens = sources.embedder.embed_sentences([text])[0] if sources.embedder else None
    above = read_line("\n".join(dict.fromkeys(line.above for line in lines)), language=language)
    beside = _Beside(read_line(text, tokens, language=language), lines, above, idf)
    evidence, plain = beside.evidence(), "\n".join(_plain(passage.text) for passage in passages)
    if _CODE.match(sentence):
        code = [row for row in sentence.splitlines() if _plain(row) not in plain]
        lacks = [Lack(About.QUOTE, _cut(row)) for row in code if "```" not in row]
        is_off = bool(lacks) or not evidence
        return Grounding(tuple(lacks), (), evidence, beside.share, is_off)
    if not beside.met[beside.idf > 0].any() and beside.idf.any():
        return Grounding((Lack(About.WORD, ALL),))
    all_lacks = dict.fromkeys([*beside.lacking(), *_misquoted(text, plain), *beside.places()])
    denied = [lack.instead for lack in all_lacks if lack.about is About.NOT]
    denied += _contradicting(text, evidence, sources)
    moved = [
        f"{lack.instead} in that line, not {lack.text}" for lack in all_lacks if lack.is_elsewhere
    ]
    lacks = [lack for lack in all_lacks if lack.about is not About.NOT and not lack.is_elsewhere]
    is_off = any(lack.about is not About.WORD or lack.instead for lack in lacks)
    is_off = is_off or bool(denied) or not evidence
    differs = tuple(dict.fromkeys([*denied, *moved]))
    return Grounding(tuple(lacks), differs, evidence, beside.share, is_off)


def _contradicting(
    sentence: str, evidence: dict[int, tuple[Span, ...]], sources: Sources
) -> Iterator[str]:
    """The lines nearest to a sentence that contradict it, as a reader of the user's judges."""
    for number, spans in evidence.items():
        passage = sources.passages[number - 1]
        lines = [passage.text[slice(*span)] for span in spans]
        texts = [f"{passage.heading}\n{line}".strip() for line in lines]
        probabilities = sources.reader.contradicts(sentence, texts)
        for line, likely in zip(lines, probabilities, strict=False):
            if likely >= _CONTRADICTS:
                yield f'"{_cut(line)}", which contradicts it'


class _Beside:
    """A sentence beside the lines that it cites, with how near each of its words is to theirs."""

    def __init__(
        self, sentence: ReadLine, lines: Sequence[ReadLine], above: ReadLine, idf: Idf
    ) -> None:
        self.sentence, self.lines, self.above = sentence, lines, above
        near = [_nearness(sentence, line) for line in lines]
        best = np.max([each.max(axis=1) for each in near], axis=0).clip(0, 1)
        self.near = [np.where(each >= LIKE, each, 0) for each in near]
        self.met = np.array([each.max(axis=1) for each in self.near]).T
        rarity = idf(sorted({word.stem for word in sentence.words if word.stem}))
        self.idf = np.array([rarity.get(word.stem, 0.0) for word in sentence.words])
        self.share = 1 - float(self.idf @ best) / max(float(self.idf.sum()), 1e-9)
        marks = [item for line in (sentence, *lines) for item in line.items]
        names = {item.value for item in marks if item.about is About.NAME}
        self.items = sentence.named(names)[:MAX_ITEMS]
        self.spots = defaultdict[tuple[About, str], list[Spot]](list)
        for number, line in enumerate(lines):
            for item in line.named(names):
                self.spots[item.rivals].append((number, item))

        there = (item for spots in self.spots.values() for _, item in spots)
        others = (item for item in there if item.about is not About.NOT)
        self.in_both = {item for item in others if any(_same(item, own) for own in self.items)}

    def evidence(self) -> dict[int, tuple[Span, ...]]:
        """The spans of the lines that together share most with the sentence, by source number."""
        met, weights = self.met, self.idf * self.met.any(axis=1)
        weights = weights / max(float(weights.sum()), 1e-9)
        covered, spans = np.zeros(len(weights)), dict[int, list[Span]]()
        for n in np.argsort(-(weights @ met), kind="stable").tolist():
            line, gain = self.lines[n], float(weights @ np.maximum(met[:, n] - covered, 0))
            if gain >= (MIN_GAIN if spans and line.source not in spans else MIN_SHARED):
                covered = np.maximum(covered, met[:, n])
                spans.setdefault(line.source, []).append(line.span)
        return {number: tuple(sorted(spans[number])) for number in sorted(spans)}

    def lacking(self) -> Iterator[Lack]:
        """Each item of the sentence that the lines lack, or have beside other words."""
        for item in self.items:
            compared = [(spot, _same(spot[1], item)) for spot in self.spots[item.rivals]]
            own = [spot for spot, same in compared if same]
            others = [
                spot for spot, same in compared if same is False and spot[1] not in self.in_both
            ]
            rival = self._rival(item, own, others)
            if item.about in LOOKED_UP and not self._has(item, own):
                yield Lack(item.about, item.text, rival[1].text if rival else "")
            elif rival and item.about is About.NOT:
                yield from self._denied(item, rival)
            elif (
                rival
                and rival[0] not in {number for number, _ in own}
                and (own or item.about is About.WORD)
            ):
                yield Lack(item.about, item.text, rival[1].text, is_elsewhere=bool(own))

    def _rival(self, item: Item, own: Sequence[Spot], others: Sequence[Spot]) -> Spot | None:
        """The other spot that shares clearly more of what stands around an item than its own."""
        around = [i for i in np.flatnonzero(self.idf).tolist() if i != item.word]
        if not others or not around:
            return None
        weights = self.idf[around] * self.sentence.beside(item)[around]
        shares = []
        for number, spot in (*own, *others):
            near = self.near[number][around] * self.lines[number].beside(spot)
            shares.append(float(weights @ near.max(axis=1)))
        best = len(own) + int(np.argmax(shares[len(own) :]))
        is_near = shares[best] >= SHARED * float(weights.sum())
        is_clear = max(shares[: len(own)], default=0.0) < RIVAL * shares[best]
        return (*own, *others)[best] if is_near and is_clear else None

    def _denied(self, item: Item, rival: Spot) -> Iterator[Lack]:
        """What only one side denies, if the other has no "not" there, nor a word like "only".

        A "not" of the sentence is answered where a line denies another word of its clause.
        """
        line, there = self.lines[rival[0]], rival[1]
        if item.value and not self._has_verb(item, rival[0]):
            return
        plain, place = (line, there.word) if item.value else (self.sentence, item.word)
        for word, clause in zip(plain.words, plain.clauses, strict=True):
            is_hedge, is_near = word.text in table("hedges"), clause == plain.clauses[place]
            if (is_hedge and item.value) or (is_near and (is_hedge or denies(word, plain.text))):
                return
        for other in self.items if item.value else ():
            is_near = self.sentence.clauses[other.word] == self.sentence.clauses[item.word]
            is_denied = other.about is About.NOT and other.value
            rivals = self.spots[other.rivals]
            if is_near and is_denied and any(_same(spot, other) for _, spot in rivals):
                return
        is_not = there.value and not there.text.startswith("un")
        shown = f"NOT {there.text}" if is_not else there.text
        yield Lack(item.about, item.text, shown if there.value else f'{shown} without a "not"')

    def _has_verb(self, item: Item, number: int) -> bool:
        """Whether a line has the word after the "not" before an item: "have" of "may not have"."""
        words, known = self.sentence.words, {word.term for word in self.lines[number].words}
        nots = [i for i, word in enumerate(words[: item.word]) if denies(word, self.sentence.text)]
        after = range(nots[-1] + 1 if nots else item.word, item.word + 1)
        first = next((i for i in after if words[i].text not in _LIGHT), item.word)
        return words[first].term in known or bool(self.near[number][first].any())

    def _has(self, item: Item, own: Sequence[Spot]) -> bool:
        """Whether lines or headings have a figure or name in any form, or all parts of a date.

        A number of years may also lie between two of theirs.
        """
        lines = (self.above, *self.lines)
        if not isinstance(item.value, Figure | Moment):
            return bool(own) or NameIndex.of("\n".join(line.text for line in lines)).has(item.text)
        numbers = {int(n) for line in lines for n in _NUMBER.findall(line.text)}
        days = [
            item.value for line in lines for item in line.items if isinstance(item.value, Moment)
        ]
        parts = {("year", n) for n in numbers}.union(*(day.parts for day in days))
        parts |= {part for line in lines for item in line.items for part in _hour(item)}
        if isinstance(item.value, Moment):
            return parts.issuperset(item.value.parts)
        if own or any(_same(above, item) for above in self.above.items):
            return True
        if not parts.isdisjoint(_hour(item)):
            return True
        if item.value.unit in ("year", "years"):
            count = round(item.value.low / UNITS["year"][1])
            years = {int(n) for name, n in parts if name == "year"}
            return any(n >= _LEAST_YEAR and n - count in years for n in years)
        return not item.value.measured and {item.value.low, item.value.high} <= numbers

    def places(self) -> Iterator[Lack]:
        """The words for a place ("in the kitchen") that the lines lack, if they lack few."""
        known = {word.stem for line in (self.above, *self.lines) for word in line.words}
        taken = {item.word for item in self.items if item.about in LOOKED_UP}
        unmet = {
            word.start: word.end if not self.met[i].any() else 0
            for i, word in enumerate(self.sentence.words)
            if self.idf[i] >= RARE and i not in taken
            if not {word.stem, word.text} & (known | table("generic"))
        }
        for place in _PLACE.finditer(self.sentence.text) if len(unmet) <= FEW else ():
            for start in (place.start(1), place.start(2)):
                if not unmet.get(start):
                    break
                yield Lack(About.WORD, self.sentence.text[start : unmet[start]])


def _same(item: Item, other: Item) -> bool | None:
    """Whether two items say the same; None where neither could stand in the other's place."""
    if isinstance(item.value, Figure) and isinstance(other.value, Figure):
        return same_figure(item.value, other.value) or (False if item.kind == other.kind else None)
    if isinstance(item.value, Moment) and isinstance(other.value, Moment):
        return same_moment(item.value, other.value)
    return item.value == other.value if item.rivals == other.rivals else None


def _hour(item: Item) -> list[tuple[str, int | str]]:
    """The time of day that hours may be: "18h" is 18:00."""
    if not isinstance(item.value, Figure) or item.value.unit != "h":
        return []
    return [("clock", int(item.value.low // 60))]


def _nearness(sentence: ReadLine, line: ReadLine) -> npt.NDArray[np.float32]:
    """How near each word of a sentence is to each of a line: 1 for its stem."""
    near = np.zeros((len(sentence.words), len(line.words)), np.float32)
    if sentence.vectors.shape[1] == line.vectors.shape[1]:
        near = sentence.vectors @ line.vectors.T
    above = {word.stem for word in words_of(line.above)}
    for i, word in enumerate(sentence.words):
        near[i] = np.maximum(near[i], LIKE * (word.stem in above))
        near[i, [word.stem != "" and word.stem == other.stem for other in line.words]] = 1
    return near


def _misquoted(sentence: str, plain: str) -> Iterator[Lack]:
    """Each quotation of three words or more that no text has."""
    for quotation in _QUOTED.finditer(sentence):
        is_there = all(_plain(piece) in plain for piece in _OMITTED.split(quotation[1]))
        if len(quotation[1].split()) >= _MIN_QUOTED and not is_there:
            yield Lack(About.QUOTE, f'"{_cut(quotation[1])}"')


def _plain(text: str) -> str:
    """The words that a reader sees; what stands between them may differ in a quotation."""
    return " ".join(WORD.findall(_UNSEEN.sub(" ", text).replace("\u2019", "'").casefold()))


def _cut(text: str) -> str:
    return shorten(text, _SHOWN, placeholder="\u2026")
