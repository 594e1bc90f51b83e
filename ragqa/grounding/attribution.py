"""Of which name a part says what a claim says: that it has the name, too, is not enough."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ragqa.grounding.comparing import Comparison
from ragqa.grounding.names import BEGINNINGS, Name
from ragqa.grounding.statements import Span, Statement

LEAST = 0.55
"""The least that another stretch must say of the words, for it to be told of another name."""

_NEAR = 0.2
_FAR = 0.2
_MOST = 0.9
_NEAREST = 4
_ALIKE = 0.45
_SAYING = 2
_SEAM = re.compile(r";|,?\s(?:and|while|whereas|but)\s")
_DOES = re.compile(r"[a-z]+ed|is|was|has|had|bought|found|gave|made|came|took|wrote|built|won|sold")
# The words of a title are no names that something is said of.
_TITLE = re.compile(r"[\"\u201c][^\"\u201c\u201d]{1,200}[\"\u201d]|(?<!\*)\*[^*]{1,200}\*(?!\*)")
_ASIDE = re.compile(r"\([^()]{0,200}\)")


def said_of_another(comparison: Comparison, name: Name, words: Sequence[int]) -> float:
    """How far a stretch about another name says more of some words than one about this name."""
    scores = comparison.scores(words)
    nearest = [int(n) for n in np.argsort(-scores, kind="stable")[:_NEAREST]]
    bearing = [n for n, p in enumerate(comparison.parts) if p.statement.naming.has(name.text)]
    bearing.sort(key=lambda n: -float(scores[n]))
    having = other = 0.0
    for n in dict.fromkeys((*nearest, *bearing[:_NEAREST])):
        if comparison.parts[n].above.naming.has(name.text):
            return 0.0
        for about, score in _stretches(comparison, n, words):
            if any(_same(one, name) for one in about):
                having = max(having, score)
            elif about and not any(one.text in comparison.claim.text for one in about):
                other = max(other, score)
    if other < LEAST:
        return 0.0
    return min(_MOST, max(0.0, other - having - _NEAR) / _FAR)


def first_name(comparison: Comparison) -> Name | None:
    """The first word of a claim, if it does something and nothing in the sources stands for it.

    Its capital alone tells nothing: "Cohere reported" and "Overlap repeats" begin alike.
    """
    claim = comparison.claim
    word, *rest = claim.words
    name = Name(claim.text[word.start : word.end], word.start, word.end)
    acts = bool(rest) and _DOES.fullmatch(rest[0].text) is not None
    if not acts or not word.stem or not name.text[0].isupper():
        return None
    if word.text in BEGINNINGS or name.text in (one.text for one in claim.names):
        return None
    for part, alike in zip(comparison.parts, comparison.alike, strict=True):
        telling = part.statement.telling
        if part.above.naming.has(name.text) or (telling and alike[0, telling].max() >= _ALIKE):
            return None
    return name


def _stretches(
    comparison: Comparison, number: int, words: Sequence[int]
) -> Iterator[tuple[list[Name], float]]:
    """What a part says of one name after the other, and how far that meets some words."""
    statement = comparison.parts[number].statement
    alike = comparison.alike[number][list(words)]
    weights = comparison.weights[list(words)]
    titles = [found.span() for found in _TITLE.finditer(statement.text)]
    names = [
        one
        for one in statement.names
        if one.text in comparison.claim.text
        or not any(start <= one.start < end for start, end in titles)
    ]
    about: list[Name] = []
    columns: list[int] = []  # the telling words of it
    for span in _segments(statement):
        named = [one for one in names if span[0] <= one.start < span[1]]
        # Names listed one after the other say what they say together.
        if named and about and len(columns) - len(about) >= _SAYING:
            yield about, _met(alike, columns, weights)
            about, columns = [], []
        about += named
        columns += [k for k in statement.telling if span[0] <= statement.words[k].start < span[1]]
    yield about, _met(alike, columns, weights)


def _met(alike: np.ndarray, columns: Sequence[int], weights: np.ndarray) -> float:
    if not columns:
        return 0.0
    return float(alike[:, columns].max(axis=1) @ weights / max(float(weights.sum()), 1e-9))


def _segments(statement: Statement) -> list[Span]:
    plain = _ASIDE.sub(lambda aside: "_" * len(aside[0]), statement.text)
    cuts = [0, *(seam.end() for seam in _SEAM.finditer(plain)), len(plain)]
    return list(pairwise(cuts))


def _same(one: Name, other: Name) -> bool:
    plain, said = (re.sub(r"\W|_", "", name.text.casefold()) for name in (one, other))
    return plain.startswith(said) or said.startswith(plain)
