"""Find negations in a claim or its sources that the other lacks, and opposite words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ragqa.claims.compare import Comparison
from ragqa.claims.encoding import Encoded
from ragqa.claims.model import About, Doubt
from ragqa.languages import ENGLISH
from ragqa.text.lexicon import OPPOSITES, are_opposites, implies_negation
from ragqa.text.words import word_set
from ragqa.types import Kind, Vectors

EXTRA_NEGATION = "has a negation that the note lacks"
MISSING_NEGATION = "lacks a negation that the note has"

PARAPHRASED = 0.6
"""How much a negation counts where the negated word differs: a paraphrase negates a different word,
so it counts less."""

IMPLIED = 0.3
"""The same where the other text has a word that implies a negation, such as "fails"."""

_AMBIGUOUS = word_set(
    "with without up down least never always every all each over above below under within also "
    "too only both before after can cannot nothing none cut on off"
)
"""Words with too many uses for an opposite in another sentence to mean anything."""

_NEGATIVE = word_set("rule rules ruled fail fails forbid forbids forbidden exclude excludes")
_CONTRASTING = frozenset({("rather", "than"), ("instead", "of")})
_PUNCTUATION = re.compile(r"[,;:.()|\u2014!?]")
_MAX_SCOPE = 8
_AT_HEAD = 0.8
_SAME_WORD = 0.99
_UNCERTAIN = 0.5
_FULL_SCORE = 0.7
_NEIGHBOURS = 3
_MIN_SIMILARITY = 0.5
_SURE_SIMILARITY = 0.6
_MARGIN = 0.08
_TOP = 4


@dataclass(frozen=True, slots=True)
class _Side:
    """A text with, for each of its negations, the words that it negates, the nearest first."""

    text: Encoded
    scopes: tuple[tuple[int, ...], ...]
    words: frozenset[str]

    @classmethod
    def of(cls, text: Encoded) -> "_Side":
        return cls(text, _scopes(text), frozenset(word.text for word in text.words))

    def negates(self, i: int) -> bool:
        return any(i in scope for scope in self.scopes)

    def head(self, scope: Sequence[int]) -> int | None:
        """The word next to a negation, which it negates more than those further on."""
        return next((i for i in scope if self.text.words[i].stem), None)

    def weight_against(self, other: "_Side") -> float:
        """The weight of a paraphrase, less where only this side has a word that is negative."""
        return IMPLIED if any(map(implies_negation, self.words - other.words)) else PARAPHRASED


def negation_doubts(comparison: Comparison) -> Iterator[Doubt]:
    """Doubt each clause whose polarity differs from that of the part that matches it best.

    A negation in either must have a negation or an opposite at a matching word in the other. Only
    those of English are known.
    """
    if comparison.claim.language != ENGLISH:
        return
    claim = _Side.of(comparison.claim)
    prose = np.array([part.kind is not Kind.CODE for part in comparison.parts])
    for clause in comparison.clauses if prose.any() else ():
        words = [
            i
            for i, word in enumerate(claim.text.words)
            if _is_comparable(claim.text, i) and clause[0] <= word.start < clause[1]
        ]
        if words:
            scores = np.where(prose, comparison.scores(words), -1.0)
            best = float(scores.max())
            pair, *others = (
                _Pair(claim, _Side.of(comparison.parts[n].statement), comparison.similarity[n])
                for n in np.argsort(-scores, kind="stable")[:_TOP]
                if scores[n] >= best - _MARGIN
            )
            certainty = min(1.0, best / _FULL_SCORE)
            for doubt in (*pair.negations(words, others), *pair.opposites(words)):
                yield replace(doubt, strength=doubt.strength * certainty)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A claim and the part that matches one of its clauses best.

    `similarity` has the shape (claim words, part words).
    """

    claim: _Side
    part: _Side
    similarity: Vectors

    def negations(self, words: Sequence[int], others: Sequence["_Pair"]) -> Iterator[Doubt]:
        """Doubt each negation of some words that only one side has.

        :param others: pairs with parts that match equally well, any of which may have the negation.
        """
        for scope in self.claim.scopes:
            is_here = not set(scope).isdisjoint(words)
            if is_here and not any(pair.has_counterpart(scope) for pair in (self, *others)):
                yield Doubt(About.NEGATION, self._extra_strength(scope), EXTRA_NEGATION)
        for scope in self.part.scopes:
            yield Doubt(About.NEGATION, self._missing_strength(scope, words), MISSING_NEGATION)

    def has_counterpart(self, scope: Sequence[int]) -> bool:
        """Whether the part has a negation or an opposite for what the claim negates."""
        for i in scope:
            text = self.claim.text.words[i].text
            # No counterpart if the part has the word itself, or the claim has the opposite too.
            others = self.part.words - self.claim.words if text not in self.part.words else ()
            if any(are_opposites(text, other) for other in others):
                return True
            if any(self.part.negates(k) or k in self.part.text.negators for k in self._matches(i)):
                return True
        return False

    def _extra_strength(self, scope: Sequence[int]) -> float:
        """The strength of a negation that only the claim has, by its best-matching negated word."""
        head, weight = self.claim.head(scope), self.part.weight_against(self.claim)
        return max((self._strength(i, weight, is_head=i == head) for i in scope), default=0.0)

    def _missing_strength(self, scope: Sequence[int], words: Sequence[int]) -> float:
        """The strength of a negation that only the part has, 0 where the claim has it too."""
        found = 0.0
        head, weight = self.part.head(scope), self.claim.weight_against(self.part)
        for i in words:
            matches = self._matches(i)
            if not matches or not set(matches) <= set(scope):
                continue
            text = self.claim.text.words[i].text
            matched = (self.part.text.words[k].text for k in matches)
            if self.claim.negates(i) or any(are_opposites(text, word) for word in matched):
                return 0.0
            if self.similarity[i].max() >= _SURE_SIMILARITY:
                found = max(found, self._strength(i, weight, is_head=head in matches))
        return found

    def opposites(self, words: Sequence[int]) -> Iterator[Doubt]:
        """Doubt words whose opposite the part has next to the same words, but not the word."""
        compares = ("than" in self.part.words) != ("than" in self.claim.words)
        for i in words:
            text = self.claim.text.words[i].text
            if text in self.part.words or text in _AMBIGUOUS or text not in OPPOSITES:
                continue
            # A note with both ("one rises while the other falls") may mean this one.
            says_both = any(
                OPPOSITES[text] & OPPOSITES.get(word, frozenset()) for word in self.part.words
            )
            strength = _UNCERTAIN if compares or says_both else 1.0
            for k, word in enumerate(self.part.text.words):
                if word.text in self.claim.words or not are_opposites(text, word.text):
                    continue
                if self.claim.negates(i) == self.part.negates(k) and self._near_same_word(i, k):
                    phrase = f'"{text}" where the note has "{word.text}"'
                    yield Doubt(About.OPPOSITE, strength, phrase)

    def _near_same_word(self, i: int, place: int) -> bool:
        """Whether a word of the claim and one of the part share a neighbour."""
        words = self.claim.text.words
        around = range(max(0, i - _NEIGHBOURS), min(len(words), i + _NEIGHBOURS + 1))
        return any(
            abs(k - place) <= _NEIGHBOURS + 1
            for j in around
            if j != i and words[j].stem
            for k in self._matches(j)
            if k != place
        )

    def _matches(self, i: int) -> list[int]:
        """The words of the part that may match a word of the claim, best first."""
        if not _is_comparable(self.claim.text, i):
            return []
        row = self.similarity[i]
        enough = max(_MIN_SIMILARITY, float(row.max()) - _MARGIN)
        return [int(k) for k in np.argsort(-row, kind="stable")[:_TOP] if row[k] >= enough]

    def _strength(self, i: int, weight: float, *, is_head: bool) -> float:
        """How surely a word of the claim is the negated one, or the one negated in the part."""
        similarity = float(self.similarity[i].max()) if self._matches(i) else 0.0
        if is_head and similarity >= _SAME_WORD:
            return similarity if weight == PARAPHRASED else similarity * _AT_HEAD
        return similarity * weight


