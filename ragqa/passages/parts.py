"""Blocks to parts: the units of a note, in order, each with its size and its heading path."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ragqa.passages.sentences import Span, sentence_spans, strip
from ragqa.passages.token_counter import Ruler, Size
from ragqa.types import HIDDEN, Block, Kind, Note, Unit

HeadingPath: TypeAlias = tuple[str, ...]

MAX_CONTEXT_CHARS = 60

_ITEM_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:\s+|$)")

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)|!?\[\[(?:[^\[\]|]*\|)?([^\[\]|]+)\]\]")

# A longer list item is quoted by the sentence, as a paragraph is.
MAX_ITEM_CHARS = 300
_ITEMS = (Kind.ITEM, Kind.PROPERTY)


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


def note_parts(note: Note, ruler: Ruler, *, secrets: bool = False) -> list[Part]:
    """Find all units of a note that are to be read, and measure them.

    :param secrets: whether those of the front matter are.
    """
    blocks = list(_to_read(note.blocks, secrets=secrets))
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


def _to_read(blocks: Sequence[Block], *, secrets: bool) -> Iterator[Block]:
    for block in blocks:
        if block.kind is Kind.SECRET and secrets:
            yield replace(block, kind=Kind.PROPERTY)
        elif block.kind not in HIDDEN:
            yield block


def unit_spans(text: str, block: Block) -> list[Span]:
    """The stretches of a block that can be cited alone: sentences, an item, a row, code.

    What is hidden has none.
    """
    if block.kind in HIDDEN:
        return []
    is_long = block.kind in _ITEMS and block.end - block.start > MAX_ITEM_CHARS
    if block.kind is Kind.PARAGRAPH or is_long:
        spans = sentence_spans(text[block.start : block.end])
        return [(block.start + start, block.start + end) for start, end in spans]
    start, end = strip(text, block.start, block.end)
    return [(start, end)] if start < end else []


def _contexts(text: str, blocks: Sequence[Block]) -> Iterator[str]:
    """What makes each block readable alone.

    For a row the table's header; for a key of the front matter those above it; for an item the
    items that it is nested in, or the line that announces the list.
    """
    above: list[tuple[int, str]] = []
    for block in blocks:
        if block.kind is not Kind.ITEM:
            above = above if block.level else []
            yield block.label if block.kind in (Kind.ROW, Kind.PROPERTY) else ""
            continue
        above = [(level, words) for level, words in above if level < block.level]
        yield " > ".join(words for _, words in above) or block.label
        above.append((block.level, _words_of_item(text[block.start : block.end])))


def _words_of_item(text: str) -> str:
    """The first line of an item without marks and the targets of links, cut if it is long."""
    first = _ITEM_MARK.sub("", text.strip(), count=1).splitlines()
    shown = _LINK.sub(lambda link: link[1] or link[2] or "", first[0]) if first else ""
    words = " ".join(shown.replace("**", "").split()).rstrip(":")
    return words if len(words) <= MAX_CONTEXT_CHARS else f"{words[:MAX_CONTEXT_CHARS]}\u2026"


def _heading_paths(blocks: Sequence[Block]) -> Iterator[HeadingPath]:
    """The path of each block; a heading without text ends deeper ones and adds nothing itself."""
    headings: list[Block] = []
    for block in blocks:
        if block.kind is Kind.HEADING:
            while headings and headings[-1].level >= block.level:
                headings.pop()
            headings.append(block)
        yield tuple(heading.label for heading in headings if heading.label)
