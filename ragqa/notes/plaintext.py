"""From plain text to blocks: headings, lists and tables are recognised by their lines' form.

Text lines come in three styles: hard-wrapped lines are joined into paragraphs; a long line, as in
text saved from a web page, is a paragraph; a short line that stands alone is a heading.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from ragqa.notes.lines import (
    COLONS,
    Body,
    Leaf,
    column_labels,
    line_spans,
    one_line,
    paragraph_or_rule,
    to_blocks,
)
from ragqa.notes.markdown import inline_of
from ragqa.types import Kind

MAX_TITLE_CHARS = 120
MAX_HEADING_CHARS = 80

MIN_WRAP_CHARS = 50
MAX_WRAP_CHARS = 100
"""Bounds on the longest line of hard-wrapped text."""

_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪·\u2013]|\d{1,3}[.)])(?:\s+(?P<words>\S.*))?")
_DELIMITER_ROW = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?)?")
_CELL_END = re.compile(r"(?<!\\)\|")
_UNDERLINE = re.compile(r"([=~*^_#-])\1{2,}")
_SENTENCE_ENDS = tuple(".?!:;,\u2026\u3002\uff1f\uff01\uff1a\uff1b\uff0c\u3001")
_STATEMENT_ENDS = tuple(".!\u2026\u3002\uff01")
# A line's first word, or first character in a script that breaks lines anywhere.
_FIRST_WORD = re.compile(r"[!-\u2e7f]+|\S")


def parse_plain_text(text: str, start: int) -> Body:
    """Parse the plain text from `start` on."""
    spans = line_spans(text, start)
    lines = [text[first:last].rstrip() for first, last in spans]
    inline = inline_of(text[start:])
    links: dict[str, None] = {}
    for line in lines:
        links.update(dict.fromkeys(inline.links(line)))
    blocks = to_blocks(text, spans, _leaves(lines))
    return Body(blocks, tuple(links), inline.warnings)


def _leaves(lines: Sequence[str]) -> Iterator[Leaf]:
    width = _wrap_width(lines)
    indents: list[int] = []
    introduction = ""
    is_first = True
    at = 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        if leaves := _table(lines, at):
            indents, introduction = [], ""
        elif leaves := _item(lines, at, width, indents, introduction):
            pass
        else:
            leaves = _text(lines, at, width, is_first=is_first)
            last = lines[leaves[-1].last - 1].strip()
            indents, introduction = [], one_line(last) if last.endswith(COLONS) else ""
        yield from leaves
        at = leaves[-1].last
        is_first = False


def _wrap_width(lines: Sequence[str]) -> int:
    """The width to which the text is hard-wrapped; 0 if it is not.

    In hard-wrapped text many lines are nearly as long as the longest, and few exceed the bound.
    """
    lengths = [len(line) for line in lines if line and "|" not in line]
    width = max((length for length in lengths if length <= MAX_WRAP_CHARS), default=0)
    full = sum(0.8 * width <= length <= width for length in lengths)
    longer = sum(length > width for length in lengths)
    are_enough = full >= 0.4 * len(lengths) and longer <= 0.1 * len(lengths)
    return width if width >= MIN_WRAP_CHARS and are_enough else 0


def _is_wrapped(line: str, following: str, width: int) -> bool:
    """Whether a line ends because the next word did not fit."""
    word = _FIRST_WORD.match(following.lstrip())
    return len(line) <= width and word is not None and len(line) + 1 + len(word[0]) > width


def _table(lines: Sequence[str], at: int) -> list[Leaf]:
    """The table that begins here: a header, a row of dashes, rows; [] if there is none."""
    if "|" not in lines[at] or not _DELIMITER_ROW.fullmatch(_below(lines, at)):
        return []
    inner = lines[at].strip().removeprefix("|").removesuffix("|")
    labels = column_labels(cell.replace("\\|", "|") for cell in _CELL_END.split(inner))
    leaves = [Leaf(Kind.TABLE_HEAD, at, at + 2)]
    while leaves[-1].last < len(lines) and "|" in lines[leaves[-1].last]:
        row = leaves[-1].last
        leaves.append(Leaf(Kind.ROW, row, row + 1, labels=labels, inside=True))
    return leaves


def _item(
    lines: Sequence[str], at: int, width: int, indents: list[int], introduction: str
) -> list[Leaf]:
    """The list item that begins here, with the lines that belong to it; [] if there is none.

    `indents` are those of the open items, and are updated.
    """
    item = _ITEM.fullmatch(lines[at])
    if item is None or _is_rule(lines[at]):
        return []
    last = at + 1
    if item["words"] is None:
        # A web page's bullet, saved on a line of its own.
        if not _is_text(lines, last):
            return []
        last += 1
    indent = _indent(lines[at])
    while _is_text(lines, last) and (
        _indent(lines[last]) > indent or _is_wrapped(lines[last - 1], lines[last], width)
    ):
        last += 1
    inside = bool(indents)
    while indents and indents[-1] >= indent:
        indents.pop()
    indents.append(indent)
    return [Leaf(Kind.ITEM, at, last, len(indents), introduction, inside=inside)]


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(4))


def _text(lines: Sequence[str], at: int, width: int, *, is_first: bool) -> list[Leaf]:
    """The rule, or the run of headings and paragraphs, that begins here."""
    if _is_rule(lines[at]):
        return [Leaf(Kind.RULE, at, at + 1)]
    if _is_underlined(lines, at):
        return [Leaf(Kind.HEADING, at, at + 2, 1 if is_first else 2, one_line(lines[at]))]
    leaves: list[Leaf] = []
    last = at
    while last == at or _is_text(lines, last):
        first, last = last, last + 1
        while _is_text(lines, last) and _is_wrapped(lines[last - 1], lines[last], width):
            last += 1
        leaves.append(_paragraph(lines, first, last, is_title=is_first and first == at))
    merged = list(_without_lists_of_headings(leaves))
    is_rest = [b.kind is a.kind is Kind.PARAGRAPH for b, a in pairwise(merged)]
    return [merged[0], *map(lambda leaf, rest: replace(leaf, inside=rest), merged[1:], is_rest)]


def _paragraph(lines: Sequence[str], first: int, last: int, *, is_title: bool) -> Leaf:
    """A paragraph, or a heading if it is a single short line."""
    line = lines[first]
    if last == first + 1:
        may_be_title = len(line.strip()) <= MAX_TITLE_CHARS and _has_words(line)
        if is_title and may_be_title and not _is_statement(line):
            return Leaf(Kind.HEADING, first, last, 1, one_line(line))
        if is_short(line):
            return Leaf(Kind.HEADING, first, last, 2, one_line(line))
    return Leaf(paragraph_or_rule("".join(lines[first:last])), first, last)


def _without_lists_of_headings(leaves: Sequence[Leaf]) -> Iterator[Leaf]:
    """Turn consecutive headings into a paragraph: addresses, verse, shopping lists."""
    for is_short, group in groupby(leaves, lambda leaf: leaf.level == 2):
        run = list(group)
        if is_short and len(run) > 1:
            yield Leaf(Kind.PARAGRAPH, run[0].first, run[-1].last)
        else:
            yield from run


def _is_text(lines: Sequence[str], at: int) -> bool:
    """Whether a line is neither blank nor the beginning of an item, table, rule or underlining."""
    return (
        at < len(lines)
        and bool(lines[at])
        and not _ITEM.fullmatch(lines[at])
        and not _is_rule(lines[at])
        and not _is_underlined(lines, at)
        and not _table(lines, at)
    )


def _is_underlined(lines: Sequence[str], at: int) -> bool:
    return is_short(lines[at]) and _UNDERLINE.fullmatch(_below(lines, at)) is not None


def _below(lines: Sequence[str], at: int) -> str:
    """The line below this one, stripped; "" after the last."""
    return lines[at + 1].strip() if at + 1 < len(lines) else ""


def _is_rule(line: str) -> bool:
    """Whether a line is punctuation alone; one or two marks may be a bullet or a smiley."""
    return len(line.strip()) > 2 and not _has_words(line)


def is_short(line: str) -> bool:
    """Whether a line on its own reads as a heading."""
    line = line.strip()
    return (
        len(line) <= MAX_HEADING_CHARS
        and not line.endswith(_SENTENCE_ENDS)
        and "://" not in line
        and _has_words(line)
    )


def _is_statement(line: str) -> bool:
    return line.rstrip().endswith(_STATEMENT_ENDS)


def _has_words(line: str) -> bool:
    return paragraph_or_rule(line) is Kind.PARAGRAPH
