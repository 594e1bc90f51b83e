"""From a note to passages: runs of whole units that lose nothing and fit the embedder's window.

Parts are grouped by section, and cut near the target length where a reader would. What exceeds the
limit on its own is divided first, at the best available places.
"""

import hashlib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, pairwise, takewhile
from math import inf
from typing import TypeAlias

from ragqa.passages import Chunking
from ragqa.passages.language import with_own_languages
from ragqa.passages.parts import HeadingPath, Part, Trail, fit_trails, note_parts
from ragqa.passages.slices import with_slices
from ragqa.passages.tokens import CountTokens, Size, TokenCounter
from ragqa.text.sentences import sentence_spans, strip
from ragqa.text.shown import inner_bars, labels_within, states_fact
from ragqa.text.words import compiled
from ragqa.types import Kind, Note, Passage, Span, Unit

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


def split_note(
    note: Note, *, chunking: Chunking, window: int, count_tokens: CountTokens
) -> list[Passage]:
    """Split a note into passages, in order, that together cover all the text of its blocks.

    A passage covers one section, or a few very small ones under the same heading. Its heading is
    the path shared by all its text; the rest of a unit's path is in the unit's context. Title and
    heading are shortened if they would take more than half of the window. No sentence, item, row
    or block of code is cut, and no heading separated from its text, unless too long by itself; a
    block of 15 lines or more may be cut at its blank lines.

    :param window: the most tokens of a passage's embedded text by `count_tokens`, which includes
        special tokens.
    :raises IndexUnusable: tiktoken's ranks are missing or damaged.
    :raises ValueError: the window is too small for any text.
    """
    counter = TokenCounter(
        note.text, max_tokens=chunking.max_tokens, window=window, count_tokens=count_tokens
    )
    parts = note_parts(note, counter, secrets=chunking.secrets)
    paths = {part.path for part in parts}
    splitter = _Splitter(
        note=note,
        chunking=chunking,
        counter=counter,
        trails=fit_trails(note.title, paths | {path[:-1] for path in paths}, counter=counter),
        line_ends=[newline.start() for newline in compiled("\n").finditer(note.text)],
    )
    runs = splitter.joined(map(splitter.runs, _sections(note.text, parts)))
    passages = with_own_languages(splitter.passages(runs), note, chunking.language)
    made = list(_numbered(passages))
    units = iter(with_slices(note.text, (unit for passage in made for unit in passage.units)))
    return [replace(passage, units=tuple(islice(units, len(passage.units)))) for passage in made]


