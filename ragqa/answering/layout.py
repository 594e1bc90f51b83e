"""How a note is laid out: its units in reading order, by section and block.

The units were stored when the note was indexed, so that no question parses Markdown.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.types import Kind, Passage, Unit

_ITEM_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:\s|\Z)")
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_ANNOUNCES = re.compile(r"[:\uff1a?\uff1f][*_\"'\u201d)]*\Z")
_TAB = 4

_TABLE = (Kind.TABLE_HEAD, Kind.ROW)

Run = tuple[int, int]
"""Pieces of a layout by number: the first one and the last one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit in its place.

    `section` and `block` are numbers within the note. A section goes from one heading to the next,
    and ends where text is hidden or ruled off; a block is a paragraph, a list with all that is
    nested in it, a table, or a stretch of code. `words` are counted at white space. `depth` is the
    indentation in columns. An item or a long item's first sentence `begins_item`.
    """

    unit: Unit
    passage: Passage
    section: int
    block: int
    words: int
    depth: int
    begins_item: bool

    @property
    def kind(self) -> Kind:
        """What it is."""
        return self.unit.kind


@dataclass(frozen=True, slots=True)
class Layout:
    """A note's text and the pieces of it that can be quoted, in reading order."""

    path: str
    text: str
    pieces: Sequence[Piece]

    @classmethod
    def of(cls, text: str, passages: Sequence[Passage]) -> "Layout":
        """Lay a note out.

        :param passages: all that the index has of the note, at least one.
        """
        in_order = sorted(passages, key=lambda passage: passage.start)
        return cls(in_order[0].path, text, list(_pieces(text, in_order)))

    def at(self, start: int) -> int:
        """The number of the piece that these characters of the note begin in, or come before."""
        return next(
            (i for i, piece in enumerate(self.pieces) if piece.unit.end > start),
            len(self.pieces) - 1,
        )

    def quote(self, run: Run) -> str:
        """The exact text of a run."""
        return self.text[slice(*self.span(run))]

    def span(self, run: Run) -> tuple[int, int]:
        """The characters of a run."""
        return self.pieces[run[0]].unit.start, self.pieces[run[1]].unit.end

    def words(self, run: Run) -> int:
        """How many words a run has."""
        return sum(piece.words for piece in self.pieces[run[0] : run[1] + 1])

    def section(self, i: int) -> Run:
        """The run of the section around a piece, without its headings."""
        return self._around(i, lambda one: one.section, headings=False)

    def block(self, i: int) -> Run:
        """The run of the block around a piece."""
        return self._around(i, lambda one: one.block, headings=True)

    def item(self, i: int) -> Run:
        """The run of the item that a piece belongs to, without what is nested in it."""
        first, last = self.block(i)
        begin = end = i
        while begin > first and not self.pieces[begin].begins_item:
            begin -= 1
        while end < last and not self.pieces[end + 1].begins_item:
            end += 1
        return begin, end

    def item_with_nested(self, i: int) -> Run:
        """The run of the item that a piece belongs to, with what is nested in it."""
        begin, end = self.item(i)
        _, last = self.block(i)
        depth = self.pieces[begin].depth
        while end < last and (
            not self.pieces[end + 1].begins_item or self.pieces[end + 1].depth > depth
        ):
            end += 1
        return begin, end

    def announces(self, i: int) -> bool:
        """Whether a piece ends with a colon or question mark, and so wants what comes after it."""
        return _ANNOUNCES.search(self.quote((i, i))) is not None

    def headings_above(self, i: int) -> Iterator[str]:
        """The lines of the headings right above the section of a piece, innermost first."""
        at = self.section(i)[0] - 1
        while at >= 0 and self.pieces[at].kind is Kind.HEADING:
            yield self.quote((at, at))
            at -= 1

    def _around(self, i: int, number: Callable[[Piece], int], *, headings: bool) -> Run:
        def belongs(other: int) -> bool:
            piece = self.pieces[other]
            is_heading = piece.kind is Kind.HEADING
            return number(piece) == number(self.pieces[i]) and (headings or not is_heading)

        first = last = i
        while first > 0 and belongs(first - 1):
            first -= 1
        while last + 1 < len(self.pieces) and belongs(last + 1):
            last += 1
        return first, last


OpenNote = Callable[[Passage], Layout]
"""Gives the layout of a passage's note."""


def layout_of_passage(passage: Passage) -> Layout:
    """The layout of what one passage has of its note."""
    return Layout.of(" " * passage.start + passage.text, [passage])


def section_of(passage: Passage, open_note: OpenNote, *, most_words: int) -> Passage:
    """The passage with the rest of its section, where that has at most so many words.

    A passage is cut from a long section; an LLM is to read the whole of a list or procedure.
    """
    layout = open_note(passage)
    first, last = layout.at(passage.start), layout.at(passage.end - 1)
    run = min(first, layout.section(first)[0]), max(last, layout.section(last)[1])
    if layout.words(run) > most_words:
        return passage
    start, end = layout.span(run)
    line = layout.text.count("\n", 0, start) + 1
    return replace(
        passage,
        start=start,
        end=end,
        lines=(line, line + layout.text.count("\n", start, end)),
        text=layout.quote(run),
        units=tuple(piece.unit for piece in layout.pieces[run[0] : run[1] + 1]),
    )


def _pieces(text: str, passages: Sequence[Passage]) -> Iterator[Piece]:
    section = block = 0
    first = before = None
    for passage in passages:
        for unit in passage.units:
            if unit.kind is Kind.RULE:
                continue
            depth = _depth(text, unit.start)
            piece = Piece(
                unit=unit,
                passage=passage,
                section=section,
                block=block,
                words=len(text[unit.start : unit.end].split()),
                depth=before.depth if depth is None and before else depth or 0,
                begins_item=unit.kind is Kind.ITEM
                and _ITEM_MARK.match(text, unit.start, unit.end) is not None,
            )
            apart = before is None or _begins_section(text, before, piece)
            if apart or first is None or not _is_of_block(text, first, before or first, piece):
                section, block = section + apart, block + 1
                first = piece = replace(piece, section=section, block=block)
            before = piece
            yield piece


def _depth(text: str, start: int) -> int | None:
    """The indentation of a line in columns; None where other words stand before the unit on it."""
    line = text[text.rfind("\n", 0, start) + 1 : start].replace(">", " ")
    return None if line.strip() else len(line.expandtabs(_TAB))


def _begins_section(text: str, before: Piece, piece: Piece) -> bool:
    if text[before.unit.end : piece.unit.start].strip(" \t\r\n>"):
        return True
    if before.kind is Kind.HEADING:
        return False
    return piece.kind is Kind.HEADING or before.passage.heading != piece.passage.heading


def _is_of_block(text: str, first: Piece, before: Piece, piece: Piece) -> bool:
    """Whether a piece goes on with the block that begins with the first one."""
    if first.kind is Kind.ITEM:
        inside = piece.kind in (Kind.PARAGRAPH, Kind.CODE) and piece.depth > first.depth
        return piece.kind is Kind.ITEM or inside
    if piece.kind is Kind.ROW:
        return before.kind in _TABLE
    if piece.kind is before.kind is Kind.PARAGRAPH:
        return not _BLANK_LINE.search(text, before.unit.end, piece.unit.start)
    return piece.kind is before.kind is Kind.PROPERTY
