"""Per-question measures: of the ranking and of the answer."""

import math
import re
import string
from collections.abc import Iterable, Mapping, Sequence

from ragqa.text.words import UNSPACED

MEASURES = ("ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10")
_DEPTH = 10

METHODS = ("hybrid", "dense", "terms")

ANSWER_MEASURES = ("answer@1", "shown@1", "shown@3")
EXCERPT_MEASURES = ("good", "good@3", "coverage", "sure")
NAMES = (
    *(f"{method}.{name}" for method in METHODS for name in MEASURES),
    *ANSWER_MEASURES,
    *EXCERPT_MEASURES,
)
"""The names of all per-question measures where higher is better."""

LOWER_IS_BETTER = ("noise", "wrong")
"""The names of those where lower is better."""

WORDS = ("words@1", "words@3")
"""How many words are shown in the answer, and with the two further excerpts."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_IN_WORD = rf"[^\W_{UNSPACED}]"
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def measure_rankings(
    relevant: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Compute every measure of `MEASURES`, as trec_eval does.

    :param relevant: the grade of each judged unit, by question id; at least one is above zero.
    :param rankings: the retrieved units, best first, by question id. A question with an empty or
        missing ranking scores 0.
    :returns: each measure by name, by question id.
    """
    return {q: _measured(grades, rankings.get(q, ())) for q, grades in relevant.items()}


def _measured(grades: Mapping[str, int], ranking: Sequence[str]) -> dict[str, float]:
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