@dataclass(frozen=True, slots=True)
class _Splitter:
    note: Note
    chunking: Chunking
    counter: TokenCounter
    trails: Mapping[HeadingPath, Trail]
    line_ends: Sequence[int]

    def runs(self, section: Sequence[Part]) -> list[list[Part]]:
        """Cut a section where it is too long."""
        return self._cut(section, self._room(section))

    def _room(self, run: Sequence[Part]) -> int:
        """The embedder's tokens that the window leaves beside the run's trail."""
        return self.counter.room - self.trails[_common_path(run)].pieces

    def joined(self, cut_sections: Iterable[list[list[Part]]]) -> list[list[Part]]:
        """Join a small section to the previous one if both are under the same heading.

        The result is at most twice as long as a small section: a passage about one topic is found
        better than one about several, and its citation names the section.

        :param cut_sections: the runs of each section; only sections of a single run are joined.
        """
        runs: list[list[Part]] = []
        last: list[Part] = []
        for section in cut_sections:
            is_whole = len(section) == 1
            if is_whole and last and self._go_together(last, section[0]):
                runs[-1] = last = last + section[0]
                continue
            runs += section
            last = section[0] if is_whole else []
        return runs

    def _go_together(self, before: list[Part], after: list[Part]) -> bool:
        small = self.chunking.small_tokens
        sizes = [sum(part.size.tokens for part in run) for run in (before, after)]
        if _parent(before) != _parent(after) or min(sizes) >= small or sum(sizes) > 2 * small:
            return False
        run = before + after
        is_whole = all(_follows(self.note.text, *pair) for pair in pairwise(run))
        return is_whole and _pieces(run) <= self._room(run)

    def passages(self, runs: Sequence[list[Part]]) -> list[Passage]:
        """Make each run a passage, and cut again what is too long once its parts stand together."""
        made = [self._passage(run) for run in runs]
        lengths = self.counter.pieces([passage.embedded_text for passage in made])
        passages: list[Passage] = []
        for run, passage, length in zip(runs, made, lengths, strict=True):
            excess = length - self.counter.room
            if excess <= 0:
                passages.append(passage)
            else:
                passages += self.passages(self._smaller(run, max(1, _pieces(run) - excess)))
        return passages

    def _smaller(self, run: list[Part], pieces: int) -> list[list[Part]]:
        """Cut a run in two or more, between units if possible."""
        headings = [part for part in run[:-1] if not part.is_text]
        is_one_text = len(headings) == len(run) - 1
        while True:
            divide = is_one_text and 2 * _pieces(headings) <= pieces
            smaller = self._cut(run, pieces, divide=divide)
            if len(smaller) > 1:
                return smaller
            if pieces == 1:
                raise ValueError(f"a character of {self.note.path!r} does not fit the window")
            # This embedder also counts the white space between units.
            pieces = max(1, pieces * 3 // 4)

    def _cut(self, parts: Sequence[Part], pieces: int, *, divide: bool = True) -> list[list[Part]]:
        """Cut into runs of at most so many pieces.

        :param divide: whether to divide parts that are longer.
        """
        target, limit = self.chunking.target_tokens, Size(self.chunking.max_tokens, pieces)
        if divide:
            parts = _fit(parts, counter=self.counter, target_tokens=target, limit=limit)
        return _cut(parts, target_tokens=target, limit=limit)

    def _passage(self, parts: Sequence[Part]) -> Passage:
        """Make the passage of a run, without its id."""
        note, path = self.note, _common_path(parts)
        trail = self.trails[path]
        start, end = parts[0].unit.start, parts[-1].unit.end
        return Passage(
            id=0,
            embedding_key=0,
            path=note.path,
            title=trail.title,
            start=start,
            end=end,
            lines=(self._line(start), self._line(max(start, end - 1))),
            heading=trail.heading,
            text=note.text[start:end],
            units=tuple(_with_own_heading(part, len(path)) for part in parts),
            note_sha256=note.sha256,
            note_date=note.date,
            aliases=note.aliases,
            language=note.language,
        )

    def _line(self, position: int) -> int:
        return bisect_left(self.line_ends, position) + 1


def _sections(text: str, parts: Iterable[Part]) -> list[list[Part]]:
    """Begin a section at each heading, unless no text separates it from the previous heading.

    Trailing headings without text join the last section with text. A gap between two parts, such as
    a comment, ends a section; a section of headings alone that state no fact is then dropped, since
    its headings reappear above the next text.
    """
    sections: list[list[Part]] = []
    has_text = True
    for part in parts:
        apart = bool(sections) and not _follows(text, sections[-1][-1], part)
        if apart and not has_text:
            headings = (text[part.unit.start : part.unit.end] for part in sections[-1])
            if not any(map(states_fact, headings)):
                sections.pop()
        if not sections or apart or (part.unit.kind is Kind.HEADING and has_text):
            sections.append([])
            has_text = False
        sections[-1].append(part)
        has_text = has_text or part.is_text
    if len(sections) > 1 and not has_text and _follows(text, sections[-2][-1], sections[-1][0]):
        last = sections.pop()
        sections[-1] += last
    return sections


def _follows(text: str, before: Part, after: Part) -> bool:
    """Whether only white space separates two parts."""
    return not text[before.unit.end : after.unit.start].strip()


def _parent(run: Sequence[Part]) -> HeadingPath:
    return next((part.path for part in run if part.is_text), run[-1].path)[:-1]


def _common_path(parts: Sequence[Part]) -> HeadingPath:
    """The longest path shared by all the text; headings count only if there is no text."""
    paths = [part.path for part in parts if part.is_text] or [parts[-1].path]
    levels = zip(*paths, strict=False)
    return tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels))


def _cut(parts: Sequence[Part], *, target_tokens: int, limit: Size) -> list[list[Part]]:
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


def _fit(
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
            runs = _cut(atoms, target_tokens=target_tokens, limit=room)
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
    """The piece of a part that these atoms make; one of a row has the labels of its columns."""
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
    return lambda text, start, end: [match.span() for match in pattern.finditer(text, start, end)]


def _by_sentence(text: str, start: int, end: int) -> list[Span]:
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]


def _by_cell(text: str, start: int, end: int) -> list[Span]:
    bars = [start + bar for bar in inner_bars(text[start:end])]
    return list(zip([start, *bars], [*bars, end], strict=True))


def _pieces(run: Iterable[Part]) -> int:
    return sum(part.size.pieces for part in run)


def _with_own_heading(part: Part, depth: int) -> Unit:
    own = " > ".join(part.path[depth:])
    if not own or not part.is_text:
        return part.unit
    context = f"{own}: {part.unit.context}" if part.unit.context else own
    return replace(part.unit, context=context)


def _numbered(passages: Iterable[Passage]) -> Iterator[Passage]:
    seen: Counter[str] = Counter()
    for passage in passages:
        text = passage.embedded_text
        yield replace(
            passage,
            id=_hash64(passage.path, text, str(seen[text])),
            embedding_key=_hash64(text),
        )
        seen[text] += 1


def _hash64(*texts: str) -> int:
    content = b"\0".join(text.encode("utf-8", "surrogatepass") for text in texts)
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)
