"""Negatives made of what is so: the answer taken out, or a name or a number swapped."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from records import NONE, SPANS, Group, Passage, Statement
from swaps import Swaps

MOST = 0.3
"""The most of the questions that are made, and half of it of the statements."""

LEAST_SENTENCES = 3
T = TypeVar("T")

_UNSURE = {"boolq", "bbq"}
"""Yes-no questions, and those whose answer is a name of two: a swap may still be answered."""


def made_groups(groups: Sequence[Group], rng: random.Random) -> list[Group]:
    """Questions which their passages do not answer, made of some that are answered."""
    kinds = [list(_without_answer(groups)), list(_otherwise_asked(groups, rng))]
    most = int(len(groups) * MOST / (1 - MOST) / len(kinds))
    return [group for found in kinds for group in _sample(found, most, rng)]


def made_statements(statements: Sequence[Statement], rng: random.Random) -> list[Statement]:
    """Statements that say another number or name than their passages."""
    by_set: dict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        by_set[one.source].append(one)
    found = []
    for mine in by_set.values():
        swaps = Swaps(one.statement for one in mine)
        for one in mine:
            if one.label == "supported":
                said = swaps.swapped(one.statement, one.passage, rng)
                if said:
                    new = replace(one, statement=said, label="not_supported", made="swapped")
                    found.append(new)
    share = MOST / 2
    return _sample(found, int(len(statements) * share / (1 - share)), rng)


def _without_answer(groups: Sequence[Group]) -> Iterator[Group]:
    for group in groups:
        passage = group.passages[0]
        alone = passage.label == SPANS and len(passage.gold) == 1
        if alone and len(passage.spans) >= LEAST_SENTENCES:
            left = _without(passage, passage.gold[0])
            yield replace(group, passages=(left,), made="deleted")


def _without(passage: Passage, number: int) -> Passage:
    start, end = passage.spans[number]
    if number + 1 < len(passage.spans):
        end = passage.spans[number + 1][0]
    elif number:
        start = passage.spans[number - 1][1]
    gone = end - start
    after = [(a - gone, b - gone) for a, b in passage.spans[number + 1 :]]
    return Passage(
        text=passage.text[:start] + passage.text[end:],
        spans=(*passage.spans[:number], *after),
        gold=(),
        label=NONE,
        made="deleted",
    )


def _otherwise_asked(groups: Sequence[Group], rng: random.Random) -> Iterator[Group]:
    by_set: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_set[group.source].append(group)
    for source, mine in by_set.items():
        swaps = Swaps(group.question for group in mine)
        for group in mine:
            if not group.answered or source in _UNSURE:
                continue
            passage = group.passages[0]
            asked = swaps.swapped(group.question, passage.text, rng)
            if asked:
                none = replace(passage, gold=(), label=NONE, made="swapped")
                yield replace(group, question=asked, passages=(none,), made="swapped")


def _sample(found: Sequence[T], most: int, rng: random.Random) -> list[T]:
    return rng.sample(found, min(most, len(found)))
