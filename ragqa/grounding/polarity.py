"""Find negations in a claim or its sources that the other lacks, and opposite words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.contradictions import About, Doubt
from ragqa.grounding.negations import (
    CONTRASTING,
    Negation,
    head_of,
    in_compound,
    negates,
    negations_of,
)
from ragqa.grounding.opposites import AMBIGUOUS, OPPOSITES, are_opposites, implies_negation
from ragqa.grounding.statements import Span, Statement
from ragqa.types import Kind, Vectors

EXTRA_NEGATION = "has a negation that the note lacks"
MISSING_NEGATION = "lacks a negation that the note has"

PARAPHRASED = 0.6
"""How much a negation counts where the negated word differs: a paraphrase negates a different word,
so it counts less."""

IMPLIED = 0.3
"""The same where the other text has a word that implies a negation, such as "fails"."""

_SAME_WORD = 0.99
_UNCERTAIN = 0.5
_AT_HEAD = 0.8
_NEIGHBOURS = 3

_MIN_SIMILARITY = 0.5
_SURE_SIMILARITY = 0.6
_MARGIN = 0.08
_TOP = 4
_MIN_SCORE = 0.4
_FULL_SCORE = 0.7


def polarity_doubts(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt each clause whose polarity differs from that of the part that matches it best.

    A negation in either must have a negation or an opposite at a matching word in the other.
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
        order = [int(n) for n in np.argsort(-scores, kind="stable")[:_TOP]]
        best = float(scores[order[0]])
        if best < _MIN_SCORE:
            continue
        first, *others = (
            _Pair.of(claim, negations, comparison, n) for n in order if scores[n] >= best - _MARGIN
        )
        certainty = min(1.0, best / _FULL_SCORE)
        for strength, phrase in first.negation_doubts(clause, words, others):
            if strength > 0:
                yield Doubt(About.NEGATION, strength * certainty, phrase)
        for strength, phrase in first.opposite_doubts(words):
            yield Doubt(About.OPPOSITE, strength * certainty, phrase)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A claim and a part that matches one of its clauses.

    `similarity` has the shape (claim words, part words). `denied` are the indices of negated words,
    `compound` flags words of hyphenated ones.
    """

    claim: Statement
    part: Statement
    similarity: Vectors
    negations: Sequence[Negation]
    part_negations: Sequence[Negation]
    denied: frozenset[int]
    part_denied: frozenset[int]
    compound: Sequence[bool]
    part_compound: Sequence[bool]

    @classmethod
    def of(
        cls, claim: Statement, negations: Sequence[Negation], comparison: Comparison, number: int
    ) -> "_Pair":
        part = comparison.parts[number].statement
        part_negations = negations_of(part)
        return cls(
            claim=claim,
            part=part,
            similarity=comparison.similarity[number],
            negations=negations,
            part_negations=part_negations,
            denied=frozenset(i for one in negations for i in one.scope),
            part_denied=frozenset(i for one in part_negations for i in one.scope),
            compound=in_compound(claim),
            part_compound=in_compound(part),
        )

    def negation_doubts(
        self, clause: Span, words: Sequence[int], others: Sequence["_Pair"]
    ) -> Iterator[tuple[float, str]]:
        """The strength and phrase of each negation that only one side has.

        :param others: pairs with parts that match equally well, any of which may have the negation.
        """
        for negation in self.negations:
            starts = (self.claim.words[i].start for i in negation.scope)
            is_here = any(clause[0] <= start < clause[1] for start in starts)
            if is_here and not any(pair.has_counterpart(negation) for pair in (self, *others)):
                yield self._extra_strength(negation), EXTRA_NEGATION
        for negation in self.part_negations:
            yield self._missing_strength(negation, words), MISSING_NEGATION

    def has_counterpart(self, negation: Negation) -> bool:
        """Whether the part has a negation or an opposite for what the claim negates."""
        part_words = [word.text for word in self.part.words]
        contrast = self.claim.words[negation.at].text in CONTRASTING
        if contrast and "than" in part_words:
            return True
        claimed = {word.text for word in self.claim.words}
        for i in negation.scope:
            text = self.claim.words[i].text
            # No counterpart if the part has the word itself, or the claim has the opposite too.
            if text not in part_words and any(
                are_opposites(text, word) for word in part_words if word not in claimed
            ):
                return True
            matches = self._matches(i) if self._is_comparable(i) else ()
            if any(k in self.part_denied or negates(part_words, k) for k in matches):
                return True
        return False

    def _extra_strength(self, negation: Negation) -> float:
        """The strength of a negation that only the claim has, by its best-matching negated word."""
        head = head_of(self.claim, negation)
        weight = self._paraphrase_weight(self.part, self.claim)
        if self.claim.words[negation.at].text in CONTRASTING:
            weight = IMPLIED
        return max(
            (
                self._strength(i, self._matches(i), weight, is_head=i == head)
                for i in negation.scope
                if self._is_comparable(i)
            ),
            default=0.0,
        )

    def _is_comparable(self, i: int) -> bool:
        word = self.claim.words[i]
        return bool(word.stem) or word.text in OPPOSITES

    def _missing_strength(self, negation: Negation, words: Sequence[int]) -> float:
        """The strength of a negation that only the part has, 0 where the claim has it too."""
        found = 0.0
        head = head_of(self.part, negation)
        weight = self._paraphrase_weight(self.claim, self.part)
        for i in words:
            matches = self._matches(i)
            if not matches or not set(matches) <= set(negation.scope):
                continue
            text = self.claim.words[i].text
            matched = (self.part.words[k].text for k in matches)
            if i in self.denied or any(are_opposites(text, word) for word in matched):
                return 0.0
            if self.similarity[i].max() >= _SURE_SIMILARITY:
                found = max(found, self._strength(i, matches, weight, is_head=head in matches))
        return found

    def opposite_doubts(self, words: Sequence[int]) -> Iterator[tuple[float, str]]:
        """Words whose opposite the part has next to the same words, but not the word itself."""
        part_words = {word.text for word in self.part.words}
        claimed = {word.text for word in self.claim.words}
        compares = ("than" in part_words) != ("than" in claimed)
        for i in words:
            text = self.claim.words[i].text
            if text in part_words or text in AMBIGUOUS or text not in OPPOSITES:
                continue
            # A note with both ("one rises while the other falls") may mean this one.
            says_both = any(
                OPPOSITES[text] & OPPOSITES.get(word, frozenset()) for word in part_words
            )
            for k, word in enumerate(self.part.words):
                other = word.text
                same_polarity = (i in self.denied) == (k in self.part_denied)
                if other in claimed or not are_opposites(text, other) or not same_polarity:
                    continue
                if self._share_neighbours(i, k):
                    certainty = _UNCERTAIN if compares or says_both else 1.0
                    yield certainty, f'"{text}" where the note has "{other}"'

    def _share_neighbours(self, i: int, place: int) -> bool:
        """Whether a word of the claim and one of the part share a neighbour."""
        around = range(max(0, i - _NEIGHBOURS), min(len(self.claim.words), i + _NEIGHBOURS + 1))
        return any(
            abs(k - place) <= _NEIGHBOURS + 1
            for j in around
            if j != i and self.claim.words[j].stem
            for k in self._matches(j)
            if k != place
        )

    def _matches(self, i: int) -> list[int]:
        """The words of the part that may match a word of the claim, best first."""
        row = self.similarity[i]
        enough = max(_MIN_SIMILARITY, float(row.max()) - _MARGIN)
        return [
            int(k)
            for k in np.argsort(-row, kind="stable")[:_TOP]
            if row[k] >= enough and self.part_compound[k] <= self.compound[i]
        ]

    def _strength(self, i: int, matches: Sequence[int], weight: float, *, is_head: bool) -> float:
        """How surely a word matches the negated one; a paraphrase counts less."""
        similarity = self._word_similarity(i, matches)
        if is_head and similarity >= _SAME_WORD:
            return similarity if weight == PARAPHRASED else similarity * _AT_HEAD
        return similarity * weight

    @staticmethod
    def _paraphrase_weight(one: Statement, other: Statement) -> float:
        """The weight of a paraphrase, less where `one` implies a negation in a word of its own."""
        other_words = {word.text for word in other.words}
        own = (word.text for word in one.words if word.text not in other_words)
        return IMPLIED if any(map(implies_negation, own)) else PARAPHRASED

    def _word_similarity(self, i: int, matches: Sequence[int]) -> float:
        return float(self.similarity[i, matches[0]]) if matches else 0.0
