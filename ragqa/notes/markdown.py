"""From Markdown to blocks and links: markdown-it parses, this module locates its tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from ragqa.notes.inline import Inline, inline_of, parser
from ragqa.notes.lines import Body, Leaf, column_labels, line_spans, paragraph_or_rule, to_blocks
from ragqa.types import Kind, Link, Span

PART_LINES = 20_000
PART_CHARS = 300_000
"""A note is parsed in parts of at most this size: tokens take 500 times the text's memory."""

MAX_LINE_CHARS = 50_000
"""A longer line is a paragraph, whatever it begins with."""

_LISTS = frozenset({"bullet_list_open", "ordered_list_open"})

_LEAVES = {
    "heading_open": Kind.HEADING,
    "paragraph_open": Kind.PARAGRAPH,
    "tr_open": Kind.ROW,
    "fence": Kind.CODE,
    "code_block": Kind.CODE,
    "html_block": Kind.HTML,
    "hr": Kind.RULE,
}


def parse_markdown(text: str, start: int) -> Body:
    """Parse the Markdown from `start` on."""
    spans = line_spans(text, start)
    inline = inline_of(text[start:])
    links: dict[Link, None] = {}
    tags: dict[str, None] = {}

    def leaves() -> Iterator[Leaf]:
        for first, tokens in _parts(text, spans, inline):
            yield from _leaves(tokens, first, inline)
            for token in tokens:
                if token.type == "inline":
                    links.update(dict.fromkeys(inline.links(token.content)))
                    tags.update(dict.fromkeys(inline.tags(token.content)))

    blocks = to_blocks(text, spans, leaves())
    return Body(blocks, tuple(links), inline.warnings, tags=tuple(tags))


def _parts(text: str, spans: list[Span], inline: Inline) -> Iterator[tuple[int, list[Token]]]:
    """The tokens of each part of a note, with the line that its line numbers are relative to."""
    first = 0
    while first < len(spans):
        last = _part_end(spans, first)
        if last == first:
            first += 1
            continue
        tokens = parser().parse(text[spans[first][0] : spans[last - 1][1]], inline.env)
        if last < len(spans):
            tokens, last = _without_last_block(tokens, first, last)
        yield first, tokens
        first = last


def _part_end(spans: list[Span], first: int) -> int:
    """Where the part that begins at this line ends; at once if the line is too long to parse."""
    limit = spans[first][0] + PART_CHARS
    for line in range(first, min(first + PART_LINES, len(spans))):
        start, end = spans[line]
        if end - start > MAX_LINE_CHARS or end > limit:
            return line
    return min(first + PART_LINES, len(spans))


def _without_last_block(tokens: list[Token], first: int, last: int) -> tuple[list[Token], int]:
    """Move the last block of a part to the next part, which may hold the rest of it.

    A list moves with the block above it. A block that fills the whole part stays, and is cut.
    """
    for at in range(len(tokens) - 1, 0, -1):
        token = tokens[at]
        begins_block = token.level == 0 and token.nesting >= 0
        if begins_block and token.map and token.type not in _LISTS:
            return tokens[:at], first + token.map[0]
    return tokens, last


@dataclass(slots=True)
class _Context:
    """The open lists and items; whether they have a leaf yet; the labels of the current table."""

    introductions: list[str] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    begins_item: bool = False
    inside: bool = False
    labels: tuple[str, ...] = ()


def _leaves(tokens: Sequence[Token], offset: int, inline: Inline) -> Iterator[Leaf]:
    """The leaf blocks of a part, in order; `offset` is the number of its first line."""
    context = _Context()
    for at, token in enumerate(tokens):
        _update(context, tokens, at, inline)
        first, last = token.map or (0, 0)
        kind, level, label = _leaf_kind(token), len(context.items), ""
        if kind is Kind.HEADING:
            kind, level, label = _heading(tokens, at, inline)
        elif kind is Kind.PARAGRAPH and context.begins_item:
            kind, first, label = Kind.ITEM, context.items[-1], context.introductions[-1]
        elif kind is Kind.ROW and tokens[at - 1].type == "thead_open":
            kind, last = Kind.TABLE_HEAD, last + 1  # includes the line of dashes
        if kind:
            labels = context.labels if kind is Kind.ROW else ()
            inside = context.inside or kind is Kind.ROW
            yield Leaf(kind, first + offset, last + offset, level, label, labels, inside)
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
            context.labels = _labels(tokens, at, inline)


def _leaf_kind(token: Token) -> Kind | None:
    """The kind of the leaf that this token opens, if any."""
    if token.type == "heading_open" and token.level > 0:
        # Within a list or quote it heads nothing after that.
        return Kind.PARAGRAPH
    return _LEAVES.get(token.type)


def _heading(tokens: Sequence[Token], at: int, inline: Inline) -> tuple[Kind, int, str]:
    source = tokens[at + 1].content
    label = inline.label(source)
    if label and "\n" not in source:
        return Kind.HEADING, int(tokens[at].tag[1:]), label
    # No name for a section, or a paragraph right above a rule.
    return paragraph_or_rule(source), 0, ""


def _labels(tokens: Sequence[Token], at: int, inline: Inline) -> tuple[str, ...]:
    """The header cells of the table that opens here."""
    cells = []
    while tokens[at].type != "thead_close":
        if tokens[at].type == "inline":
            cells.append(inline.label(tokens[at].content))
        at += 1
    return column_labels(cells)
