"""From a note to passages: runs of whole units that lose nothing and fit the embedder's window."""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, pairwise, takewhile
from math import inf
from typing import TypeAlias

from ragqa.passages import Chunking, CountTokens, Size, TokenCounter
from ragqa.passages.language import with_own_languages
from ragqa.passages.parts import HeadingPath, Trail, fit_trails, heading_paths, units_of
from ragqa.passages.plain import with_plain
from ragqa.text.sentences import sentence_spans, strip
from ragqa.text.shown import inner_bars, labels_within, states_fact
from ragqa.text.words import compiled
from ragqa.types import HIDDEN, Kind, Note, Passage, Span, Unit

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

    A passage covers one section, or a few very small ones under one heading. Its heading is the
    path shared by all its text; the rest of a unit's path is in the unit's context. No sentence,
    item, row or code is cut, and no heading separated from its text, unless too long by itself;
    code of 15 lines or more may be cut at its blank lines.

    :param window: the most tokens of a passage's embedded text by `count_tokens`; a ValueError
        where it is too small for any text.
    """
    counter = TokenCounter(
        note.text, max_tokens=chunking.max_tokens, window=window, count_tokens=count_tokens
    )
    blocks = [block for block in note.blocks if block.kind not in HIDDEN]
    units = list(units_of(note.text, blocks))
    counter.measure([(unit.start, unit.end) for unit in units])
    paths = list(heading_paths(blocks))
    splitter = _Splitter(
        note=note,
        chunking=chunking,
        counter=counter,
        starts=[block.start for block in blocks],
        paths=paths,
        trails=fit_trails(note.title, {*paths, *(path[:-1] for path in paths)}, counter=counter),
        line_ends=[newline.start() for newline in compiled("\n").finditer(note.text)],
    )
    runs = splitter.joined(splitter.sections(units))
    passages = with_own_languages(splitter.passages(runs), note, chunking.language)
    made = list(_numbered(passages))
    read = iter(with_plain(note.text, (unit for passage in made for unit in passage.units)))
    return [replace(passage, units=tuple(islice(read, len(passage.units)))) for passage in made]


@dataclass(frozen=True, slots=True)
class _Splitter:
    """Cuts the units of one note; `starts` and `paths` are those of its blocks, in order."""

    note: Note
    chunking: Chunking
    counter: TokenCounter
    starts: Sequence[int]
    paths: Sequence[HeadingPath]
    trails: Mapping[HeadingPath, Trail]
    line_ends: Sequence[int]

    def sections(self, units: Iterable[Unit]) -> list[list[Unit]]:
        """Begin a section at each heading below text, and after a gap such as a comment.

        Trailing headings join the last section; before a gap, headings alone that state no fact are
        dropped, since they reappear above the next text.
        """
        text = self.note.text
        sections: list[list[Unit]] = []
        has_text = True
        for unit in units:
            apart = bool(sections) and not self._follows(sections[-1][-1], unit)
            if apart and not has_text:
                headings = (text[heading.start : heading.end] for heading in sections[-1])
                if not any(map(states_fact, headings)):
                    sections.pop()
            if not sections or apart or (unit.kind is Kind.HEADING and has_text):
                sections.append([])
                has_text = False
            sections[-1].append(unit)
            has_text = has_text or _is_text(unit)
        if len(sections) > 1 and not has_text and self._follows(sections[-2][-1], sections[-1][0]):
            last = sections.pop()
            sections[-1] += last
        return sections

    def joined(self, sections: Iterable[Sequence[Unit]]) -> list[list[Unit]]:
        """Cut long sections, and join small ones under a heading, to twice a small one at most.

        A passage about one topic is found better than one about several.
        """
        runs: list[list[Unit]] = []
        last: list[Unit] = []
        for section in sections:
            cut = self._cut(section, self._room(section))
            is_whole = len(cut) == 1
            if is_whole and last and self._go_together(last, cut[0]):
                runs[-1] = last = last + cut[0]
                continue
            runs += cut
            last = cut[0] if is_whole else []
        return runs

    def _go_together(self, before: list[Unit], after: list[Unit]) -> bool:
        small = self.chunking.small_tokens
        sizes = [self.counter.size(run).tokens for run in (before, after)]
        if self._parent(before) != self._parent(after):
            return False
        if min(sizes) >= small or sum(sizes) > 2 * small:
            return False
        run = before + after
        is_whole = all(self._follows(*pair) for pair in pairwise(run))
        return is_whole and self.counter.size(run).pieces <= self._room(run)

    def _follows(self, before: Unit, after: Unit) -> bool:
        """Whether only white space separates two units."""
        return not self.note.text[before.end : after.start].strip()

    def _block(self, unit: Unit) -> int:
        return bisect_right(self.starts, unit.start) - 1

    def _path(self, unit: Unit) -> HeadingPath:
        return self.paths[self._block(unit)]

    def _parent(self, run: Sequence[Unit]) -> HeadingPath:
        return self._path(next(filter(_is_text, run), run[-1]))[:-1]

    def _common_path(self, run: Sequence[Unit]) -> HeadingPath:
        """The longest path shared by all the text; headings count only if there is no text."""
        paths = [self._path(unit) for unit in run if _is_text(unit)] or [self._path(run[-1])]
        levels = zip(*paths, strict=False)
        return tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels))

    def _room(self, run: Sequence[Unit]) -> int:
        """The embedder's tokens that the window leaves beside the run's trail."""
        return self.counter.room - self.trails[self._common_path(run)].pieces

    def passages(self, runs: Sequence[list[Unit]]) -> list[Passage]:
        """Make each run a passage, and cut again what is too long once its units stand together."""
        made = [self._passage(run) for run in runs]
        lengths = self.counter.pieces([passage.embedded_text for passage in made])
        passages: list[Passage] = []
        for run, passage, length in zip(runs, made, lengths, strict=True):
            excess = length - self.counter.room
            if excess <= 0:
                passages.append(passage)
            else:
                pieces = self.counter.size(run).pieces - excess
                passages += self.passages(self._smaller(run, max(1, pieces)))
        return passages

    def _smaller(self, run: list[Unit], pieces: int) -> list[list[Unit]]:
        """Cut a run in two or more, between units if possible."""
        headings = [unit for unit in run[:-1] if not _is_text(unit)]
        is_one_text = len(headings) == len(run) - 1
        while True:
            divide = is_one_text and 2 * self.counter.size(headings).pieces <= pieces
            smaller = self._cut(run, pieces, divide=divide)
            if len(smaller) > 1:
                return smaller
            if pieces == 1:
                raise ValueError(f"a character of {self.note.path!r} does not fit the window")
            # This embedder also counts the white space between units.
            pieces = max(1, pieces * 3 // 4)

    def _cut(self, units: Sequence[Unit], pieces: int, *, divide: bool = True) -> list[list[Unit]]:
        """Cut into runs of at most so many pieces; divide units that are longer, if asked to."""
        limit = Size(self.chunking.max_tokens, pieces)
        return self._cheapest(self._fit(units, limit) if divide else units, limit)

    def _fit(self, units: Sequence[Unit], limit: Size) -> list[Unit]:
        """Divide every unit that exceeds the limit, alone or with the headings above it."""
        fitted: list[Unit] = []
        headings = Size()
        for unit in units:
            # Headings that take more than half of the limit are separated from their text.
            left = Size(limit.tokens - headings.tokens, limit.pieces - headings.pieces)
            room = left if headings.plus(headings).fits(limit) else limit
            size = self.counter.size([unit])
            if size.fits(room):
                fitted.append(unit)
            else:
                atoms = list(self._atoms(unit, room, _cutters(unit.kind)))
                fitted += (self._piece(unit, run) for run in self._cheapest(atoms, room))
            headings = Size() if _is_text(unit) else headings.plus(size)
        return fitted

    def _atoms(self, unit: Unit, limit: Size, cutters: Sequence[_Cutter]) -> Iterator[Unit]:
        """Divide by the first cutter, and what is still over the limit by the next one."""
        if self.counter.size([unit]).fits(limit) or not cutters:
            yield unit
            return
        text = self.note.text
        stripped = (strip(text, *span) for span in cutters[0](text, unit.start, unit.end))
        spans = [(start, end) for start, end in stripped if start < end]
        self.counter.measure(spans)
        for start, end in spans:
            # As if none were the rest of a row, since all of them may share a passage.
            smaller = replace(unit, start=start, end=end, begins=True)
            yield from self._atoms(smaller, limit, cutters[1:])

    def _piece(self, whole: Unit, atoms: Sequence[Unit]) -> Unit:
        """The piece of a unit that these atoms make; one of a row has the labels of its columns."""
        start, end = atoms[0].start, atoms[-1].end
        self.counter.sizes[start, end] = self.counter.size(atoms)
        row = self.note.text[whole.start : whole.end]
        labels = labels_within(row, whole.labels, start - whole.start, end - whole.start)
        begins = whole.begins and start == whole.start
        return replace(whole, start=start, end=end, labels=labels, begins=begins)

    def _cheapest(self, units: Sequence[Unit], limit: Size) -> list[list[Unit]]:
        """Cut into runs within the limit at least cost; a unit over the limit is a run by itself.

        A run costs its squared relative deviation from the target; a cut, what it separates.
        """
        target = self.chunking.target_tokens
        cut_costs = list(self._cut_costs(units))
        apart = [False, *(_is_rest(before) or _is_rest(after) for before, after in pairwise(units))]
        sizes = [self.counter.size([unit]) for unit in units]
        tokens = list(accumulate((size.tokens for size in sizes), initial=0))
        pieces = list(accumulate((size.pieces for size in sizes), initial=0))
        best = [0.0] + [inf] * len(units)
        begins = [0] * (len(units) + 1)
        for end in range(1, len(units) + 1):
            for start in range(end - 1, -1, -1):
                length = tokens[end] - tokens[start]
                too_long = length > limit.tokens or pieces[end] - pieces[start] > limit.pieces
                if start < end - 1 and (too_long or apart[start + 1]):
                    break
                distance = (length - target) / target
                cost = best[start] + cut_costs[start] + distance * distance
                if cost < best[end]:
                    best[end], begins[end] = cost, start
        runs: list[list[Unit]] = []
        end = len(units)
        while end:
            runs.append(list(units[begins[end] : end]))
            end = begins[end]
        return runs[::-1]

    def _cut_costs(self, units: Sequence[Unit]) -> Iterator[float]:
        """The cost of a cut before each unit."""
        yield 0.0
        under_heading = False
        for before, after in pairwise(units):
            kind = before.kind
            under_heading = not _is_text(before) and (kind is Kind.HEADING or under_heading)
            if self._block(before) == self._block(after):
                yield _AVOID if kind is Kind.ITEM else _BETWEEN_SENTENCES
            elif under_heading:
                yield _NEVER
            elif kind is Kind.TABLE_HEAD or after.kind is Kind.RULE:
                yield _AVOID
            elif self.note.text[before.end - 1] in ":\uff1a":
                yield _AFTER_COLON
            elif kind is after.kind and kind in (Kind.ITEM, Kind.ROW):
                yield _WITHIN_LIST_OR_TABLE * (2 if after.depth > before.depth else 1)
            else:
                yield 0.0

    def _passage(self, units: Sequence[Unit]) -> Passage:
        """Make the passage of a run, without its id."""
        note, path = self.note, self._common_path(units)
        trail = self.trails[path]
        start, end = units[0].start, units[-1].end
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
            units=tuple(self._with_own_heading(unit, len(path)) for unit in units),
            note_sha256=note.sha256,
            note_date=note.date,
            aliases=note.aliases,
            language=note.language,
        )

    def _with_own_heading(self, unit: Unit, depth: int) -> Unit:
        own = " > ".join(self._path(unit)[depth:])
        if not own or not _is_text(unit):
            return unit
        return replace(unit, context=": ".join(filter(None, (own, unit.context))))

    def _line(self, position: int) -> int:
        return bisect_left(self.line_ends, position) + 1


def _is_text(unit: Unit) -> bool:
    """Whether a unit is content, not a heading or a rule."""
    return unit.kind not in (Kind.HEADING, Kind.RULE)


def _is_rest(unit: Unit) -> bool:
    """Whether a unit is the rest of a divided row: a passage by itself, for its labels' sake."""
    return unit.kind in (Kind.ROW, Kind.TABLE_HEAD) and not unit.begins


def _cutters(kind: Kind) -> list[_Cutter]:
    """The ways to divide a unit of this kind, the coarsest first."""

    def by(pattern: re.Pattern[str]) -> _Cutter:
        return lambda text, start, end: [it.span() for it in pattern.finditer(text, start, end)]

    coarsest: dict[Kind, list[_Cutter]] = {
        Kind.ITEM: [_by_sentence],
        Kind.PARAGRAPH: [],
        Kind.HEADING: [],
        Kind.ROW: [_by_cell],
        Kind.TABLE_HEAD: [by(_LINE), _by_cell],
    }
    return [*coarsest.get(kind, [by(_LINE)]), *map(by, (_CLAUSE, _FEW_WORDS, *_LENGTHS))]


def _by_sentence(text: str, start: int, end: int) -> list[Span]:
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]


def _by_cell(text: str, start: int, end: int) -> list[Span]:
    bars = [start + bar for bar in inner_bars(text[start:end])]
    return list(zip([start, *bars], [*bars, end], strict=True))


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
