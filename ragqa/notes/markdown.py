"""Markdown to blocks and links. The parsing is markdown-it's; here its tokens get their place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from ragqa.notes.inline import Inline, inline_of, parser
from ragqa.notes.lines import Body, Leaf, Span, line_spans, one_line, to_blocks, wordless_kind
from ragqa.types import Kind, Link

PART_LINES = 20_000
PART_CHARS = 300_000
"""A note is parsed in parts of at most this size: its tokens take 500 times as much memory."""

MAX_LINE_CHARS = 50_000
"""A longer line is a paragraph, whatever it begins with."""

MAX_TAGS = 1_000
"""So many tags in the text of one note count."""

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
    inline = inline_of(text)
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
    return Body(blocks, tuple(links), inline.warnings, tags=tuple(tags)[:MAX_TAGS])


def _parts(text: str, spans: list[Span], inline: Inline) -> Iterator[tuple[int, list[Token]]]:
    """The tokens of each part of a note, with the line that their line numbers count from."""
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
    """Where the part that begins with this line ends; at once, if the line is too long to parse."""
    limit = spans[first][0] + PART_CHARS
    for line in range(first, min(first + PART_LINES, len(spans))):
        start, end = spans[line]
        if end - start > MAX_LINE_CHARS or end > limit:
            return line
    return min(first + PART_LINES, len(spans))


def _without_last_block(tokens: list[Token], first: int, last: int) -> tuple[list[Token], int]:
    """Leave the last block of a part to the next part, where the rest of it may be.

    A list goes with what stands above it. A block that fills the whole part stays: it is cut.
    """
    for at in range(len(tokens) - 1, 0, -1):
        token = tokens[at]
        begins_block = token.level == 0 and token.nesting >= 0
        if begins_block and token.map and token.type not in _LISTS:
            return tokens[:at], first + token.map[0]
    return tokens, last


@dataclass(slots=True)
class _Place:
    """How deep in lists the tokens have come, and in which table."""

    introductions: list[str] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    begins_item: bool = False
    header: str = ""


def _leaves(tokens: Sequence[Token], offset: int, inline: Inline) -> Iterator[Leaf]:
    """The leaf blocks of a part, in order; `offset` is the number of its first line."""
    place = _Place()
    for at, token in enumerate(tokens):
        _move(place, tokens, at, inline)
        first, last = token.map or (0, 0)
        kind, level, label = _leaf_kind(token), len(place.items), ""
        if kind is Kind.HEADING:
            kind, level, label = _heading(tokens, at, inline)
        elif kind is Kind.PARAGRAPH and place.begins_item:
            kind, first, label = Kind.ITEM, place.items[-1], place.introductions[-1]
        elif kind is Kind.ROW and tokens[at - 1].type == "thead_open":
            kind, last = Kind.TABLE_HEAD, last + 1  # and the line of dashes
        elif kind is Kind.ROW:
            label = place.header
        if kind:
            place.begins_item = False
            yield Leaf(kind, first + offset, last + offset, level, label)


def _move(place: _Place, tokens: Sequence[Token], at: int, inline: Inline) -> None:
    """Take note of the list, item or table that opens or closes here."""
    token = tokens[at]
    match token.type:
        case kind if kind in _LISTS:
            follows_text = at > 0 and tokens[at - 1].type == "paragraph_close"
            before = tokens[at - 2].content if follows_text else ""
            place.introductions.append(inline.introduction(before))
        case "bullet_list_close" | "ordered_list_close":
            place.introductions.pop()
        case "list_item_open":
            place.items.append(token.map[0] if token.map else 0)
            place.begins_item = True
        case "list_item_close":
            place.items.pop()
            place.begins_item = False
        case "thead_open":
            place.header = _header(tokens, at, inline)


def _leaf_kind(token: Token) -> Kind | None:
    """The kind of the leaf that this token opens, if it opens one."""
    if token.type == "heading_open" and token.level > 0:
        # In a list or a quote it heads nothing of what comes after that.
        return Kind.PARAGRAPH
    return _LEAVES.get(token.type)


def _heading(tokens: Sequence[Token], at: int, inline: Inline) -> tuple[Kind, int, str]:
    source = tokens[at + 1].content
    label = inline.label(source)
    if label and "\n" not in source:
        return Kind.HEADING, int(tokens[at].tag[1:]), label
    # Nothing to call the section by, or a paragraph that happens to stand right above a rule.
    return wordless_kind(source), 0, ""


def _header(tokens: Sequence[Token], at: int, inline: Inline) -> str:
    """The header cells of the table whose head opens here."""
    cells = []
    while tokens[at].type != "thead_close":
        if tokens[at].type == "inline":
            cells.append(inline.label(tokens[at].content))
        at += 1
    return one_line(" | ".join(cells))
