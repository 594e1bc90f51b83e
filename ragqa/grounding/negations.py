"""The words that say no in a statement, and what each of them says no to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.grounding.opposites import words as listed
from ragqa.grounding.statements import Statement, Word

_NEGATORS = listed(
    "not no never cannot neither nor none without hardly nobody nothing rarely seldom barely "
    "absent missing lack lacks lacking instead rather"
)
_NOT_TURNING = listed("only just merely matter doubt but")
_COMPARED = listed("more less fewer later earlier")
CONTRASTING = {"rather": "than", "instead": "of"}
_STOPS = listed("but so because which while whereas since although and if when unless yet than")
_SEAM = re.compile(r"[,;:.()|\u2014!?]")
_UNDOING = listed("rule rules ruled fail fails forbid forbids forbidden exclude excludes")
_REACH = 8
_TOO_TO = 4


@dataclass(frozen=True, slots=True)
class Negation:
    """A word that says no, and the words that it says no to, by their places."""

    at: int
    over: tuple[int, ...]


def head_of(statement: Statement, negation: Negation) -> int | None:
    """The word next to a negation: that is what it denies, more than those behind it."""
    return next((i for i in negation.over if statement.words[i].stem), None)


def negations_of(statement: Statement) -> list[Negation]:
    """What a statement says no to; two of which one denies the other are none."""
    words = [word.text for word in statement.words]
    found = []
    for at in range(len(words)):
        if words[at] == "too" and "to" in words[at + 1 : at + 1 + _TOO_TO]:
            found.append(Negation(at, tuple(range(at + 1, min(len(words), at + _REACH + 2)))))
        elif negates(words, at):
            found.append(Negation(at, _reach(statement, words, at)))
    cancelled: set[int] = set()
    for i, one in enumerate(found):
        # "Does not rule out", "never fails".
        if any(words[k] in _UNDOING for k in one.over):
            cancelled.add(i)
        for k, other in enumerate(found):
            pair = {words[one.at], words[other.at]}
            is_one = len(pair) == 1 or pair == {"neither", "nor"}
            if i != k and other.at in one.over and not is_one and not {i, k} & cancelled:
                cancelled |= {i, k}
    return [one for i, one in enumerate(found) if i not in cancelled]


def negates(words: Sequence[str], at: int) -> bool:
    """Whether the word at a place says no."""
    word = words[at]
    if word not in _NEGATORS and not word.endswith("n't"):
        return False
    following = [*words[at + 1 : at + 3], "", ""]
    if word in CONTRASTING:
        return following[0] == CONTRASTING[word]
    if word in ("not", "no", "nothing") and following[0] in _NOT_TURNING:
        return False
    return not (word == "no" and following[0] in _COMPARED and following[1] == "than")


def _reach(statement: Statement, words: Sequence[str], at: int) -> tuple[int, ...]:
    """The words behind a negation up to the end of its clause, or those before it."""
    over: list[int] = []
    first = at + 2 if words[at] in CONTRASTING else at + 1
    if not _ends_clause(statement, at):
        for i in range(first, min(len(words), first + _REACH)):
            if words[i] in _STOPS and over:
                break
            over.append(i)
            if _ends_clause(statement, i):
                break
    if any(statement.words[i].stem for i in over):
        return tuple(over)
    for i in range(at - 1, max(-1, at - 1 - _REACH), -1):
        if _ends_clause(statement, i) or words[i] in _STOPS:
            break
        over.append(i)
    return tuple(over)


def _ends_clause(statement: Statement, i: int) -> bool:
    if i + 1 >= len(statement.words):
        return True
    between = statement.text[statement.words[i].end : statement.words[i + 1].start]
    return _SEAM.search(between) is not None


def compounds(statement: Statement) -> list[bool]:
    """Which words are a part of a longer one, such as "end" in "end-of-turn"."""
    return [_is_compound(statement.text, word) for word in statement.words]


def _is_compound(text: str, word: Word) -> bool:
    after, before = text[word.end : word.end + 2], text[max(0, word.start - 2) : word.start]
    return (after[:1] == "-" and after[1:].isalnum()) or (
        before[-1:] == "-" and before[:1].isalnum()
    )
