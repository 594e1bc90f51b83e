"""Made-up prose that keeps to a topic: which words come, how often, and in what sentences."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from lexicon import Lexicon, invented

Words = npt.NDArray[np.object_]

_FUNCTION, _GENERAL, _FIGURE = 0.42, 0.16, 0.02
"""Shares of a text: function words, words of any topic, figures. All others are of its topic."""

_REPEATED = 0.5
"""The share of a section's topical words that it has had before, as prose repeats its subject."""

_OWN_WORDS = 8
_TOPIC_WORDS = 600
_TOPIC_NAMES = 40
_CLOSENESS = 14.0
_SENTENCE_WORDS = 14
_SENTENCE_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class Topic:
    """Words with their cumulative shares of what is drawn."""

    words: Words
    cumulative: npt.NDArray[np.float64]

    @classmethod
    def of(cls, words: Words, weights: npt.NDArray[np.float64]) -> "Topic":
        """A topic in which each word is as likely as its weight says."""
        cumulative = np.cumsum(weights / weights.sum())
        cumulative[-1] = 1.0
        return cls(words, cumulative)

    def draw(self, rng: np.random.Generator, n: int) -> Words:
        """So many words, with repetitions."""
        return self.words[np.searchsorted(self.cumulative, rng.random(n), side="right")]


class Prose:
    """Writes about numbered topics; the same lexicon and seed always give the same ones."""

    def __init__(self, lexicon: Lexicon, *, seed: int) -> None:
        self._seed = seed
        self._words = np.array(lexicon.words, dtype=object)[lexicon.content]
        self._shares = lexicon.frequencies[lexicon.content]
        vectors = lexicon.vectors[lexicon.content]
        centred = vectors - vectors.mean(axis=0)
        self._vectors = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        self._general = Topic.of(self._words, self._shares)
        functions = np.array(lexicon.words, dtype=object)[lexicon.common]
        self._function = Topic.of(functions, lexicon.frequencies[lexicon.common])
        self._topics: dict[int, Topic] = {}

    def topic(self, number: int) -> Topic:
        """The words near one that is drawn, by meaning, some of them commoner; and names."""
        if number not in self._topics:
            self._topics[number] = self._make(number)
        return self._topics[number]

    def words(
        self, rng: np.random.Generator, topics: tuple[Topic, Topic], n: int, *, names: Words
    ) -> Words:
        """A section's words in reading order.

        :param topics: what it is about, for the most part or for a small one.
        :param names: words that come up again and again in the note.
        """
        words = topics[0].draw(rng, n)
        others = rng.random(n) < rng.random()
        words[others] = topics[1].draw(rng, int(others.sum()))
        own = np.concatenate([words[:_OWN_WORDS], names])
        repeated = rng.random(n) < _REPEATED
        words[repeated] = own[rng.integers(0, len(own), repeated.sum())]
        kind = rng.random(n)
        for share, source in ((_FUNCTION + _GENERAL, self._general), (_FUNCTION, self._function)):
            chosen = kind < share
            words[chosen] = source.draw(rng, int(chosen.sum()))
        figures = np.flatnonzero(kind > 1 - _FIGURE)
        words[figures] = [str(int(figure)) for figure in rng.lognormal(4, 2, len(figures))]
        return words

    def _make(self, number: int) -> Topic:
        rng = np.random.default_rng((self._seed, 1, number))
        centre = self._vectors[rng.integers(0, len(self._words))]
        likeliness = np.log(self._shares) / 2 + _CLOSENESS * (self._vectors @ centre)
        drawn = likeliness + rng.gumbel(size=len(likeliness))
        chosen = np.argsort(-drawn)[:_TOPIC_WORDS]
        names = [invented(number * _TOPIC_NAMES + i) for i in range(_TOPIC_NAMES)]
        words = np.concatenate([self._words[chosen], np.array(names, dtype=object)])
        ranks = np.concatenate([np.arange(len(chosen)), rng.integers(0, len(words), len(names))])
        return Topic.of(words, 1 / (ranks + 8.0))


def sentences(rng: np.random.Generator, words: Words) -> list[str]:
    """Cut words into sentences, each with a capital and a full stop, some with commas."""
    count = max(1, len(words) // 8)
    lengths = rng.lognormal(np.log(_SENTENCE_WORDS), _SENTENCE_SPREAD, count).astype(int) + 3
    ends = np.cumsum(lengths)
    cuts = [0, *ends[ends < len(words) - 3].tolist(), len(words)]
    commas = rng.random(len(words)) < 1 / 16
    commas[-1] = False
    words = words.copy()
    words[commas] = words[commas] + ","
    written = []
    for start, end in pairwise(cuts):
        text = " ".join(words[start:end]).rstrip(",")
        written.append(f"{text[0].upper()}{text[1:]}.")
    return written
