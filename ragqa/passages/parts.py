"""Blocks to parts: the units of a note, in order, each with its size and its heading path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ragqa.passages.ruler import Ruler, Size
from ragqa.passages.sentences import Span, sentence_spans, strip
from ragqa.types import Block, Kind, Note, Unit

HeadingPath: TypeAlias = tuple[str, ...]

# A longer list item is quoted by the sentence, as a paragraph is.
MAX_ITEM_CHARS = 300


@dataclass(frozen=True, slots=True)
class Part:
    """A unit, with what decides about a cut before or after it.

    `block` is the number of its block in the note, `level` the block's level; `announces` is
    whether it ends with a colon.
    """

    unit: Unit
    size: Size
    block: int
    level: int
    path: HeadingPath
    announces: bool

    @property
    def is_text(self) -> bool:
        """Whether it says something: headings announce and rules divide."""
        return self.unit.kind not in (Kind.HEADING, Kind.RULE)


def note_parts(note: Note, ruler: Ruler) -> list[Part]:
    """Find all units of a note and measure them."""
    found = [
        (Unit(block.kind, *span, context=_context(block)), number, block.level)
        for number, block in enumerate(note.blocks)
        for span in _unit_spans(note.text, block)
    ]
    paths = list(_heading_paths(note.blocks))
    sizes = ruler.sizes([(unit.start, unit.end) for unit, _, _ in found])
    return [
        Part(unit, size, number, level, paths[number], note.text[unit.end - 1] in ":\uff1a")
        for (unit, number, level), size in zip(found, sizes, strict=True)
    ]


def _unit_spans(text: str, block: Block) -> list[Span]:
    long_item = block.kind is Kind.ITEM and block.end - block.start > MAX_ITEM_CHARS
    if block.kind is Kind.PARAGRAPH or long_item:
        spans = sentence_spans(text[block.start : block.end])
        return [(block.start + start, block.start + end) for start, end in spans]
    start, end = strip(text, block.start, block.end)
    return [(start, end)] if start < end else []


def _context(block: Block) -> str:
    return block.label if block.kind in (Kind.ROW, Kind.ITEM) else ""


def _heading_paths(blocks: Sequence[Block]) -> Iterator[HeadingPath]:
    """The path of each block; a heading without text ends deeper ones and adds nothing itself."""
    headings: list[Block] = []
    for block in blocks:
        if block.kind is Kind.HEADING:
            while headings and headings[-1].level >= block.level:
                headings.pop()
            headings.append(block)
        yield tuple(heading.label for heading in headings if heading.label)
