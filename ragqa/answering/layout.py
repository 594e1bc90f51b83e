"""The layout of a note: its units in reading order, by section and block.

Units are stored at indexing, so that answering never parses Markdown.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from ragqa.answering.nesting import after_quote_marks
from ragqa.text.words import unspaced_count
from ragqa.types import Kind, Passage, Unit

_QUOTE_MARK = re.compile(r"> ?")
_ITEM_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:\s|\Z)")
_BLANK_LINE = re.compile(r"(?>\r\n|\r|\n)[ \t>]*[\r\n]")
_ANNOUNCES = re.compile(r"[:\uff1a?\uff1f][*_\"'\u201d)]*\Z")
_ASKS = re.compile(r"[?\uff1f]!?[*_\"'\u201d)]*\Z")
_HIDDEN = re.compile(r"~~.*?~~|<!--.*?-->|%%.*?%%|<(s|del)\b.*?</\1>")
_TAB = 4

_TABLE = (Kind.TABLE_HEAD, Kind.ROW)

Run = tuple[int, int]
"""The indices of the first and last piece of a run, both inclusive."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit in its place.

    A section extends from one heading to the next, and ends at hidden text or a rule; a block is a
    paragraph, a list with everything nested in it, a table, a block of code, or a front-matter key.
    An item, or a long item's first sentence, `begins_item`. `words` are separated by white space;
    in scripts without it, two characters are a word. `depth` is the indent in columns, without a
    quotation's `>`. A piece is `cut_off` if hidden text separates it from the rest of its block.
    """

    unit: Unit
    passage: Passage
    words: int
    depth: int
    begins_item: bool
    begins_section: bool = False
    begins_block: bool = False
    cut_off: bool = False

    @property
    def kind(self) -> Kind:
        """The kind of its unit."""
        return self.unit.kind


@dataclass(frozen=True)
class Layout:
    """A note's text and its quotable pieces, in reading order."""

    path: str
    text: str
    pieces: Sequence[Piece]

    @classmethod
    def of(cls, text: str, passages: Sequence[Passage]) -> "Layout":
        """Lay a note out.

        :param passages: all passages of the note in the index, at least one.
        """
        in_order = sorted(passages, key=lambda passage: passage.start)
        return cls(in_order[0].path, text, list(_pieces(text, in_order)))

    def at(self, start: int) -> int:
        """The index of the piece at a character of the note, or of the next piece."""
        return min(bisect_right(self._ends, start), len(self.pieces) - 1)

    def quote(self, run: Run) -> str:
        """The verbatim text of a run."""
        return self.text[slice(*self.span(run))]

    def span(self, run: Run) -> tuple[int, int]:
        """The characters of a run."""
        return self.pieces[run[0]].unit.start, self.pieces[run[1]].unit.end

    def units(self, run: Run) -> tuple[Unit, ...]:
        """The units of a run."""
        return tuple(piece.unit for piece in self.pieces[run[0] : run[1] + 1])

    def words(self, run: Run) -> int:
        """The number of words in a run."""
        return self._words_before[run[1] + 1] - self._words_before[run[0]]

    def section(self, i: int) -> Run:
        """The run of a piece's section, without the headings above the piece."""
        first, last = self._sections[i]
        return (min(i, first), last) if i >= first - 1 else (i, i)

    def block(self, i: int) -> Run:
        """The run of a piece's block."""
        return self._blocks[i]

    def item(self, i: int) -> Run:
        """The run of a piece's item, without nested ones."""
        (first, last), (begin, end) = self.block(i), self._items[i]
        return max(begin, first), min(end, last)

    def item_with_nested(self, i: int) -> Run:
        """The run of a piece's item, with everything nested in it."""
        begin, end = self.item(i)
        _, last = self.block(i)
        depth = self.pieces[begin].depth
        while end < last and (
            not self.pieces[end + 1].begins_item or self.pieces[end + 1].depth > depth
        ):
            end += 1
        return begin, end

    def announces(self, i: int) -> bool:
        """Whether a piece ends with a colon or question mark, and so introduces what follows."""
        return _ANNOUNCES.search(self.quote((i, i))) is not None

    def leaves_open(self, i: int) -> bool:
        """Whether a piece asks, and what follows it in its section cannot be the answer.

        In a list only what is nested in the item can, unless the item is alone in it.
        """
        first, last = self.block(i)
        items = sum(piece.begins_item for piece in self.pieces[first : last + 1])
        end = self.section(i)[1] if items < 2 else self.item_with_nested(i)[1]
        return asks(self.quote((i, i))) and (i >= end or asks(self.quote((i + 1, i + 1))))

    def headings_above(self, i: int) -> Iterator[str]:
        """Yield the headings right above a piece's section, innermost first."""
        at = self.section(i)[0] - 1
        while at >= 0 and self.pieces[at].kind is Kind.HEADING:
            yield self.quote((at, at))
            at -= 1

    # Looked up for every candidate; a note may have tens of thousands of pieces.

    @cached_property
    def _ends(self) -> Sequence[int]:
        return [piece.unit.end for piece in self.pieces]

    @cached_property
    def _words_before(self) -> Sequence[int]:
        return list(accumulate((piece.words for piece in self.pieces), initial=0))

    @cached_property
    def _items(self) -> Sequence[Run]:
        return _runs(piece.begins_item for piece in self.pieces)

    @cached_property
    def _blocks(self) -> Sequence[Run]:
        return _runs(piece.begins_block for piece in self.pieces)

    @cached_property
    def _sections(self) -> Sequence[Run]:
        """The run of each piece's section after its headings, which all come first."""
        runs = _runs(piece.begins_section for piece in self.pieces)
        pieces = zip(self.pieces, runs, strict=True)
        headings = Counter(first for piece, (first, _) in pieces if piece.kind is Kind.HEADING)
        return [(first + headings[first], last) for first, last in runs]


