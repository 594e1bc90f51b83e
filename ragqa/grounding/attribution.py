"""Check that a claim is attributed to the right name; that a part mentions it is not enough."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.names import SENTENCE_OPENERS, Name
from ragqa.grounding.statements import Span, Statement

MIN_SCORE = 0.55
"""Text about another name must match at least this much of the claim to be its source."""

_MARGIN = 0.2
_MARGIN_RANGE = 0.2
_MAX_STRENGTH = 0.9
_TOP_PARTS = 4
_SIMILAR = 0.45
_MIN_PREDICATE = 2
_SEAM = re.compile(r";|,?\s(?:and|while|whereas|but)\s")
_VERB = re.compile(r"[a-z]+ed|is|was|has|had|bought|found|gave|made|came|took|wrote|built|won|sold")
# Names in a title are not what the sentence is about.
_TITLE = re.compile(r"[\"\u201c][^\"\u201c\u201d]{1,200}[\"\u201d]|(?<!\*)\*[^*]{1,200}\*(?!\*)")
_ASIDE = re.compile(r"\([^()]{0,200}\)")


def attributed_elsewhere(comparison: Comparison, name: Name, words: Sequence[int]) -> float:
    """How much better the words match text about another name than text about this one, 0 to 1."""
    scores = comparison.scores(words)
    nearest = [int(n) for n in np.argsort(-scores, kind="stable")[:_TOP_PARTS]]
    naming = [n for n, p in enumerate(comparison.parts) if p.statement.name_index.has(name.text)]
    naming.sort(key=lambda n: -float(scores[n]))
    with_name = other = 0.0
    for n in dict.fromkeys((*nearest, *naming[:_TOP_PARTS])):
        if comparison.parts[n].above.name_index.has(name.text):
            return 0.0
        for about, score in _scores_by_name(comparison, n, words):
            if any(_same_name(one, name) for one in about):
                with_name = max(with_name, score)
            elif about and not any(one.text in comparison.claim.text for one in about):
                other = max(other, score)
    if other < MIN_SCORE:
        return 0.0
    return min(_MAX_STRENGTH, max(0.0, other - with_name - _MARGIN) / _MARGIN_RANGE)


def leading_name(comparison: Comparison) -> Name | None:
    """The first word of a claim, if a verb follows and the sources have nothing like it.

    Its capital alone proves nothing: compare "Cohere reported" and "Overlap repeats".
    """
    claim = comparison.claim
    word, *rest = claim.words
    name = Name(claim.text[word.start : word.end], word.start, word.end)
    has_verb = bool(rest) and _VERB.fullmatch(rest[0].text) is not None
    if not has_verb or not word.stem or not name.text[0].isupper():
        return None
    if word.text in SENTENCE_OPENERS or name.text in (one.text for one in claim.names):
        return None
    for part, similarity in zip(comparison.parts, comparison.similarity, strict=True):
        columns = part.statement.content_words
        has_similar = bool(columns) and similarity[0, columns].max() >= _SIMILAR
        if part.above.name_index.has(name.text) or has_similar:
            return None
    return name


def _scores_by_name(
    comparison: Comparison, number: int, words: Sequence[int]
) -> Iterator[tuple[list[Name], float]]:
    """Each group of names in a part, and how well the text about them matches the given words."""
    statement = comparison.parts[number].statement
    similarity = comparison.similarity[number][list(words)]
    weights = comparison.weights[list(words)]
    titles = [found.span() for found in _TITLE.finditer(statement.text)]
    names = [
        one
        for one in statement.names
        if one.text in comparison.claim.text
        or not any(start <= one.start < end for start, end in titles)
    ]
    about: list[Name] = []
    columns: list[int] = []  # content words about these names
    for span in _clauses(statement):
        named = [one for one in names if span[0] <= one.start < span[1]]
        # Names in a list share what is said about them.
        if named and about and len(columns) - len(about) >= _MIN_PREDICATE:
            yield about, _coverage(similarity, columns, weights)
            about, columns = [], []
        about += named
        columns += [
            k for k in statement.content_words if span[0] <= statement.words[k].start < span[1]
        ]
    yield about, _coverage(similarity, columns, weights)


def _coverage(similarity: np.ndarray, columns: Sequence[int], weights: np.ndarray) -> float:
    if not columns:
        return 0.0
    return float(similarity[:, columns].max(axis=1) @ weights / max(float(weights.sum()), 1e-9))


def _clauses(statement: Statement) -> list[Span]:
    plain = _ASIDE.sub(lambda aside: "_" * len(aside[0]), statement.text)
    cuts = [0, *(seam.end() for seam in _SEAM.finditer(plain)), len(plain)]
    return list(pairwise(cuts))


def _same_name(one: Name, other: Name) -> bool:
    plain, other_plain = (re.sub(r"\W|_", "", name.text.casefold()) for name in (one, other))
    return plain.startswith(other_plain) or other_plain.startswith(plain)
