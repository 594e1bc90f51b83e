"""Markdown and plain text: front matter, the body, and what its author removed."""

from dataclasses import dataclass, replace

from ragqa.notes.frontmatter import MAX_PROPERTIES, FrontMatter, inline_fields, read_front_matter
from ragqa.notes.hidden import cut_at, hidden_spans, is_cut_short, masked, may_hide
from ragqa.notes.lines import Body
from ragqa.notes.markdown import parse_markdown
from ragqa.notes.plaintext import is_short, parse_plain_text
from ragqa.types import HIDDEN, Block, Kind

_UNCLOSED = "a comment that begins with `<!--` is not closed, so the rest of the note is left out"

_UNREAD = HIDDEN | {Kind.HTML, Kind.RULE}

_MAX_FIRST_CHARS = 60
"""A longer first line may be the first of a wrapped paragraph."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a note's text says; `blocks` are as in `Note`.

    `title` is in front matter, or the level-1 heading that begins the note and is its only one.
    `first` is its first line if that reads as a heading.
    """

    blocks: tuple[Block, ...]
    title: str
    first: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    date: str
    links: tuple[str, ...]
    warnings: tuple[str, ...]
    properties: tuple[tuple[str, str], ...]


def parse(text: str, *, is_plain: bool = False, has_front_matter: bool = True) -> Content:
    """Parse Markdown, or plain text; any text is."""
    front = read_front_matter(text) if has_front_matter else FrontMatter()
    body = _without_hidden(text, front.end, is_plain=is_plain)
    shown = [b for b in body.blocks if b.kind not in _UNREAD]
    is_text = bool(shown) and shown[0].kind in (Kind.HEADING, Kind.PARAGRAPH)
    first = text[shown[0].start : shown[0].end].splitlines()[0] if is_text else ""
    top = [b for b in shown if b.kind is Kind.HEADING and b.level == 1]
    return Content(
        blocks=front.blocks + body.blocks,
        title=front.title or (top[0].label if top and top == shown[:1] else ""),
        first=first if is_short(first) and len(first) <= _MAX_FIRST_CHARS else "",
        aliases=front.aliases,
        tags=tuple(dict.fromkeys(front.tags + body.tags)),
        date=front.date,
        links=body.links,
        warnings=front.warnings + body.warnings,
        properties=(*front.properties, *inline_fields(text, body.blocks))[:MAX_PROPERTIES],
    )


def _without_hidden(text: str, start: int, *, is_plain: bool) -> Body:
    """Parse a text, keeping struck-out text and comments out of labels, links and other blocks."""
    parse = parse_plain_text if is_plain else parse_markdown
    body = parse(text, start)
    hidden = hidden_spans(text, body.blocks, is_plain=is_plain) if may_hide(text) else []
    if not hidden:
        return body
    body = parse(masked(text, hidden), start)
    unclosed = (_UNCLOSED,) if is_cut_short(text, hidden) else ()
    return replace(
        body, blocks=cut_at(text, body.blocks, hidden), warnings=body.warnings + unclosed
    )