def _runs(begins: Iterable[bool]) -> list[Run]:
    """The run that each piece is in, by whether a run begins with it."""
    flags = list(begins)
    starts = [i for i, begun in enumerate(flags) if begun or i == 0]
    ends = [*starts[1:], len(flags)]
    return [
        (first, end - 1) for first, end in zip(starts, ends, strict=True) for _ in range(first, end)
    ]


OpenNote = Callable[[Passage], Layout]
"""Gives the layout of a passage's note."""


def layout_of_passage(passage: Passage) -> Layout:
    """The layout of a single passage as if it were the whole note."""
    before = " " * (passage.start - 1) + "\n" if passage.start else ""
    return Layout.of(before + passage.text, [passage])


def section_of(passage: Passage, open_note: OpenNote, *, most_words: int) -> Passage:
    """The passage extended to its whole section, if that has at most `most_words`.

    Passages are cut from long sections, but an LLM should read the whole of a list or procedure.
    """
    if all(unit.kind is Kind.RULE for unit in passage.units):
        return passage
    layout = open_note(passage)
    first, last = layout.at(passage.start), layout.at(passage.end - 1)
    run = min(first, layout.section(first)[0]), max(last, layout.section(last)[1])
    if layout.words(run) > most_words:
        return passage
    start, end = layout.span(run)
    known = layout.pieces[run[0]].passage
    line = known.lines[0] + layout.text.count("\n", known.start, start)
    return replace(
        passage,
        start=start,
        end=end,
        lines=(line, line + layout.text.count("\n", start, end)),
        text=layout.quote(run),
        units=layout.units(run),
    )


def _pieces(text: str, passages: Sequence[Passage]) -> Iterator[Piece]:
    first = before = None
    for passage in passages:
        for unit in passage.units:
            end = before.unit.end if before else 0
            # ragqa makes no overlapping passages, but an index file may have been altered.
            if unit.kind is Kind.RULE or unit.start < end:
                continue
            start = after_quote_marks(text, unit.start, unit.end)
            depth = _depth(text, end, start)
            piece = Piece(
                unit=unit,
                passage=passage,
                words=_words(text[unit.start : unit.end]),
                depth=before.depth if depth is None and before else depth or 0,
                begins_item=unit.kind is Kind.ITEM
                and _ITEM_MARK.match(text, start, unit.end) is not None,
            )
            begins_section = before is None or _begins_section(text, before, piece)
            if begins_section or not _continues_block(text, first, before, piece):
                cut_off = _is_cut_off(text, before, piece)
                first = piece = replace(
                    piece, begins_section=begins_section, begins_block=True, cut_off=cut_off
                )
            before = piece
            yield piece


def asks(text: str) -> bool:
    """Whether a text ends with a question mark, perhaps within marks or brackets."""
    return _ASKS.search(text.rstrip()) is not None


def _words(text: str) -> int:
    return len(text.split()) + unspaced_count(text) // 2


def _depth(text: str, end: int, start: int) -> int | None:
    """The indent of a unit in columns; None where other words precede it on its line.

    :param end: where the unit before it ends, 0 for the first one.
    """
    line_start = max(text.rfind("\n", end, start), text.rfind("\r", end, start)) + 1
    if not line_start and end:
        return None
    line = _QUOTE_MARK.sub("", text[line_start:start])
    return None if line.strip() else len(line.expandtabs(_TAB))


def _begins_section(text: str, before: Piece, piece: Piece) -> bool:
    if text[before.unit.end : piece.unit.start].replace(">", " ").strip():
        return True
    if before.kind is Kind.HEADING:
        return False
    return piece.kind is Kind.HEADING or before.passage.heading != piece.passage.heading


def _is_cut_off(text: str, before: Piece | None, piece: Piece) -> bool:
    """Whether hidden text separates a piece from what it continues.

    That is a piece of the same kind without a blank line between, or the start of its own sentence,
    too short to be a piece.
    """
    between = text[before.unit.end if before else 0 : piece.unit.start]
    stub = _HIDDEN.sub("", between.rpartition("\n")[2])
    if any(map(str.isalnum, stub)):
        return True
    has_hidden = bool(between.replace(">", " ").strip())
    continues = before is not None and piece.kind is before.kind
    return has_hidden and continues and not _BLANK_LINE.search(between)


def _continues_block(text: str, first: Piece | None, before: Piece | None, piece: Piece) -> bool:
    """Whether a piece continues the block that begins with `first`."""
    if first is None or before is None:
        return False
    if first.kind is Kind.ITEM:
        inside = piece.kind in (Kind.PARAGRAPH, Kind.CODE) and piece.depth > first.depth
        return piece.kind is Kind.ITEM or inside
    if piece.kind is Kind.ROW:
        return before.kind in _TABLE
    if piece.kind is before.kind is Kind.PARAGRAPH:
        return not _BLANK_LINE.search(text, before.unit.end, piece.unit.start)
    return False
