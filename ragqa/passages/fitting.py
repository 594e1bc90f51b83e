"""Divides parts that exceed the limit on their own, at the best available places."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from ragqa.passages.packing import cut
from ragqa.passages.parts import Part
from ragqa.passages.token_counter import Ruler, Size
from ragqa.text.sentences import sentence_spans, strip
from ragqa.types import Kind, Span

_Cutter: TypeAlias = Callable[[str, int, int], list[Span]]

_LINE = re.compile(r"[^\r\n]+")
# Commas, semicolons, colons, dashes and table bars, in Latin and full-width forms.
_SPACED, _WIDE = r",;:|\u2013\u2014", r"\uff0c\uff1b\uff1a\u3001"
_CLAUSE = re.compile(rf"(?:[^{_SPACED}{_WIDE}\r\n]|[{_SPACED}](?!\s))*+[{_SPACED}{_WIDE}]*+")
_FEW_WORDS = re.compile(r"\S(?:.{0,63}\S)?(?=\s|\Z)|\S+", re.DOTALL)


def fit(parts: Sequence[Part], *, ruler: Ruler, target_tokens: int, limit: Size) -> list[Part]:
    """Divide every part that exceeds the limit, alone or with the headings above it."""
    fitted: list[Part] = []
    headings = Size(0, 0)
    for part in parts:
        # Headings that take more than half of the limit are separated from their text.
        room = limit.minus(headings) if headings.plus(headings).fits(limit) else limit
        if part.size.fits(room):
            fitted.append(part)
        else:
            atoms = list(_atoms(part, ruler, room, _cutters(part.unit.kind)))
            fitted += map(_joined, cut(atoms, target_tokens=target_tokens, limit=room))
        headings = Size(0, 0) if part.is_text else headings.plus(part.size)
    return fitted


def _atoms(part: Part, ruler: Ruler, limit: Size, cutters: Sequence[_Cutter]) -> Iterator[Part]:
    """Divide by the first cutter, and what is still over the limit by the next one."""
    if part.size.fits(limit) or not cutters:
        yield part
        return
    unit = part.unit
    stripped = (strip(ruler.text, *span) for span in cutters[0](ruler.text, unit.start, unit.end))
    spans = [(start, end) for start, end in stripped if start < end]
    for (start, end), size in zip(spans, ruler.sizes(spans), strict=True):
        smaller = replace(part, unit=replace(unit, start=start, end=end), size=size)
        yield from _atoms(smaller, ruler, limit, cutters[1:])


def _joined(atoms: Sequence[Part]) -> Part:
    first, last = atoms[0], atoms[-1]
    size = Size(sum(a.size.tokens for a in atoms), sum(a.size.pieces for a in atoms))
    return replace(first, unit=replace(first.unit, end=last.unit.end), size=size)


def _cutters(kind: Kind) -> list[_Cutter]:
    finer = [_by_pattern(_CLAUSE), _by_pattern(_FEW_WORDS), *map(_by_length, (64, 8, 1))]
    if kind is Kind.ITEM:
        return [_by_sentence, *finer]
    if kind in (Kind.PARAGRAPH, Kind.HEADING):
        return finer
    return [_by_pattern(_LINE), *finer]


def _by_pattern(pattern: re.Pattern[str]) -> _Cutter:
    return lambda text, start, end: [found.span() for found in pattern.finditer(text, start, end)]


def _by_sentence(text: str, start: int, end: int) -> list[Span]:
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]


def _by_length(chars: int) -> _Cutter:
    return lambda _, start, end: [(i, min(i + chars, end)) for i in range(start, end, chars)]
