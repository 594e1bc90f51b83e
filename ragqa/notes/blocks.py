"""What the parsers of notes share: lines, labels, blocks, and comments (`%%` or `<!-- -->`)."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter

from ragqa.text.sentences import line_start
from ragqa.text.shown import labels_within
from ragqa.types import Block, Kind, Span

MAX_LABEL_CHARS = 300

MAX_LABELS_CHARS = 1_000
MAX_BLOCKS = 100_000
"""The most blocks of a note: splitting them takes seconds."""

COLONS = (":", "\uff1a")
"""The ends of a line that introduces a list, also in Chinese."""

BLANK = "\ufdd0"
"""Replaces each hidden character while a note is parsed; a Unicode noncharacter."""

_LINE_END = re.compile(r"\r\n|\r|\n")  # CommonMark's; a form feed does not end a line
_WORD = re.compile(r"\w")
_MARK = re.compile(r"(?<!\\)(?:(?P<code>`+)|(?P<html><!--)|(?P<obsidian>%%))")
_HTML_END = re.compile(r"(?<=<!--)-?>|-->")
# Marks in a block of code within a comment end nothing.
_OBSIDIAN_END = re.compile(
    r"(?ms)^[ \t>]*(?P<fence>`{3,16}+|~{3,16}+).*?^[ \t>]*(?P=fence)|(?P<end>%%)"
)
_NOT_SPACE = re.compile(r"\S")
_WHOLE = re.compile(r"\S(?:.*\S)?", re.DOTALL)
_LINE_START = r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
_FENCE = r"(?:`{3,}(?=[^`\r\n]*(?:[\r\n]|\Z))|~{3,})"
# Where a block ends: at a blank line or a fence, or at the line of an item, heading, row or quote.
_BLOCK_END = re.compile(
    rf"(?>\r\n|\r|\n)(?=(?P<last>[ \t>]*(?:[\r\n]|\Z)|{_LINE_START}{_FENCE})"
    r"|[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]|[|>]|[=*_-][ \t=*_-]*(?:[\r\n]|\Z)))"
)
_FENCED = re.compile(_LINE_START + _FENCE)
# The complete sentences at the start of a piece that a mark cuts off.
_SENTENCES = re.compile(r".*[.!?:\u2026\u3002\uff01\uff1f][\"')\]*_]*(?=\s)", re.DOTALL)
_MAX_TICKS = 16
_UNCLOSED = "a comment that begins with `<!--` is not closed, so the rest of the note is left out"


def line_spans(text: str, start: int) -> list[Span]:
    """The span of each line of `text[start:]`, without its line end."""
    spans = []
    for end in _LINE_END.finditer(text, start):
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
    return Kind.PARAGRAPH if _WORD.search(text) else Kind.RULE


def all_blocks(text: str, spans: Sequence[Span], found: Iterable[Block]) -> tuple[Block, ...]:
    """The first `MAX_BLOCKS` of those found and of the lines outside any, without blank lines."""
    starts = [start for start, _ in spans]
    blocks: list[Block] = []
    line = 0
    for block in found:
        if len(blocks) >= MAX_BLOCKS:
            return tuple(blocks[:MAX_BLOCKS])
        first = max(bisect_left(starts, block.start), line)
        blocks += _outside(text, spans[line:first])
        line = max(bisect_left(starts, block.end), first)
        if written := [span for span in spans[first:line] if text[slice(*span)].strip()]:
            blocks.append(replace(block, start=written[0][0], end=written[-1][1]))
    blocks += _outside(text, spans[line:])
    return tuple(blocks[:MAX_BLOCKS])


def _outside(text: str, spans: Sequence[Span]) -> Iterator[Block]:
    """Blocks of the lines between others, split at blank lines."""
    for is_text, lines in groupby(spans, lambda span: bool(text[slice(*span)].strip())):
        if is_text:
            run = list(lines)
            start, end = run[0][0], run[-1][1]
            yield Block(paragraph_or_rule(text[start:end]), start, end)


@dataclass(slots=True)
class Hidden:
    """Finds what is hidden in a note while that is parsed: `spans`, up to `at`, in order."""

    text: str
    at: int
    is_plain: bool = False
    spans: list[Span] = field(default_factory=list)
    # Pattern to the end of a failed search, so that none is repeated.
    _unclosed: dict[str, int] = field(default_factory=dict)

    def read(self, at: int) -> list[Span]:
        """What is hidden from a character on, up to a blank line or a block of code."""
        known, last = len(self.spans), None
        if _FENCED.match(self.text, at) and not self.is_plain:
            return []
        while at >= self.at and last is None:
            end = _BLOCK_END.search(self.text, at)
            stop = end.start() if end else len(self.text)
            self.at = end.end() if end else stop + 1
            last = end["last"] if end else ""
            while at < stop and (mark := _MARK.search(self.text, at, stop)):
                at = self._after(mark, stop)
            if at > stop:  # the line goes on after what is hidden
                self.at, last = at, None
            at = max(at, self.at)
        return self.spans[known:]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Whether the last comment is unclosed and takes the rest of the note."""
        start, end = self.spans[-1] if self.spans else (0, 0)
        is_last = end == len(self.text) and self.text.startswith("<!--", start)
        return (_UNCLOSED,) if is_last and not self.text.endswith("-->") else ()

    def _after(self, mark: re.Match[str], stop: int) -> int:
        """Add what a mark hides in a block that ends at `stop`; gives where to read on."""
        start, at = mark.span()
        if mark["code"]:
            return self._code_end(mark["code"], at, stop) or at
        if mark["html"]:
            close = self._find(_HTML_END, at, len(self.text))
            end = close.end() if close else stop
            if not (close or self.text[line_start(self.text, start) : start].strip(" \t>")):
                end = len(self.text)
        else:
            close = self._find(_OBSIDIAN_END, at, len(self.text))
            end = close.end() if close else 0
        if end:
            self.spans.append((start, end))
        return end or at

    def _code_end(self, ticks: str, at: int, stop: int) -> int:
        """Where a code span ends; 0 if it is unclosed."""
        if len(ticks) > _MAX_TICKS:
            return 0
        if self.is_plain:  # which has no spans of code over lines
            line_end = self.text.find("\n", at, stop)
            stop = line_end if line_end >= 0 else stop
        close = self._find(re.compile(rf"(?<!`)`{{{len(ticks)}}}(?!`)"), at, stop)
        return close.end() if close else 0

    def _find(self, pattern: re.Pattern[str], at: int, end: int) -> re.Match[str] | None:
        if self._unclosed.get(pattern.pattern) == end:
            return None
        found = pattern.finditer(self.text, at, end)
        match = next((one for one in found if one.groupdict().get("end", one[0])), None)
        if match is None:
            self._unclosed[pattern.pattern] = end
        return match