def _is_comparable(text: Encoded, i: int) -> bool:
    return bool(text.words[i].stem) or text.words[i].text in OPPOSITES


def _scopes(text: Encoded) -> tuple[tuple[int, ...], ...]:
    """The scope of each negation, without those of two that cancel out: "never fails"."""
    negators = text.negators
    scopes = [_scope(text, at) for at in negators]
    cancelled = {
        n for n, scope in enumerate(scopes) if any(text.words[i].text in _NEGATIVE for i in scope)
    }
    for n, scope in enumerate(scopes):
        for other, at in enumerate(negators):
            words = {text.words[negators[n]].text, text.words[at].text}
            is_one = len(words) == 1 or words == {"neither", "nor"}
            if at in scope and not is_one and not {n, other} & cancelled:
                cancelled |= {n, other}
    kept = (scope for n, scope in enumerate(scopes) if n not in cancelled)
    pairs = pairwise(word.text for word in text.words)
    contrasts = (n for n, pair in enumerate(pairs, start=1) if pair in _CONTRASTING)
    return (*kept, *(_scope(text, at) for at in contrasts))


def _scope(text: Encoded, at: int) -> tuple[int, ...]:
    """The words after a negation up to the end of its clause, or else those before it."""
    after = _in_clause(text, range(at + 1, min(len(text.words), at + 1 + _MAX_SCOPE)))
    if any(text.words[i].stem for i in after):
        return after
    return (*after, *_in_clause(text, range(at - 1, max(-1, at - 1 - _MAX_SCOPE), -1)))


def _in_clause(text: Encoded, nearest_first: range) -> tuple[int, ...]:
    """The words up to a punctuation mark, going away from a negation."""
    words: list[int] = []
    for i in nearest_first:
        first = i - 1 if nearest_first.step > 0 else i
        if _PUNCTUATION.search(text.text[text.words[first].end : text.words[first + 1].start]):
            break
        words.append(i)
    return tuple(words)
