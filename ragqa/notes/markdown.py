"""From Markdown to blocks, links and tags: markdown-it parses, this module locates its tokens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, takewhile
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from ragqa.notes.blocks import (
    BLANK,
    COLONS,
    MAX_LABEL_CHARS,
    Hidden,
    column_labels,
    masked,
    one_line,
    paragraph_or_rule,
)
from ragqa.text.inline import (
    MAX_BRACKETS,
    MAX_DEEP,
    MAX_INLINE_CHARS,
    MAX_NESTING,
    parser,
    words_shown,
)
from ragqa.text.words import compiled
from ragqa.types import Block, Kind, Span

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
# Obsidian's rule: after white space, with at least one character that is not a digit.
_TAG = re.compile(r"(?<![^\s(])#([\w/-]{0,200}[^\W\d][\w/-]{0,200})")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])")

PART_LINES = 20_000
PART_CHARS = 300_000
"""A note is parsed in parts of at most this size: tokens take 500 times the text's memory."""

_MAX_BARLESS = 20
"""This many lines without a bar end a table, whatever follows."""

MAX_LINE_CHARS = 50_000
"""A longer line is a paragraph, whatever it begins with."""

TOO_MANY_BRACKETS = (
    f"more than {MAX_BRACKETS:,} brackets, or {MAX_DEEP:,} within others: "
    "its links and the tags in its text are not read"
)

_TARGET = r"\([\w.:-]+\)="
"""A paragraph that is only a name of MyST for what follows it."""

_IMAGE = r"!\[([^\[\]]*)\]\([^()\n]*\)"
"""An image, of which a label has the text that stands for it."""

_LISTS = frozenset({"bullet_list_open", "ordered_list_open"})

_KINDS = {
    "heading_open": Kind.HEADING,
    "paragraph_open": Kind.PARAGRAPH,
    "tr_open": Kind.ROW,
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "html_block": Kind.HTML,
    "hr": Kind.RULE,
}


def with_tables(made: MarkdownIt) -> MarkdownIt:
    """Let it read strikethrough and tables, which a line without a bar after the rows ends."""
    made.block.ruler.before("table", "end_of_table", _ends_table, {"alt": ["blockquote"]})
    return made.enable(["table", "strikethrough"])


def _ends_table(state: StateBlock, line: int, last: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    # What ends a quote ends a table, too. A hidden line ends nothing, nor does one above a row.
    if not silent or state.parentType != "table":
        return False
    lines = (
        state.src[state.bMarks[at] : state.eMarks[at]].strip(f" \t{BLANK}")
        for at in range(line, min(last, line + _MAX_BARLESS))
    )
    below = list(takewhile(bool, lines))
    return bool(below) and not any("|" in shown for shown in below)


@lru_cache(maxsize=1)
def _block_parser() -> MarkdownIt:
    """Reads blocks with tables, without what is hidden; inline text is left unparsed."""
    made = with_tables(MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}))
    made.block.ruler.before("table", "hidden", _hide)
    return made.disable(["inline", "text_join"])


def _hide(state: StateBlock, line: int, last: int, silent: bool) -> bool:  # noqa: FBT001, ARG001 - the parser's signature
    """Blank what is hidden in a block before the block is read."""
    hidden = state.env.get("hidden")
    if hidden and not silent and not state.is_code_block(line):
        at, offset = state.bMarks[line] + state.tShift[line], state.env["offset"]
        if spans := hidden.read(offset + at):
            state.src = masked(state.src, spans, offset)
    return False


@dataclass(frozen=True, slots=True)
class Inline:
    """Reads the inline text of one note; `env` holds its link reference definitions.

    `links` are the targets of links to other notes, and `tags` are without their `#`. With
    `too_many_brackets` there are none, and labels keep their markup: parsing would take minutes.
    """

    too_many_brackets: bool
    links: dict[str, None] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    env: dict[str, object] = field(default_factory=dict)

    def label(self, source: str) -> str:
        """The words of a heading, cell or line, without markup, on one line of bounded length."""
        source = source[: 4 * MAX_LABEL_CHARS]
        if self.too_many_brackets:
            return one_line(source)
        return one_line(words_shown(compiled(_IMAGE).sub(r"\1", source)))

    def introduction(self, paragraph: str) -> str:
        """The sentence that introduces a list: a paragraph's last, if it ends with a colon."""
        end = " ".join(paragraph[-4 * MAX_LABEL_CHARS :].split())
        label = self.label(_SENTENCE_END.split(end)[-1])
        return label if label.endswith(COLONS) else ""

    def read(self, source: str, *, with_tags: bool = True) -> None:
        """Find the links and tags of a text."""
        has_links, has_tags = "[" in source, with_tags and "#" in source
        if self.too_many_brackets or len(source) > MAX_INLINE_CHARS or not (has_links or has_tags):
            return
        tokens: list[Token] = []
        parser().inline.parse(source, parser(), self.env, tokens)
        for token in tokens:
            if token.type == "wikilink":
                target, is_wiki = str(token.meta["target"]), True
            elif token.type == "link_open":
                target, is_wiki = str(token.attrGet("href") or ""), False
            else:
                continue
            target = target.partition("#")[0].strip()
            if target and (is_wiki or not _SCHEME.match(target)):
                self.links[target if is_wiki else unquote(target)] = None
        if has_tags:
            # Delimiters such as `_` are separate tokens; any token but text separates words.
            text = "".join(token.content if token.type == "text" else " " for token in tokens)
            self.tags.update((tag.strip("/"), None) for tag in _TAG.findall(text) if tag.strip("/"))


