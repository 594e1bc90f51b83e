"""Where a claim says no and its sources do not, or the other way round, or says the opposite."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.doubts import About, Doubt
from ragqa.grounding.opposites import OPPOSITES, opposite, plainly_opposite
from ragqa.grounding.opposites import words as listed
from ragqa.grounding.statements import Span, Statement, Word
from ragqa.types import Kind, Vectors

SAYS_NO = "says no where the note does not"
SAYS_NO_NO = "does not say no where the note does"

FAR = 0.35
"""What a no counts where the word that it denies is not the same one: who says a thing in other
words says no to another word."""

_NEGATORS = listed(
    "not no never cannot neither nor none without hardly nobody nothing rarely seldom barely "
    "absent missing lack lacks lacking instead rather"
)
_NOT_TURNING = listed("only just merely matter doubt")
_COMPARED = listed("more less fewer later earlier")
_CONTRASTING = {"rather": "than", "instead": "of"}
_STOPS = listed("but so because which while whereas since although and if when unless yet than")
_SEAM = re.compile(r"[,;:.()|\u2014!?]")
_REACH = 8
_LEXICAL = 0.99
_WEAK_OPPOSITE = 0.5
_BESIDE = 3
_TOO_TO = 4

_LIKE = 0.5
_SURELY_LIKE = 0.6
_AS_LIKE = 0.08
_NEAREST = 4
_MET = 0.4
_WELL_MET = 0.7


@dataclass(frozen=True, slots=True)
class Negation:
    """A word that says no, and the words that it says no to, by their places."""

    at: int
    over: tuple[int, ...]


def turned(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt each clause that is turned around beside the part that says most of it.

    A no in one of the two must have a no, or an opposite, at a word that stands for the same.
    """
    claim = comparison.claim
    negations = negations_of(claim)
    for clause in comparison.clauses:
        words = [
            i
            for i, word in enumerate(claim.words)
            if (word.stem or word.text in OPPOSITES) and clause[0] <= word.start < clause[1]
        ]
        scores = comparison.scores(words) if words else np.zeros(0)
        prose = [part.kind is not Kind.CODE for part in comparison.parts]
        if not words or not any(prose):
            continue
        scores = np.where(prose, scores, -1.0)
        order = [int(n) for n in np.argsort(-scores, kind="stable")[:_NEAREST]]
        best = float(scores[order[0]])
        if best < _MET:
            continue
        first, *others = (
            _Pair.of(claim, negations, comparison, n) for n in order if scores[n] >= best - _AS_LIKE
        )
        for strength, said in first.differences(clause, words, others):
            if strength > 0:
                yield Doubt(About.NEGATION, strength * min(1.0, best / _WELL_MET), said)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A claim and the part that says most of one of its clauses."""

    claim: Statement
    part: Statement
    alike: Vectors
    negations: Sequence[Negation]
    theirs: Sequence[Negation]
    denied: frozenset[int]
    denied_there: frozenset[int]
    compound: Sequence[bool]
    compound_there: Sequence[bool]

    @classmethod
    def of(
        cls, claim: Statement, negations: Sequence[Negation], comparison: Comparison, number: int
    ) -> "_Pair":
        part = comparison.parts[number].statement
        theirs = negations_of(part)
        return cls(
            claim=claim,
            part=part,
            alike=comparison.alike[number],
            negations=negations,
            theirs=theirs,
            denied=frozenset(i for one in negations for i in one.over),
            denied_there=frozenset(i for one in theirs for i in one.over),
            compound=_compounds(claim),
            compound_there=_compounds(part),
        )

    def differences(
        self, clause: Span, words: Sequence[int], others: Sequence["_Pair"]
    ) -> Iterator[tuple[float, str]]:
        """How sure it is that the clause says another thing, and what.

        :param others: the pairs with parts that say as much of it: any may answer a negation.
        """
        for negation in self.negations:
            is_here = any(clause[0] <= self.claim.words[i].start < clause[1] for i in negation.over)
            if is_here and not any(pair.answers(negation) for pair in (self, *others)):
                yield self._likest(negation), SAYS_NO
        for negation in self.theirs:
            yield self._left_out(negation, words), SAYS_NO_NO
        yield from self._opposites(words)

    def answers(self, negation: Negation) -> bool:
        """Whether the part says no, too, or the opposite, to what the claim denies."""
        said = [word.text for word in self.part.words]
        contrast = self.claim.words[negation.at].text in _CONTRASTING
        if contrast and "than" in said:
            return True
        claimed = {word.text for word in self.claim.words}
        for i in negation.over:
            text = self.claim.words[i].text
            # Where the part has the very word, or the claim the opposite too, it answers nothing.
            if text not in said and any(
                opposite(text, word) for word in said if word not in claimed
            ):
                return True
            places = self._near(i) if self._tells(i) else ()
            if any(k in self.denied_there or _negates(said, k) for k in places):
                return True
        return False

    def _likest(self, negation: Negation) -> float:
        """How like the likest word that a negation of the claim denies is to one of the part."""
        head = _head(self.claim, negation)
        return max(
            (
                self._sure(i, self._near(i), is_head=i == head)
                for i in negation.over
                if self._tells(i)
            ),
            default=0.0,
        )

    def _tells(self, i: int) -> bool:
        word = self.claim.words[i]
        return bool(word.stem) or word.text in OPPOSITES

    def _left_out(self, negation: Negation, words: Sequence[int]) -> float:
        """How like what the part denies is to what the claim says, 0 where the claim denies it."""
        found = 0.0
        head = _head(self.part, negation)
        for i in words:
            places = self._near(i)
            if not places or not set(places) <= set(negation.over):
                continue
            text = self.claim.words[i].text
            if i in self.denied or any(opposite(text, self.part.words[k].text) for k in places):
                return 0.0
            if self.alike[i].max() >= _SURELY_LIKE:
                found = max(found, self._sure(i, places, is_head=head in places))
        return found

    def _opposites(self, words: Sequence[int]) -> Iterator[tuple[float, str]]:
        said = {word.text for word in self.part.words}
        for i in words:
            text, places = self.claim.words[i].text, self._near(i)
            if not places or text in said:
                continue
            other = self.part.words[places[0]].text
            alike = (i in self.denied) == (places[0] in self.denied_there)
            if opposite(text, other) and alike and self._of_the_same(i, places[0]):
                plain = plainly_opposite(text, other)
                sure = self._likeness(i, places) * (1.0 if plain else _WEAK_OPPOSITE)
                yield sure, f'"{text}" where the note has "{other}"'

    def _of_the_same(self, i: int, place: int) -> bool:
        """Whether words beside one of the claim stand beside one of the part, too."""
        around = range(max(0, i - _BESIDE), min(len(self.claim.words), i + _BESIDE + 1))
        return any(
            abs(k - place) <= _BESIDE + 1
            for j in around
            if j != i and self.claim.words[j].stem
            for k in self._near(j)
            if k != place
        )

    def _near(self, i: int) -> list[int]:
        """The words of the part that a word of the claim may stand for, best first."""
        row = self.alike[i]
        enough = max(_LIKE, float(row.max()) - _AS_LIKE)
        return [
            int(k)
            for k in np.argsort(-row, kind="stable")[:_NEAREST]
            if row[k] >= enough and self.compound_there[k] <= self.compound[i]
        ]

    def _sure(self, i: int, places: Sequence[int], *, is_head: bool) -> float:
        """How sure it is that a word stands for what is denied: less where it is said otherwise."""
        likeness = self._likeness(i, places)
        return likeness if is_head and likeness >= _LEXICAL else likeness * FAR

    def _likeness(self, i: int, places: Sequence[int]) -> float:
        return float(self.alike[i, places[0]]) if places else 0.0


def _head(statement: Statement, negation: Negation) -> int | None:
    """The word next to a negation: that is what it denies, more than those behind it."""
    return next((i for i in negation.over if statement.words[i].stem), None)


def negations_of(statement: Statement) -> list[Negation]:
    """What a statement says no to; two of which one denies the other are none."""
    words = [word.text for word in statement.words]
    found = []
    for at in range(len(words)):
        if words[at] == "too" and "to" in words[at + 1 : at + 1 + _TOO_TO]:
            found.append(Negation(at, tuple(range(at + 1, min(len(words), at + _REACH + 2)))))
        elif _negates(words, at):
            found.append(Negation(at, _reach(statement, words, at)))
    cancelled: set[int] = set()
    for i, one in enumerate(found):
        for k, other in enumerate(found):
            if i != k and other.at in one.over and not {i, k} & cancelled:
                cancelled |= {i, k}
    return [one for i, one in enumerate(found) if i not in cancelled]


def _negates(words: Sequence[str], at: int) -> bool:
    word = words[at]
    if word not in _NEGATORS and not word.endswith("n't"):
        return False
    following = [*words[at + 1 : at + 3], "", ""]
    if word in _CONTRASTING:
        return following[0] == _CONTRASTING[word]
    if word in ("not", "no") and following[0] in _NOT_TURNING:
        return False
    return not (word == "no" and following[0] in _COMPARED and following[1] == "than")


def _reach(statement: Statement, words: Sequence[str], at: int) -> tuple[int, ...]:
    """The words behind a negation up to the end of its clause, or those before it."""
    over: list[int] = []
    first = at + 2 if words[at] in _CONTRASTING else at + 1
    if not _ends_clause(statement, at):
        for i in range(first, min(len(words), first + _REACH)):
            if words[i] in _STOPS and over:
                break
            over.append(i)
            if _ends_clause(statement, i):
                break
    if any(statement.words[i].stem for i in over):
        return tuple(over)
    for i in range(at - 1, max(-1, at - 1 - _REACH), -1):
        if _ends_clause(statement, i) or words[i] in _STOPS:
            break
        over.append(i)
    return tuple(over)


def _ends_clause(statement: Statement, i: int) -> bool:
    if i + 1 >= len(statement.words):
        return True
    between = statement.text[statement.words[i].end : statement.words[i + 1].start]
    return _SEAM.search(between) is not None


def _compounds(statement: Statement) -> list[bool]:
    """Which words are a part of a longer one, such as "end" in "end-of-turn"."""
    return [_is_compound(statement.text, word) for word in statement.words]


def _is_compound(text: str, word: Word) -> bool:
    after, before = text[word.end : word.end + 2], text[max(0, word.start - 2) : word.start]
    return (after[:1] == "-" and after[1:].isalnum()) or (
        before[-1:] == "-" and before[:1].isalnum()
    )
