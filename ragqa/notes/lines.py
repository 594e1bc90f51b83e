"""Line ranges of a note to blocks in characters, so that every line with text is in one block."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ragqa.types import Block, Kind, Link

Span = tuple[int, int]

MAX_LABEL_CHARS = 300

COLONS = (":", "\uff1a")
"""What a line that introduces a list ends with, also in Chinese."""

BLANK = "\ufdd0"
"""Stands for each character of hidden text while a note is parsed; no text has it (Unicode)."""

_LINE_END = re.compile(r"\r\n|\r|\n")  # as CommonMark has it; form feeds end no line
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Body:
    """What stands in a note below its front matter; `title` is a first line that serves as one."""

    blocks: tuple[Block, ...]
    links: tuple[Link, ...]
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A block in the making: the lines `first` to `last`, the latter left out."""

    kind: Kind
    first: int
    last: int
    level: int = 0
    label: str = ""


def line_spans(text: str, start: int) -> list[Span]:
    """The span of each line of `text[start:]`, its line end left out."""
    spans = []
    for end in _LINE_END.finditer(text, start):
        spans.append((start, end.start()))
        start = end.end()
    spans.append((start, len(text)))
    return spans


def one_line(words: str) -> str:
    """Words as a label: on one line, of bounded length."""
    return " ".join(words.replace(BLANK, "").split())[:MAX_LABEL_CHARS].rstrip()


def wordless_kind(text: str) -> Kind:
    """The kind of text that has no kind of its own: marks alone are as good as a rule."""
    return Kind.PARAGRAPH if _WORD.search(text) else Kind.RULE


def to_blocks(text: str, spans: list[Span], leaves: Iterable[Leaf]) -> tuple[Block, ...]:
    """Turn leaves, in order, into blocks; lines that are in no leaf become blocks of their own."""
    blocks: list[Block] = []
    line = 0
    for leaf in leaves:
        first = max(leaf.first, line)
        blocks += _unclaimed(text, spans, line, first)
        blocks += _block(text, spans, leaf, first)
        line = max(leaf.last, line)
    blocks += _unclaimed(text, spans, line, len(spans))
    return tuple(blocks)


def _unclaimed(text: str, spans: list[Span], first: int, last: int) -> Iterator[Block]:
    """Blocks of the lines between leaves, parted at blank lines."""
    start = first
    for line in range(first, last + 1):
        if line < last and not is_blank(text, spans[line]):
            continue
        if start < line:
            kind = wordless_kind(text[spans[start][0] : spans[line - 1][1]])
            yield Block(kind, spans[start][0], spans[line - 1][1])
        start = line + 1


def _block(text: str, spans: list[Span], leaf: Leaf, first: int) -> Iterator[Block]:
    """The block of a leaf without the blank lines around it; none if that leaves nothing."""
    last = leaf.last
    while first < last and is_blank(text, spans[first]):
        first += 1
    while first < last and is_blank(text, spans[last - 1]):
        last -= 1
    if first < last:
        start, end = spans[first][0], spans[last - 1][1]
        yield Block(leaf.kind, start, end, leaf.level, leaf.label)


def is_blank(text: str, span: Span) -> bool:
    """Whether a line is white space alone."""
    return not text[span[0] : span[1]].strip()
