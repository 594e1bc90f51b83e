"""How far a ranking or an answer meets what a question wants."""

import math
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ragqa.evaluation.questions import GoldExcerpt
from ragqa.text.words import UNSPACED
from ragqa.types import Citation

MEASURES = ("ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10")
_DEPTH = 10

METHODS = ("hybrid", "dense", "terms")

ANSWER_MEASURES = ("shown@1", "shown@3")
EXCERPT_MEASURES = ("good", "good@3", "coverage", "coverage@3", "sure")
NAMES = (
    *(f"{method}.{name}" for method in METHODS for name in MEASURES),
    *ANSWER_MEASURES,
    *EXCERPT_MEASURES,
)
"""The names of all per-question measures where higher is better."""

LOWER_IS_BETTER = ("noise", "wrong")
"""The names of the measures where lower is better."""

WORDS = ("words@1", "words@3")
"""How many words are in the answer, and in all that is shown with the two further excerpts."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_IN_WORD = rf"[^\W_{UNSPACED}]"
_PUNCTUATION = str.maketrans("", "", string.punctuation)

GOOD_COVERAGE = 0.7
GOOD_NOISE = 0.5
"""A good answer has at least this coverage and at most this noise."""

PARTLY_COVERAGE = 0.25
"""An answer that covers so much of the gold is partly right, whatever else it cites."""

# Floating-point error can put a mean over parts just below the threshold.
_ROUNDING = 1e-9

_Characters = frozenset[tuple[str, int]]


def measure_ranking(grades: Mapping[str, int], ranking: Sequence[str]) -> dict[str, float]:
    """Compute every measure of `MEASURES`, by name, as trec_eval does.

    :param grades: of each judged unit; at least one is above zero.
    :param ranking: the retrieved units, best first.
    """
    gains = [max(0, grades.get(unit, 0)) for unit in ranking]
    wanted = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    first = next((rank for rank, gain in enumerate(gains[:_DEPTH], start=1) if gain), math.inf)
    return {
        "ndcg@10": _discounted(gains) / _discounted(wanted),
        **{f"recall@{k}": sum(map(bool, gains[:k])) / len(wanted) for k in (1, 5, 10, 100)},
        "mrr@10": 1 / first,
    }


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:_DEPTH], start=1))


def normalised(text: str) -> str:
    """Lower-case a text and strip punctuation and articles, like the SQuAD scorer (2016)."""
    plain = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return " ".join(plain.split())


def answer_found(sentences: Iterable[str], answers: Iterable[str]) -> bool:
    """Whether a sentence contains any of the answers as whole words, both normalised."""
    texts = [normalised(sentence) for sentence in sentences]
    patterns = [_as_words(plain) for answer in answers if (plain := normalised(answer))]
    return any(pattern.search(text) for pattern in patterns for text in texts)


def _as_words(text: str) -> re.Pattern[str]:
    """Match the text at word boundaries; scripts without spaces have none."""
    before = rf"(?<!{_IN_WORD})" if re.match(_IN_WORD, text[0]) else ""
    after = rf"(?!{_IN_WORD})" if re.match(_IN_WORD, text[-1]) else ""
    return re.compile(f"{before}{re.escape(text)}{after}")


@dataclass(frozen=True, slots=True)
class Score:
    """How citations compare with gold excerpts.

    `coverage` is the mean share of each part that is cited; `noise` the share of the cited text
    outside the gold, None if nothing is cited.
    """

    coverage: float
    noise: float | None
    good: bool

    @property
    def partly(self) -> bool:
        """Whether they are at least partly right, so that trusting them does not mislead.

        They cover at least a quarter of the gold, or at most half of what they cite is beside it.
        """
        return self.noise is not None and (
            self.coverage + _ROUNDING >= PARTLY_COVERAGE or self.noise <= GOOD_NOISE
        )


def score_citations(citations: Iterable[Citation], gold: Sequence[Sequence[GoldExcerpt]]) -> Score:
    """Measure how much of the gold is cited, and how much else.

    White space is ignored, and text cited twice counts once.

    :param gold: for each part of the question, its alternative excerpts; nothing covers a part
        without any. Of all combinations of alternatives the best is chosen: first by whether the
        answer is good, then by coverage, then by least noise.
    """
    cited = _characters((c.path, c.chars[0], c.quote) for c in citations)
    choices = product(*filter(None, gold))
    scores = (_score(cited, choice, parts=len(gold)) for choice in choices)
    return max(scores, key=lambda score: (score.good, score.coverage, -(score.noise or 0.0)))


def _score(cited: _Characters, chosen: tuple[GoldExcerpt, ...], *, parts: int) -> Score:
    wanted = [_characters([(excerpt.path, excerpt.start, excerpt.quote)]) for excerpt in chosen]
    shares = [len(part & cited) / len(part) for part in wanted if part]
    coverage = sum(shares) / parts if parts else 0.0
    noise = len(cited.difference(*wanted)) / len(cited) if cited else None
    good = noise is not None and coverage + _ROUNDING >= GOOD_COVERAGE and noise <= GOOD_NOISE
    return Score(coverage, noise, good)


def _characters(texts: Iterable[tuple[str, int, str]]) -> _Characters:
    """The (path, offset) of each character of texts, given as path, offset and text; no spaces."""
    return frozenset(
        (path, at)
        for path, start, text in texts
        for at, character in enumerate(text, start)
        if not character.isspace()
    )
