"""From line ranges to blocks in characters; every line with text is in one block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ragqa.text.words import compiled
from ragqa.types import Block, Kind, Span

MAX_LABEL_CHARS = 300

MAX_LABELS_CHARS = 1_000
MAX_BLOCKS = 100_000
"""The most blocks of a note: splitting them takes seconds."""

COLONS = (":", "\uff1a")
"""The ends of a line that introduces a list, also in Chinese."""

BLANK = "\ufdd0"
"""Replaces each hidden character while a note is parsed; a Unicode noncharacter."""

_LINE_END = r"\r\n|\r|\n"  # CommonMark's; a form feed does not end a line
_WORD = r"\w"


@dataclass(frozen=True, slots=True)
class Body:
    """A note's content below its front matter."""

    blocks: tuple[Block, ...]
    links: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A block in the making: the lines `first` to `last`, exclusive.

    It is `inside` if it is in the same list, table or paragraph as the leaf before it.
    """

    kind: Kind
    first: int
    last: int
    level: int = 0
    label: str = ""
    labels: tuple[str, ...] = ()
    inside: bool = False


def line_spans(text: str, start: int) -> list[Span]:
    """The span of each line of `text[start:]`, without its line end."""
    spans = []
    for end in compiled(_LINE_END).finditer(text, start):
        spans.append((start, end.start()))
        start = end.end()
    spans.append((start, len(text)))
    return spans


def one_line(words: str) -> str:
    """Make a label: on one line, of bounded length."""
    return " ".join(words.replace(BLANK, "").split())[:MAX_LABEL_CHARS].rstrip()


def column_labels(cells: Iterable[str]) -> tuple[str, ...]:
    """The labels of a table's rows: its header cells, of bounded length; none if all are empty."""
    labels = tuple(map(one_line, cells))
    if sum(map(len, labels)) > MAX_LABELS_CHARS:
        labels = tuple(label[: MAX_LABELS_CHARS // len(labels)].rstrip() for label in labels)
    return labels if any(labels) else ()


def paragraph_or_rule(text: str) -> Kind:
    """PARAGRAPH for text with words; punctuation alone counts as a RULE."""
    return Kind.PARAGRAPH if compiled(_WORD).search(text) else Kind.RULE


def to_blocks(text: str, spans: list[Span], leaves: Iterable[Leaf]) -> tuple[Block, ...]:
    """Turn leaves, in order, into blocks; lines outside any leaf become blocks of their own.

    What comes after `MAX_BLOCKS` of them is left out.
    """
    blocks: list[Block] = []
    line = group = 0
    for leaf in leaves:
        if len(blocks) >= MAX_BLOCKS:
            return tuple(blocks[:MAX_BLOCKS])
        first = max(leaf.first, line)
        blocks += _unclaimed(text, spans, line, first)
        group += not leaf.inside
        blocks += (replace(block, group=group) for block in _block(text, spans, leaf, first))
        line = max(leaf.last, line)
    blocks += _unclaimed(text, spans, line, len(spans))
    return tuple(blocks[:MAX_BLOCKS])


def _unclaimed(text: str, spans: list[Span], first: int, last: int) -> Iterator[Block]:
    """Blocks of the lines between leaves, split at blank lines."""
    start = first
    for line in range(first, last + 1):
        if line < last and not is_blank(text, spans[line]):
            continue
        if start < line:
            kind = paragraph_or_rule(text[spans[start][0] : spans[line - 1][1]])
            yield Block(kind, spans[start][0], spans[line - 1][1])
        start = line + 1


def _block(text: str, spans: list[Span], leaf: Leaf, first: int) -> Iterator[Block]:
    """The block of a leaf without surrounding blank lines; none if nothing is left."""
    last = leaf.last
    while first < last and is_blank(text, spans[first]):
        first += 1
    while first < last and is_blank(text, spans[last - 1]):
        last -= 1
    if first < last:
        start, end = spans[first][0], spans[last - 1][1]
        begins = not (leaf.inside and leaf.kind is Kind.PARAGRAPH and not leaf.level)
        yield Block(leaf.kind, start, end, leaf.level, leaf.label, leaf.labels, begins=begins)


def is_blank(text: str, span: Span) -> bool:
    """Whether a line is only white space."""
    return not text[span[0] : span[1]].strip()
