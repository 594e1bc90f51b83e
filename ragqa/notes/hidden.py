"""Text that is not for reading: comments, and sources.

Comments are `%%` and `<!-- -->`. Sources are what plug-ins of Obsidian show in another form:
queries, commands of Templater (`<% %>`), drawings. Marks in code are code. A comment may span many
blocks, and so may a script of Templater (`<%* %>`) that begins a line; all else only one. Plain
text has no commands.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ragqa.notes.lines import BLANK, paragraph_or_rule
from ragqa.text.shown import labels_within
from ragqa.types import Block, Kind, Span

_MARK = re.compile(
    r"(?<!\\)(?:(?P<code>`+)|(?P<html><!--)|(?P<obsidian>%%)"
    r"|(?P<command><%(?P<script>[-_]?\*)?))"
)
_HTML_END = re.compile(r"(?<=<!--)-?>|-->")
_COMMAND_END = re.compile(r"%>")
_NOT_SPACE = re.compile(r"\S")
_WHOLE = re.compile(r"\S(?:.*\S)?", re.DOTALL)
_QUERY = re.compile(
    r"(?<!`)`++(?:\$?= |[ \t]*(?:dataview|dataviewjs|tasks|query|base)[ \t]*[\r\n])"
)
_DRAWING_KEY = "excalidraw-plugin:"
_DRAWING = re.compile(rf"(?m)^{_DRAWING_KEY}")
_MARKS = ("<%", _DRAWING_KEY, "<!--", "%%")
# The complete sentences at the start of a piece that a mark cuts off.
_SENTENCES = re.compile(r".*[.!?:\u2026\u3002\uff01\uff1f][\"')\]*_]*(?=\s)", re.DOTALL)
_MAX_TICKS = 16


def may_hide(text: str) -> bool:
    """Whether a text has any mark that could hide part of it."""
    return any(mark in text for mark in _MARKS) or _QUERY.search(text) is not None


def hidden_spans(text: str, blocks: Sequence[Block], *, is_plain: bool = False) -> list[Span]:
    """Find comments and sources, in order.

    :param blocks: the whole text's; they show where code is and where a command must end.
    :param is_plain: whether it is plain text, which has no commands.
    """
    if blocks and _DRAWING.search(text, 0, blocks[0].start):
        return _beside_labels(text, blocks)
    return list(_Scan(text, blocks, is_plain).spans()) if blocks else []


def _beside_labels(text: str, blocks: Sequence[Block]) -> list[Span]:
    """All of a drawing of Excalidraw but its labels, which have a section of their own."""
    parts = [b for b in blocks if b.kind is Kind.HEADING or text.startswith("%%", b.start)]
    at = next((n for n, part in enumerate(parts) if part.label == "Text Elements"), len(parts))
    ends = [part.end for part in parts[at : at + 1]] or [len(text)]
    starts = [part.start for part in parts[at + 1 : at + 2]] or [len(text)]
    spans = ((blocks[0].start, ends[0]), (starts[0], len(text)))
    return [(start, end) for start, end in spans if start < end]


def is_cut_short(text: str, hidden: Sequence[Span]) -> bool:
    """Whether the last comment is unclosed and takes the rest of the note."""
    start, end = hidden[-1]
    return end == len(text) and text.startswith("<!--", start) and not text.endswith("-->")


def masked(text: str, hidden: Sequence[Span]) -> str:
    """The text with every hidden character except white space replaced by `BLANK`."""
    pieces, at = [], 0
    for start, end in hidden:
        pieces += [text[at:start], _NOT_SPACE.sub(BLANK, text[start:end])]
        at = end
    return "".join([*pieces, text[at:]])


def cut_at(text: str, blocks: Sequence[Block], hidden: Sequence[Span]) -> tuple[Block, ...]:
    """Cut blocks at hidden text, which becomes unlabelled blocks of its own."""
    cut = [Block(Kind.COMMENT, start, end) for start, end in hidden]
    first = 0
    for block in blocks:
        while first < len(hidden) and hidden[first][1] <= block.start:
            first += 1
        pieces, at = [], block.start
        for start, end in islice(hidden, first, None):
            if start >= block.end:
                break
            pieces.append((at, start))
            at = end
        cut += _cut(text, block, [*pieces, (at, block.end)])
    return tuple(sorted(cut, key=lambda block: block.start))


def _cut(text: str, block: Block, spans: Sequence[tuple[int, int]]) -> Iterator[Block]:
    """The visible pieces of a block, without surrounding white space."""
    kept = [match.span() for span in spans if (match := _WHOLE.search(text, *span))]
    if len(spans) == 1 or not kept:
        yield from [block] if kept else []
        return
    begins = block.begins
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
    """A piece before hidden text, with its unfinished last sentence turned into a rule.

    "The wombat weighs %%check%% 35 kg" must not be answered by "The wombat weighs". A fragment with
    a digit is kept, since it may state something.
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


