"""The negations of a statement, and the words each one negates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.grounding.opposites import word_set
from ragqa.grounding.statements import Statement, Word

_NEGATORS = word_set(
    "not no never cannot neither nor none without hardly nobody nothing rarely seldom barely "
    "absent missing lack lacks lacking instead rather"
)
_NOT_NEGATING = word_set("only just merely matter doubt but")
_COMPARATIVES = word_set("more less fewer later earlier")
CONTRASTING = {"rather": "than", "instead": "of"}
_CONJUNCTIONS = word_set(
    "but so because which while whereas since although and if when unless yet than"
)
_PUNCTUATION = re.compile(r"[,;:.()|\u2014!?]")
_NEGATIVE_VERBS = word_set("rule rules ruled fail fails forbid forbids forbidden exclude excludes")
_MAX_SCOPE = 8
_TOO_TO = 4


@dataclass(frozen=True, slots=True)
class Negation:
    """The index of a negating word, and the indices of the words it negates."""

    at: int
    scope: tuple[int, ...]


def head_of(statement: Statement, negation: Negation) -> int | None:
    """The word next to a negation, which it negates more than those further on."""
    return next((i for i in negation.scope if statement.words[i].stem), None)


def negations_of(statement: Statement) -> list[Negation]:
    """The negations of a statement; two where one negates the other cancel out."""
    words = [word.text for word in statement.words]
    found = []
    for at in range(len(words)):
        if words[at] == "too" and "to" in words[at + 1 : at + 1 + _TOO_TO]:
            found.append(Negation(at, tuple(range(at + 1, min(len(words), at + _MAX_SCOPE + 2)))))
        elif negates(words, at):
            found.append(Negation(at, _scope(statement, words, at)))
    cancelled: set[int] = set()
    for i, one in enumerate(found):
        # "Does not rule out", "never fails".
        if any(words[k] in _NEGATIVE_VERBS for k in one.scope):
            cancelled.add(i)
        for k, other in enumerate(found):
            pair = {words[one.at], words[other.at]}
            is_one = len(pair) == 1 or pair == {"neither", "nor"}
            if i != k and other.at in one.scope and not is_one and not {i, k} & cancelled:
                cancelled |= {i, k}
    return [one for i, one in enumerate(found) if i not in cancelled]


def negates(words: Sequence[str], at: int) -> bool:
    """Whether the word at this index negates."""
    word = words[at]
    if word not in _NEGATORS and not word.endswith("n't"):
        return False
    following = [*words[at + 1 : at + 3], "", ""]
    if word in CONTRASTING:
        return following[0] == CONTRASTING[word]
    if word in ("not", "no", "nothing") and following[0] in _NOT_NEGATING:
        return False
    return not (word == "no" and following[0] in _COMPARATIVES and following[1] == "than")


def _scope(statement: Statement, words: Sequence[str], at: int) -> tuple[int, ...]:
    """The words after a negation up to the end of its clause, or else those before it."""
    scope: list[int] = []
    first = at + 2 if words[at] in CONTRASTING else at + 1
    if not _ends_clause(statement, at):
        for i in range(first, min(len(words), first + _MAX_SCOPE)):
            if words[i] in _CONJUNCTIONS and scope:
                break
            scope.append(i)
            if _ends_clause(statement, i):
                break
    if any(statement.words[i].stem for i in scope):
        return tuple(scope)
    for i in range(at - 1, max(-1, at - 1 - _MAX_SCOPE), -1):
        if _ends_clause(statement, i) or words[i] in _CONJUNCTIONS:
            break
        scope.append(i)
    return tuple(scope)


def _ends_clause(statement: Statement, i: int) -> bool:
    if i + 1 >= len(statement.words):
        return True
    between = statement.text[statement.words[i].end : statement.words[i + 1].start]
    return _PUNCTUATION.search(between) is not None


def in_compound(statement: Statement) -> list[bool]:
    """Which words are part of a hyphenated one, such as "end" in "end-of-turn"."""
    return [_is_compound(statement.text, word) for word in statement.words]


def _is_compound(text: str, word: Word) -> bool:
    after, before = text[word.end : word.end + 2], text[max(0, word.start - 2) : word.start]
    return (after[:1] == "-" and after[1:].isalnum()) or (
        before[-1:] == "-" and before[:1].isalnum()
    )