def may_hide(text: str) -> bool:
    """Whether a text has any mark that could hide part of it."""
    return "<!--" in text or "%%" in text


def masked(text: str, hidden: Iterable[Span], offset: int = 0) -> str:
    """A text at `offset` of a note, with each hidden character but white space as `BLANK`."""
    pieces, at = [], 0
    for start, end in hidden:
        if end > offset:
            first = max(start - offset, 0)
            pieces += [text[at:first], _NOT_SPACE.sub(BLANK, text[first : end - offset])]
            at = end - offset
    return "".join([*pieces, text[at:]])


def cut_at(text: str, blocks: Sequence[Block], hidden: Sequence[Span]) -> tuple[Block, ...]:
    """Cut blocks at hidden text, which becomes unlabelled blocks of its own."""
    cut = [Block(Kind.COMMENT, start, end) for start, end in hidden]
    for block in blocks:
        first = bisect_right(hidden, block.start, key=itemgetter(1))
        last = bisect_left(hidden, block.end, first, key=itemgetter(0))
        starts, ends = zip((0, block.start), *hidden[first:last], (block.end, 0), strict=True)
        cut += _cut(text, block, [*zip(ends[:-1], starts[1:], strict=True)])
    return tuple(sorted(cut, key=lambda block: block.start))


def _cut(text: str, block: Block, spans: Sequence[Span]) -> Iterator[Block]:
    """The visible pieces of a block, without surrounding white space."""
    if len(spans) == 1:
        yield block
        return
    begins = block.begins
    kept = [match.span() for span in spans if (match := _WHOLE.search(text, *span))]
    for number, (start, end) in enumerate(kept):
        kind, label = block.kind, block.label
        if kind is Kind.HEADING and number:
            kind, label = Kind.PARAGRAPH, ""  # the first piece names the section
        elif kind is not Kind.HEADING and paragraph_or_rule(text[start:end]) is Kind.RULE:
            kind = Kind.RULE
        span = start - block.start, end - block.start
        labels = labels_within(text[block.start : block.end], block.labels, *span)
        piece = Block(kind, start, end, block.level, label, labels, block.group, begins)
        begins = begins and not any(map(str.isalnum, text[start:end]))
        yield from [piece] if number == len(kept) - 1 else _without_fragment(text, piece)


def _without_fragment(text: str, piece: Block) -> Iterator[Block]:
    """A piece before hidden text, its unfinished last sentence a rule unless it has a digit.

    "The wombat weighs %%check%% 35 kg" must not be answered by "The wombat weighs".
    """
    whole = _SENTENCES.match(text, piece.start, piece.end)
    start = whole.end() if whole else piece.start
    fragment = text[start : piece.end]
    is_text = piece.kind in (Kind.PARAGRAPH, Kind.ITEM) and not fragment.rstrip("*_\"')").endswith(
        (".", "!", "?", ":")
    )
    if not is_text or any(map(str.isdigit, fragment)):
        yield piece
        return
    if whole:
        yield replace(piece, end=start)
    yield replace(piece, kind=Kind.RULE, start=start + len(fragment) - len(fragment.lstrip()))