@dataclass
class _Scan:
    """One pass through a text from mark to mark."""

    text: str
    blocks: Sequence[Block]
    is_plain: bool
    # Pattern to the end of a failed search, so that none is repeated.
    _unclosed: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._code = [block for block in self.blocks if block.kind is Kind.CODE]

    def spans(self) -> Iterator[Span]:
        at = self.blocks[0].start
        while mark := _MARK.search(self.text, at):
            start = mark.start()
            block = _block_at(self.blocks, start)
            if block is None:
                at = mark.end()
            elif block.kind is Kind.CODE or mark["code"]:
                is_fence = block.kind is Kind.CODE
                at = block.end if is_fence else self._code_end(mark["code"], mark.end(), block)
                if mark["code"] and at > mark.end() and _QUERY.match(self.text, start):
                    yield start, at
            else:
                end = self._hidden_end(mark, block)
                if end:
                    yield start, end
                at = end or mark.end()

    def _code_end(self, ticks: str, at: int, block: Block) -> int:
        """Where a code span ends; right after its opening if it is unclosed."""
        if len(ticks) > _MAX_TICKS:
            return at
        close = self._find(re.compile(rf"(?<!`)`{{{len(ticks)}}}(?!`)"), at, block.end)
        return close.end() if close else at

    def _hidden_end(self, mark: re.Match[str], block: Block) -> int:
        """Where the text hidden by a mark ends; 0 if it hides nothing."""
        if mark["command"]:
            return 0 if self.is_plain else self._command_end(mark, block)
        if mark["html"]:
            close = self._find(_HTML_END, mark.end(), len(self.text))
            unclosed = len(self.text) if self._begins_line(mark.start()) else block.end
            return close.end() if close else unclosed
        return self._obsidian_end(mark)

    def _command_end(self, mark: re.Match[str], block: Block) -> int:
        is_script = mark["script"] and self._begins_line(mark.start())
        stop = len(self.text) if is_script else block.end
        # No command holds another: one that is not closed must not take text with it.
        opens = self.text.find("<%", mark.end(), stop)
        close = self._find(_COMMAND_END, mark.end(), stop if opens < 0 else opens)
        return close.end() if close else 0

    def _obsidian_end(self, mark: re.Match[str]) -> int:
        at = mark.end()
        while (at := self.text.find("%%", at)) >= 0:
            code = _block_at(self._code, at)
            if code is None:
                return at + len("%%")
            at = code.end
        # An unclosed fence within a comment runs to the end of the note.
        in_code = self.text.find("%%", mark.end())
        return in_code + len("%%") if in_code >= 0 and self._begins_line(mark.start()) else 0

    def _begins_line(self, at: int) -> bool:
        first = max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1
        return not self.text[first:at].strip(" \t>")

    def _find(self, pattern: re.Pattern[str], at: int, end: int) -> re.Match[str] | None:
        if self._unclosed.get(pattern.pattern) == end:
            return None
        match = pattern.search(self.text, at, end)
        if match is None:
            self._unclosed[pattern.pattern] = end
        return match


def _block_at(blocks: Sequence[Block], at: int) -> Block | None:
    """The block that contains this offset."""
    number = bisect_right(blocks, at, key=lambda block: block.start) - 1
    return blocks[number] if number >= 0 and at < blocks[number].end else None
