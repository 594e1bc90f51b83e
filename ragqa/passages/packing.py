"""Chooses the cuts: passages near the target length, cut where a reader would."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import inf

from ragqa.passages.parts import Part
from ragqa.passages.token_counter import Size
from ragqa.types import Kind

# The cost of a cut, on the scale of a length's cost: 1 for an empty passage.
_NEVER = 100.0  # only if the limit forces it: after a heading
_AVOID = 10.0  # only if the limit forces it: within an item, after a table's head
_AFTER_COLON = 0.2
_BETWEEN_SENTENCES = 0.1
_WITHIN_LIST_OR_TABLE = 0.05


def cut(parts: Sequence[Part], *, target_tokens: int, limit: Size) -> list[list[Part]]:
    """Cut into runs within the limit at least cost; a part over the limit is a run by itself.

    A run costs the squared deviation from the target length, relative to the target, so that runs
    come out even; a cut costs more the more it separates.
    """
    cut_costs = list(_cut_costs(parts))
    tokens = list(accumulate((part.size.tokens for part in parts), initial=0))
    pieces = list(accumulate((part.size.pieces for part in parts), initial=0))
    best = [0.0] + [inf] * len(parts)
    begins = [0] * (len(parts) + 1)
    for end in range(1, len(parts) + 1):
        for start in range(end - 1, -1, -1):
            length = tokens[end] - tokens[start]
            too_long = length > limit.tokens or pieces[end] - pieces[start] > limit.pieces
            if too_long and start < end - 1:
                break
            distance = (length - target_tokens) / target_tokens
            cost = best[start] + cut_costs[start] + distance * distance
            if cost < best[end]:
                best[end], begins[end] = cost, start
    runs: list[list[Part]] = []
    end = len(parts)
    while end:
        runs.append(list(parts[begins[end] : end]))
        end = begins[end]
    return runs[::-1]


def _cut_costs(parts: Sequence[Part]) -> Iterator[float]:
    """The cost of a cut before each part."""
    yield 0.0
    under_heading = False
    for before, after in pairwise(parts):
        is_heading = before.unit.kind is Kind.HEADING
        under_heading = not before.is_text and (is_heading or under_heading)
        if under_heading and before.block != after.block:
            yield _NEVER
        else:
            yield _cut_cost(before, after)


def _cut_cost(before: Part, after: Part) -> float:
    kinds = before.unit.kind, after.unit.kind
    if before.block == after.block:
        within_item = kinds == (Kind.ITEM, Kind.ITEM)
        return _AVOID if within_item else _BETWEEN_SENTENCES
    if kinds[0] is Kind.TABLE_HEAD or kinds[1] is Kind.RULE:
        return _AVOID
    if before.ends_with_colon:
        return _AFTER_COLON
    if kinds in ((Kind.ITEM, Kind.ITEM), (Kind.ROW, Kind.ROW)):
        return _WITHIN_LIST_OR_TABLE * (2 if after.level > before.level else 1)
    return 0.0
