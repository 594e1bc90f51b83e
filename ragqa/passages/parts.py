"""From blocks to units, and the headings above them, shortened to fit above every passage."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, takewhile
from typing import TypeAlias

from ragqa.passages import TokenCounter
from ragqa.text.sentences import has_lines, line_start, sentence_spans, strip
from ragqa.types import HIDDEN, Block, Kind, Span, Unit, trail_text

HeadingPath: TypeAlias = tuple[str, ...]

MAX_CONTEXT_CHARS = 60

# No window fits more; this spares the tokenizer a title of a megabyte.
_MAX_TITLE_CHARS = 1000

_ITEM_MARK = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?:\s+|$)")

# A longer item is quoted sentence by sentence, like a paragraph.
MAX_ITEM_CHARS = 300
_ITEMS = (Kind.ITEM, Kind.PROPERTY)
_OF_LINES = (Kind.PARAGRAPH, Kind.ITEM)
# A block of code with more lines is quoted in the parts that blank lines make.
_CODE_LINES = 15
_LINES_OF_CODE = re.compile(r"(?m)^.*\S.*(?:\n.*\S.*)*")


def units_of(text: str, blocks: Sequence[Block]) -> Iterator[Unit]:
    """The units of a note, in order."""
    section = number = group = 0
    before: Unit | None = None
    contexts, broken = block_contexts(text, blocks), _are_broken(text, blocks)
    for block, context, is_broken in zip(blocks, contexts, broken, strict=True):
        number += not block.group or block.group != group
        group, begins = block.group, block.begins
        depth = 0 if block.kind is Kind.HEADING else block.level
        indents = list[int]()
        for start, end in unit_spans(text, block):
            indent = None if begins else _indent_of_mark(text, start, end)
            if block.kind is Kind.ITEM and indent is not None:
                # It reads as an item, although it is indented too far for the parser.
                indents = [*takewhile(indent.__gt__, indents), indent]
                begins, depth = True, block.level + len(indents)
            section += before is not None and _begins_section(text, before, block.kind, start)
            place = section, number, depth, begins, is_broken
            yield (unit := Unit(block.kind, start, end, "", context, block.labels, *place))
            before = before if unit.kind is Kind.RULE else unit
            begins = False


def _are_broken(text: str, blocks: Sequence[Block]) -> Iterator[bool]:
    """For each block whether a person broke its lines; each line of plain text is a block."""
    numbers = accumulate(block.begins for block in blocks)
    for _, run in groupby(blocks, lambda _: next(numbers)):
        first, *rest = run
        end = rest[-1].end if rest else first.end
        is_broken = first.kind in _OF_LINES and has_lines(text[first.start : end])
        yield from [is_broken] * (1 + len(rest))


def _indent_of_mark(text: str, start: int, end: int) -> int | None:
    """The indent in columns of a line that begins with an item's mark here; None for any other."""
    before = text[line_start(text, start) : start]
    is_marked = not before.strip(" \t>") and _ITEM_MARK.match(text, start, end)
    return len(before.expandtabs(4)) if is_marked else None


def _begins_section(text: str, before: Unit, kind: Kind, start: int) -> bool:
    """Whether a unit begins a section: one that comes after hidden text or a rule, or a heading."""
    is_apart = bool(text[before.end : start].replace(">", " ").strip())
    return is_apart or (kind is Kind.HEADING and before.kind is not Kind.HEADING)


def unit_spans(text: str, block: Block) -> list[Span]:
    """The spans of a block's citable units: sentences, an item, a row, code; [] if hidden."""
    if block.kind in HIDDEN:
        return []
    is_long = block.kind in _ITEMS and block.end - block.start > MAX_ITEM_CHARS
    if block.kind is Kind.PARAGRAPH or is_long:
        spans = sentence_spans(text[block.start : block.end])
        return [(block.start + start, block.start + end) for start, end in spans]
    spans = [(block.start, block.end)]
    if block.kind is Kind.CODE and text.count("\n", *spans[0]) >= _CODE_LINES:
        spans = [match.span() for match in _LINES_OF_CODE.finditer(text, *spans[0])]
    return [(start, end) for start, end in (strip(text, *span) for span in spans) if start < end]


def block_contexts(text: str, blocks: Sequence[Block]) -> Iterator[str]:
    """The parent keys of a front matter key, the parent items or the introduction of an item."""
    above: list[tuple[int, str]] = []
    for block in blocks:
        if block.kind is not Kind.ITEM:
            above = above if block.level else []
            yield block.label if block.kind is Kind.PROPERTY else ""
            continue
        above = [(level, words) for level, words in above if level < block.level]
        yield " > ".join(words for _, words in above) or block.label
        above.append((block.level, _item_label(text[block.start : block.end])))


def _item_label(item: str) -> str:
    """The first line of an item as plain text, its box as written, cut if it is long."""
    # Late: the contexts of a note are compared without an index, too.
    from ragqa.text.inline import words_shown

    first = _ITEM_MARK.sub("", item.strip(), count=1).partition("\n")[0]
    words = words_shown(first).rstrip(":")
    return words if len(words) <= MAX_CONTEXT_CHARS else f"{words[:MAX_CONTEXT_CHARS]}\u2026"


def heading_paths(blocks: Sequence[Block]) -> Iterator[HeadingPath]:
    """The path of each block; an empty heading closes deeper ones but adds nothing."""
    headings: list[Block] = []
    for block in blocks:
        if block.kind is Kind.HEADING:
            while headings and headings[-1].level >= block.level:
                headings.pop()
            headings.append(block)
        yield tuple(heading.label for heading in headings if heading.label)


@dataclass(frozen=True, slots=True)
class Trail:
    """The title and headings above a passage; `pieces` is their length in the embedder's tokens."""

    title: str
    heading: HeadingPath
    pieces: int


def fit_trails(
    title: str, paths: Iterable[HeadingPath], *, counter: TokenCounter
) -> dict[HeadingPath, Trail]:
    """The trail of each heading path, shortened to about half of the counter's room.

    A label of more than a quarter is cut; then headings are dropped from the outside in.
    """
    # A file name can contain lone surrogates, which a tokenizer rejects.
    title = title[:_MAX_TITLE_CHARS].encode("utf-8", "replace").decode("utf-8")
    distinct = list(dict.fromkeys(paths))
    lengths = counter.pieces([trail_text(title, path) for path in distinct])
    quarter = counter.room // 4
    return {
        path: Trail(title, path, pieces) if pieces <= quarter else _shortened(title, path, counter)
        for path, pieces in zip(distinct, lengths, strict=True)
    }


def _shortened(title: str, path: HeadingPath, counter: TokenCounter) -> Trail:
    title, *headings = (_cut(label, counter) for label in (title, *path))
    while True:
        pieces = counter.pieces([trail_text(title, tuple(headings))])[0]
        if pieces <= counter.room // 2 or len(headings) < 2:
            return Trail(title, tuple(headings), pieces)
        del headings[0]


def _cut(label: str, counter: TokenCounter) -> str:
    quarter = counter.room // 4
    if counter.pieces([label])[0] <= quarter:
        return label
    while len(label) > 1 and counter.pieces([f"{label}\u2026"])[0] > quarter:
        label = label[: len(label) * 3 // 4]
    return f"{label.rstrip()}\u2026"
