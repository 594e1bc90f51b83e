"""Find the question's words that a note lacks, and the note's words that would find it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from ragqa.explaining.explanation import Missing
from ragqa.stores import Snapshot
from ragqa.text.words import STOP_WORDS, index_terms, query_terms, tokenize
from ragqa.types import Passage

_MAX_MISSING = 8
_MAX_WORDS = 2_000
"""A missing word is compared with at most this many words of the note."""

_NEAR = 0.75
_SAME_START = 2
_MIN_CHARS = 3
_HEADED = 2.0
"""The weight of a word in the heading, which says what the passage is about."""


def missing_words(question: str, passage: Passage, note: Sequence[Passage]) -> tuple[Missing, ...]:
    """The question's words that a passage lacks, each with a similar word of the note, if any."""
    from difflib import get_close_matches

    lacking = set(query_terms(question)).difference(index_terms(passage.searched_text))
    words = [
        word
        for word in dict.fromkeys(tokenize(question, pairs_only=True))
        if lacking.issuperset(query_terms(word))
    ]
    texts = " ".join(one.searched_text for one in note)
    forms = list(dict.fromkeys(tokenize(texts)))[:_MAX_WORDS]
    missing = []
    for word in words[:_MAX_MISSING]:
        like = [form for form in forms if form.startswith(word[:_SAME_START])]
        near = get_close_matches(word, like, n=1, cutoff=_NEAR)
        missing.append(Missing(word, near[0] if near else ""))
    return tuple(missing)


def distinctive_words(
    question: str, text: str, passage: Passage, snapshot: Snapshot, *, most: int
) -> list[str]:
    """The most distinctive words of a text that the question lacks, best first.

    :param text: the passage's, or a part of it.
    """
    asked = set(index_terms(question))
    words: dict[str, str] = {}
    for word in tokenize(f"{passage.trail} {text}", pairs_only=True):
        term = (index_terms(word) or [""])[0]
        if len(word) >= _MIN_CHARS and not word.isdigit() and word not in STOP_WORDS:
            words.setdefault(term, word)
    counts = Counter(index_terms(text))
    idf = snapshot.idf([term for term in words if term not in asked])
    headed = set(index_terms(passage.trail))
    best = sorted(idf, key=lambda term: (-_worth(term, idf, counts, headed), term))
    return [words[term] for term in best[:most]]


def _worth(
    term: str, idf: Mapping[str, float], counts: Mapping[str, int], headed: set[str]
) -> float:
    often = math.log2(2 + counts.get(term, 0))
    return idf[term] * often * (_HEADED if term in headed else 1.0)
