"""Per-question measures: of the ranking and of the answer."""

import re
import string
from collections.abc import Iterable, Mapping, Sequence

import ir_measures
from ir_measures import RR, Qrel, R, ScoredDoc, nDCG

from ragqa.text.words import UNSPACED

MEASURES = {
    "ndcg@10": nDCG @ 10,
    "recall@1": R @ 1,
    "recall@5": R @ 5,
    "recall@10": R @ 10,
    "recall@100": R @ 100,
    "mrr@10": RR @ 10,
}

METHODS = ("hybrid", "dense", "terms")
ANSWERS_AT = (1, 2, 3)

ANSWER_MEASURES = tuple(f"answer@{n}" for n in ANSWERS_AT)
EXCERPT_MEASURES = ("good", "coverage")
NAMES = (
    *(f"{method}.{name}" for method in METHODS for name in MEASURES),
    *ANSWER_MEASURES,
    *EXCERPT_MEASURES,
)
"""The names of all per-question measures where higher is better."""

NOISE = "noise"
"""The one per-question measure where lower is better."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_IN_WORD = rf"[^\W_{UNSPACED}]"
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def measure_rankings(
    relevant: Mapping[str, Mapping[str, int]], rankings: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Compute every measure of `MEASURES` with ir-measures.

    :param relevant: the grade of each relevant unit, by question id.
    :param rankings: the retrieved units, best first, by question id. A question with an empty or
        missing ranking scores 0.
    :returns: each measure by name, by question id.
    """
    # The C code behind ir-measures does not take arbitrary ids, so number them.
    numbers = {q: str(number) for number, q in enumerate(relevant)}
    qrels, run = [], []
    for q, grades in relevant.items():
        ranking = list(rankings.get(q, ()))
        units = {
            unit: str(number) for number, unit in enumerate({**grades, **dict.fromkeys(ranking)})
        }
        qrels += [Qrel(numbers[q], units[unit], grade) for unit, grade in grades.items()]
        run += [
            ScoredDoc(numbers[q], units[unit], -float(rank)) for rank, unit in enumerate(ranking)
        ]
    ids = {number: q for q, number in numbers.items()}
    names = {measure: name for name, measure in MEASURES.items()}
    found = {q: dict.fromkeys(MEASURES, 0.0) for q in relevant}
    if run:
        for metric in ir_measures.iter_calc(list(names), qrels, run):
            found[ids[metric.query_id]][names[metric.measure]] = float(metric.value)
    return found


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
