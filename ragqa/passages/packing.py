"""Chooses the cuts: passages near the target length, cut where a reader would.

Parts that exceed the limit on their own are divided first, at the best available places.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import inf
from typing import TypeAlias

from ragqa.passages.parts import Part
from ragqa.passages.tokens import Size, TokenCounter
from ragqa.text.markdown import inner_bars, labels_within
from ragqa.text.sentences import sentence_spans, strip
from ragqa.types import Kind, Span

_Cutter: TypeAlias = Callable[[str, int, int], list[Span]]

_LINE = re.compile(r"[^\r\n]+")
# Commas, semicolons, colons and dashes, in Latin and full-width forms.
_SPACED, _WIDE = r",;:\u2013\u2014", r"\uff0c\uff1b\uff1a\u3001"
_CLAUSE = re.compile(rf"(?:[^{_SPACED}{_WIDE}\r\n]|[{_SPACED}](?!\s))*+[{_SPACED}{_WIDE}]*+")
_FEW_WORDS = re.compile(r"\S(?:.{0,63}\S)?(?=\s|\Z)|\S+", re.DOTALL)
# An escaped bar stays one, so that it ends no cell.
_LENGTHS = [re.compile(rf".{{0,{chars - 1}}}(?:\\\||.)", re.DOTALL) for chars in (64, 8, 1)]

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
    apart = [False, *(before.is_rest or after.is_rest for before, after in pairwise(parts))]
    tokens = list(accumulate((part.size.tokens for part in parts), initial=0))
    pieces = list(accumulate((part.size.pieces for part in parts), initial=0))
    best = [0.0] + [inf] * len(parts)
    begins = [0] * (len(parts) + 1)
    for end in range(1, len(parts) + 1):
        for start in range(end - 1, -1, -1):
            length = tokens[end] - tokens[start]
            too_long = length > limit.tokens or pieces[end] - pieces[start] > limit.pieces
            if start < end - 1 and (too_long or apart[start + 1]):
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
        kind, following = before.unit.kind, after.unit.kind
        under_heading = not before.is_text and (kind is Kind.HEADING or under_heading)
        if before.block == after.block:
            yield _AVOID if kind is Kind.ITEM else _BETWEEN_SENTENCES
        elif under_heading:
            yield _NEVER
        elif kind is Kind.TABLE_HEAD or following is Kind.RULE:
            yield _AVOID
        elif before.ends_with_colon:
            yield _AFTER_COLON
        elif kind is following and kind in (Kind.ITEM, Kind.ROW):
            yield _WITHIN_LIST_OR_TABLE * (2 if after.unit.depth > before.unit.depth else 1)
        else:
            yield 0.0


def fit(
    parts: Sequence[Part], *, counter: TokenCounter, target_tokens: int, limit: Size
) -> list[Part]:
    """Divide every part that exceeds the limit, alone or with the headings above it."""
    fitted: list[Part] = []
    headings = Size(0, 0)
    for part in parts:
        # Headings that take more than half of the limit are separated from their text.
        room = limit.minus(headings) if headings.plus(headings).fits(limit) else limit
        if part.size.fits(room):
            fitted.append(part)
        else:
            atoms = list(_atoms(part, counter, room, _cutters(part.unit.kind)))
            runs = cut(atoms, target_tokens=target_tokens, limit=room)
            fitted += (_piece(counter.text, part, run) for run in runs)
        headings = Size(0, 0) if part.is_text else headings.plus(part.size)
    return fitted


def _atoms(
    part: Part, counter: TokenCounter, limit: Size, cutters: Sequence[_Cutter]
) -> Iterator[Part]:
    """Divide by the first cutter, and what is still over the limit by the next one."""
    if part.size.fits(limit) or not cutters:
        yield part
        return
    text, unit = counter.text, part.unit
    stripped = (strip(text, *span) for span in cutters[0](text, unit.start, unit.end))
    spans = [(start, end) for start, end in stripped if start < end]
    for (start, end), size in zip(spans, counter.sizes(spans), strict=True):
        # As if none were the rest of a row, since all of them may share a passage.
        smaller = replace(part, unit=replace(unit, start=start, end=end, begins=True), size=size)
        yield from _atoms(smaller, counter, limit, cutters[1:])


def _piece(text: str, whole: Part, atoms: Sequence[Part]) -> Part:
    """The piece of a part that some of its atoms make; of a row, with the labels of its columns."""
    row, start, end = whole.unit, atoms[0].unit.start, atoms[-1].unit.end
    size = Size(sum(a.size.tokens for a in atoms), sum(a.size.pieces for a in atoms))
    labels = labels_within(
        text[row.start : row.end], row.labels, start - row.start, end - row.start
    )
    begins = row.begins and start == row.start
    unit = replace(row, start=start, end=end, labels=labels, begins=begins)
    return replace(whole, unit=unit, size=size)


def _cutters(kind: Kind) -> list[_Cutter]:
    """The ways to divide a unit of this kind, the coarsest first."""
    lines = _by_pattern(_LINE)
    coarsest: dict[Kind, list[_Cutter]] = {
        Kind.ITEM: [_by_sentence],
        Kind.PARAGRAPH: [],
        Kind.HEADING: [],
        Kind.ROW: [_by_cell],
        Kind.TABLE_HEAD: [lines, _by_cell],
    }
    return [*coarsest.get(kind, [lines]), *map(_by_pattern, (_CLAUSE, _FEW_WORDS, *_LENGTHS))]


def _by_pattern(pattern: re.Pattern[str]) -> _Cutter:
    return lambda text, start, end: [found.span() for found in pattern.finditer(text, start, end)]


def _by_sentence(text: str, start: int, end: int) -> list[Span]:
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]


def _by_cell(text: str, start: int, end: int) -> list[Span]:
    bars = [start + bar for bar in inner_bars(text[start:end])]
    return list(zip([start, *bars], [*bars, end], strict=True))
