"""From parts to passages: grouped by section, and cut near the target length where a reader would.

Parts that exceed the limit on their own are divided first, at the best available places.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import inf
from typing import TypeAlias

from ragqa.passages.parts import HeadingPath, Part
from ragqa.passages.tokens import Size, TokenCounter
from ragqa.text.markdown import inner_bars, labels_within, states_fact
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


def sections(text: str, parts: Iterable[Part]) -> list[list[Part]]:
    """Begin a section at each heading, unless no text separates it from the previous heading.

    Trailing headings without text join the last section with text. A gap between two parts, such as
    a comment, ends a section; a section of headings alone that state no fact is then dropped, since
    its headings reappear above the next text.
    """
    found: list[list[Part]] = []
    has_text = True
    for part in parts:
        apart = bool(found) and not follows(text, found[-1][-1], part)
        if apart and not has_text and not _state_fact(text, found[-1]):
            found.pop()
        if not found or apart or (part.unit.kind is Kind.HEADING and has_text):
            found.append([])
            has_text = False
        found[-1].append(part)
        has_text = has_text or part.is_text
    if len(found) > 1 and not has_text and follows(text, found[-2][-1], found[-1][0]):
        last = found.pop()
        found[-1] += last
    return found


def _state_fact(text: str, headings: Iterable[Part]) -> bool:
    return any(states_fact(text[part.unit.start : part.unit.end]) for part in headings)


def follows(text: str, before: Part, after: Part) -> bool:
    """Whether only white space separates two parts."""
    return not text[before.unit.end : after.unit.start].strip()


def join_small(
    cut_sections: Iterable[list[list[Part]]],
    *,
    small_tokens: int,
    fits: Callable[[Sequence[Part]], bool],
) -> list[list[Part]]:
    """Join a small section to the previous one if both are under the same heading.

    The result is at most twice as long as a small section: a passage about one topic is found
    better than one about several, and its citation names the section.

    :param cut_sections: the runs of each section; only sections of a single run are joined.
    """
    runs: list[list[Part]] = []
    last: list[Part] = []
    for section in cut_sections:
        joined = last + section[0]
        whole = len(section) == 1
        if whole and last and _go_together(last, section[0], small_tokens) and fits(joined):
            runs[-1] = last = joined
            continue
        runs += section
        last = section[0] if whole else []
    return runs


def _go_together(before: Sequence[Part], after: Sequence[Part], small_tokens: int) -> bool:
    siblings = _parent(before) == _parent(after)
    sizes = [sum(part.size.tokens for part in run) for run in (before, after)]
    return siblings and min(sizes) < small_tokens and sum(sizes) <= 2 * small_tokens


def _parent(run: Sequence[Part]) -> HeadingPath:
    return next((part.path for part in run if part.is_text), run[-1].path)[:-1]


def common_path(parts: Sequence[Part]) -> HeadingPath:
    """The longest path shared by all the text; headings count only if there is no text."""
    paths = [part.path for part in parts if part.is_text] or [parts[-1].path]
    shortest = min(paths, key=len)
    for depth in range(len(shortest), 0, -1):
        if all(path[:depth] == shortest[:depth] for path in paths):
            return shortest[:depth]
    return ()
