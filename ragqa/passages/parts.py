"""From blocks to parts: a note's units, in order, each with its size and heading path."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ragqa.passages.token_counter import Ruler, Size
from ragqa.text.sentences import sentence_spans, strip
from ragqa.types import HIDDEN, Block, Kind, Note, Span, Unit

HeadingPath: TypeAlias = tuple[str, ...]

MAX_CONTEXT_CHARS = 60

_ITEM_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:\s+|$)")

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)|!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]")

# A longer item is quoted sentence by sentence, like a paragraph.
MAX_ITEM_CHARS = 300
_ITEMS = (Kind.ITEM, Kind.PROPERTY)


@dataclass(frozen=True, slots=True)
class Part:
    """A unit, with what determines the cost of a cut next to it.

    `block` is the number of its block in the note, `level` the block's level.
    """

    unit: Unit
    size: Size
    block: int
    level: int
    path: HeadingPath
    ends_with_colon: bool

    @property
    def is_text(self) -> bool:
        """Whether it is content, not a heading or a rule."""
        return self.unit.kind not in (Kind.HEADING, Kind.RULE)


def note_parts(note: Note, ruler: Ruler, *, secrets: bool = False) -> list[Part]:
    """Find and measure all readable units of a note.

    :param secrets: whether to include the front matter's secrets.
    """
    blocks = list(_readable(note.blocks, secrets=secrets))
    contexts = list(_contexts(note.text, blocks))
    found = [
        (Unit(block.kind, *span, context=contexts[number]), number, block.level)
        for number, block in enumerate(blocks)
        for span in unit_spans(note.text, block)
    ]
    paths = list(_heading_paths(blocks))
    sizes = ruler.sizes([(unit.start, unit.end) for unit, _, _ in found])
    return [
        Part(unit, size, number, level, paths[number], note.text[unit.end - 1] in ":\uff1a")
        for (unit, number, level), size in zip(found, sizes, strict=True)
    ]


def _readable(blocks: Sequence[Block], *, secrets: bool) -> Iterator[Block]:
    for block in blocks:
        if block.kind is Kind.SECRET and secrets:
            yield replace(block, kind=Kind.PROPERTY)
        elif block.kind not in HIDDEN:
            yield block


def unit_spans(text: str, block: Block) -> list[Span]:
    """The spans of a block's citable units: sentences, an item, a row, code; [] if hidden."""
    if block.kind in HIDDEN:
        return []
    is_long = block.kind in _ITEMS and block.end - block.start > MAX_ITEM_CHARS
    if block.kind is Kind.PARAGRAPH or is_long:
        spans = sentence_spans(text[block.start : block.end])
        return [(block.start + start, block.start + end) for start, end in spans]
    start, end = strip(text, block.start, block.end)
    return [(start, end)] if start < end else []


def _contexts(text: str, blocks: Sequence[Block]) -> Iterator[str]:
    """The context that makes each block readable alone.

    For a row, the table's header; for a front matter key, its parent keys; for an item, its parent
    items or the line that introduces the list.
    """
    above: list[tuple[int, str]] = []
    for block in blocks:
        if block.kind is not Kind.ITEM:
            above = above if block.level else []
            yield block.label if block.kind in (Kind.ROW, Kind.PROPERTY) else ""
            continue
        above = [(level, words) for level, words in above if level < block.level]
        yield " > ".join(words for _, words in above) or block.label
        above.append((block.level, _item_label(text[block.start : block.end])))


def _item_label(text: str) -> str:
    """The first line of an item without list markers and link targets, cut if it is long."""
    first = _ITEM_MARK.sub("", text.strip(), count=1).splitlines()
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", first[0]) if first else ""
    words = " ".join(shown.replace("**", "").split()).rstrip(":")
    return words if len(words) <= MAX_CONTEXT_CHARS else f"{words[:MAX_CONTEXT_CHARS]}\u2026"


def _heading_paths(blocks: Sequence[Block]) -> Iterator[HeadingPath]:
    """The path of each block; an empty heading closes deeper ones but adds nothing."""
    headings: list[Block] = []
    for block in blocks:
        if block.kind is Kind.HEADING:
            while headings and headings[-1].level >= block.level:
                headings.pop()
            headings.append(block)
        yield tuple(heading.label for heading in headings if heading.label)