def markdown_blocks(hidden: Hidden, spans: list[Span], inline: Inline) -> list[Block]:
    """The blocks of these lines of Markdown; finds what is hidden in them on the way."""
    found: list[Block] = []
    context = _Context()
    for first, tokens in _parts(spans, inline, hidden):
        found += _blocks(tokens, spans[first:], context, inline)
        for token in tokens:
            if token.type == "inline":
                inline.read(token.content)
    return found


def _parts(spans: list[Span], inline: Inline, hidden: Hidden) -> Iterator[tuple[int, list[Token]]]:
    """The tokens of each part of a note, with the part's first line."""
    first = 0
    while first < len(spans):
        last = _part_end(spans, first)
        start = spans[first][0]
        if last == first:
            hidden.read(start)
            first += 1
            continue
        # Each character keeps its place.
        source = masked(hidden.text[start : spans[last - 1][1]], hidden.spans, start)
        source = source.replace("\r\n", " \n")
        inline.env.update(hidden=hidden, offset=start)
        tokens = _block_parser().parse(source, inline.env)
        if last < len(spans):
            tokens, last = _without_last_block(tokens, first, last)
        yield first, tokens
        first = last


def _part_end(spans: list[Span], first: int) -> int:
    """Where the part that begins at this line ends; at once if the line is too long to parse."""
    limit, last = spans[first][0] + PART_CHARS, min(first + PART_LINES, len(spans))
    lines = enumerate(islice(spans, first, last), start=first)
    return next(
        (at for at, (start, end) in lines if end > min(limit, start + MAX_LINE_CHARS)), last
    )


def _without_last_block(tokens: list[Token], first: int, last: int) -> tuple[list[Token], int]:
    """Move the last block of a part, and a list with the one above it, to the next part.

    A block that fills the whole part stays, and is cut.
    """
    for at in range(len(tokens) - 1, 0, -1):
        token = tokens[at]
        begins_block = token.level == 0 and token.nesting >= 0
        if begins_block and token.map and token.type not in _LISTS:
            return tokens[:at], first + token.map[0]
    return tokens, last


@dataclass(slots=True)
class _Context:
    """The open lists and items; whether they have a block yet; the labels of the current table."""

    introductions: list[str] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    begins_item: bool = False
    inside: bool = False
    labels: tuple[str, ...] = ()
    group: int = 0


def _blocks(
    tokens: Sequence[Token], lines: Sequence[Span], context: _Context, inline: Inline
) -> Iterator[Block]:
    """The blocks of a part, in order, and its lines."""
    for at, token in enumerate(tokens):
        _update(context, tokens, at, inline)
        kind, level, label = _KINDS.get(token.type), len(context.items), ""
        if kind is None:
            continue
        first, last = token.map or (0, 0)
        if kind is Kind.HEADING and token.level > 0:
            kind = Kind.PARAGRAPH  # within a list or quote it heads nothing after that
        if kind is Kind.HEADING:
            source, level = tokens[at + 1].content, int(token.tag[1:])
            label = inline.label(source)
            if not label or "\n" in source:  # no name for a section, or a paragraph above a rule
                kind, level, label = paragraph_or_rule(source), 0, ""
        elif kind is Kind.PARAGRAPH and context.begins_item:
            kind, first, label = Kind.ITEM, context.items[-1], context.introductions[-1]
        elif kind is Kind.ROW and tokens[at - 1].type == "thead_open":
            kind, last = Kind.TABLE_HEAD, last + 1  # includes the line of dashes
        elif kind is Kind.PARAGRAPH and compiled(_TARGET).fullmatch(tokens[at + 1].content):
            kind = Kind.RULE
        labels = context.labels if kind is Kind.ROW else ()
        goes_on = context.inside or kind is Kind.ROW
        begins = not goes_on or kind is not Kind.PARAGRAPH or level > 0
        context.group += not goes_on
        start, end = lines[first][0], lines[max(first, last - 1)][1]
        yield Block(kind, start, end, level, label, labels, context.group, begins)
        context.begins_item, context.inside = False, bool(context.items)


def _update(context: _Context, tokens: Sequence[Token], at: int, inline: Inline) -> None:
    """Record the list, item or table that opens or closes here."""
    token = tokens[at]
    match token.type:
        case kind if kind in _LISTS:
            follows_text = at > 0 and tokens[at - 1].type == "paragraph_close"
            before = tokens[at - 2].content if follows_text else ""
            context.introductions.append(inline.introduction(before))
        case "bullet_list_close" | "ordered_list_close":
            context.introductions.pop()
            context.inside = context.inside and bool(context.introductions)
        case "list_item_open":
            context.items.append(token.map[0] if token.map else 0)
            context.begins_item = True
        case "list_item_close":
            context.items.pop()
            context.begins_item = False
        case "thead_open":
            rest = (tokens[inner] for inner in range(at, len(tokens)))
            head = takewhile(lambda inner: inner.type != "thead_close", rest)
            cells = (inner.content for inner in head if inner.type == "inline")
            context.labels = column_labels(map(inline.label, cells))
