"""Where a claim says no and its sources do not, or the other way round, or says the opposite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.contradictions import About, Doubt
from ragqa.grounding.negations import (
    CONTRASTING,
    Negation,
    compounds,
    head_of,
    negates,
    negations_of,
)
from ragqa.grounding.opposites import LOOSE, OPPOSITES, opposite, says_no_itself
from ragqa.grounding.statements import Span, Statement
from ragqa.types import Kind, Vectors

SAYS_NO = "says no where the note does not"
SAYS_NO_NO = "does not say no where the note does"

FAR = 0.6
"""What a no counts where the word that it denies is not the same one: who says a thing in other
words says no to another word."""

ANSWERED = 0.3
"""What that counts where the other says no in some word of its own, such as "fails"."""

_LEXICAL = 0.99
_EITHER = 0.5
_AT_HEAD = 0.8
_BESIDE = 3

_LIKE = 0.5
_SURELY_LIKE = 0.6
_AS_LIKE = 0.08
_NEAREST = 4
_MET = 0.4
_WELL_MET = 0.7


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
        sure = min(1.0, best / _WELL_MET)
        for strength, said in first.negated(clause, words, others):
            if strength > 0:
                yield Doubt(About.NEGATION, strength * sure, said)
        for strength, said in first.opposed(words):
            yield Doubt(About.OPPOSITE, strength * sure, said)


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
            compound=compounds(claim),
            compound_there=compounds(part),
        )

    def negated(
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

    def answers(self, negation: Negation) -> bool:
        """Whether the part says no, too, or the opposite, to what the claim denies."""
        said = [word.text for word in self.part.words]
        contrast = self.claim.words[negation.at].text in CONTRASTING
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
            if any(k in self.denied_there or negates(said, k) for k in places):
                return True
        return False

    def _likest(self, negation: Negation) -> float:
        """How like the likest word that a negation of the claim denies is to one of the part."""
        head = head_of(self.claim, negation)
        other = self._otherwise(self.part, self.claim)
        if self.claim.words[negation.at].text in CONTRASTING:
            other = ANSWERED
        return max(
            (
                self._sure(i, self._near(i), other, is_head=i == head)
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
        head = head_of(self.part, negation)
        other = self._otherwise(self.claim, self.part)
        for i in words:
            places = self._near(i)
            if not places or not set(places) <= set(negation.over):
                continue
            text = self.claim.words[i].text
            if i in self.denied or any(opposite(text, self.part.words[k].text) for k in places):
                return 0.0
            if self.alike[i].max() >= _SURELY_LIKE:
                found = max(found, self._sure(i, places, other, is_head=head in places))
        return found

    def opposed(self, words: Sequence[int]) -> Iterator[tuple[float, str]]:
        """The words whose opposite the part has, beside the same words, and not the word itself."""
        said = {word.text for word in self.part.words}
        claimed = {word.text for word in self.claim.words}
        compares = ("than" in said) != ("than" in claimed)
        for i in words:
            text = self.claim.words[i].text
            if text in said or text in LOOSE or text not in OPPOSITES:
                continue
            # A note that says both ("one rises while the other falls") may mean this one.
            says_both = any(OPPOSITES[text] & OPPOSITES.get(word, frozenset()) for word in said)
            for k, word in enumerate(self.part.words):
                other = word.text
                alike = (i in self.denied) == (k in self.denied_there)
                if other in claimed or not opposite(text, other) or not alike:
                    continue
                if self._of_the_same(i, k):
                    sure = _EITHER if compares or says_both else 1.0
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

    def _sure(self, i: int, places: Sequence[int], other: float, *, is_head: bool) -> float:
        """How sure it is that a word stands for what is denied: less where it is said otherwise."""
        likeness = self._likeness(i, places)
        if is_head and likeness >= _LEXICAL:
            return likeness if other == FAR else likeness * _AT_HEAD
        return likeness * other

    @staticmethod
    def _otherwise(one: Statement, other: Statement) -> float:
        """What a no counts in other words: less where `one` says no in a word of its own."""
        said = {word.text for word in other.words}
        own = (word.text for word in one.words if word.text not in said)
        return ANSWERED if any(map(says_no_itself, own)) else FAR

    def _likeness(self, i: int, places: Sequence[int]) -> float:
        return float(self.alike[i, places[0]]) if places else 0.0
