"""What the parsers of notes share: lines, labels, and blocks that have every line with text."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

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


def all_blocks(text: str, spans: Sequence[Span], found: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks that a parser found, in order, and blocks of the lines outside any.

    None begins or ends with a blank line. What comes after `MAX_BLOCKS` of them is left out.

    :param spans: the text's lines.
    """
    starts = [start for start, _ in spans]
    blocks: list[Block] = []
    line = 0
    for block in found:
        if len(blocks) >= MAX_BLOCKS:
            return tuple(blocks[:MAX_BLOCKS])
        first = max(bisect_left(starts, block.start), line)
        blocks += _outside(text, spans[line:first])
        line = max(bisect_left(starts, block.end), first)
        if written := [span for span in spans[first:line] if not _is_blank(text, span)]:
            blocks.append(replace(block, start=written[0][0], end=written[-1][1]))
    blocks += _outside(text, spans[line:])
    return tuple(blocks[:MAX_BLOCKS])


def _outside(text: str, spans: Sequence[Span]) -> Iterator[Block]:
    """Blocks of the lines between others, split at blank lines."""
    for blank, lines in groupby(spans, lambda span: _is_blank(text, span)):
        if not blank:
            (start, end), *rest = lines
            end = rest[-1][1] if rest else end
            yield Block(paragraph_or_rule(text[start:end]), start, end)


def _is_blank(text: str, span: Span) -> bool:
    return not text[span[0] : span[1]].strip()
