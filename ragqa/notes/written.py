"""Markdown and plain text: front matter, the body, and what is not for reading."""

from dataclasses import dataclass

from ragqa.notes.frontmatter import MAX_PROPERTIES, FrontMatter, inline_fields, read_front_matter
from ragqa.notes.lines import MAX_BLOCKS
from ragqa.notes.markdown import parse_markdown
from ragqa.notes.plaintext import MIN_WRAP_CHARS, is_short, parse_plain_text
from ragqa.types import HIDDEN, Block, Kind

_TOO_MANY = (
    f"more than {MAX_BLOCKS:,} paragraphs, items and rows, so the rest is left out: split the note"
)
_MOST_IN_BYLINE = 6
"""The most words of a line such as "Mette, 15 July 2025": one with more tells something."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a note's text says.

    `first` is its first line if that reads as a heading, `byline` a line of few words below it.
    """

    blocks: tuple[Block, ...]
    title: str
    first: str
    byline: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    date: str
    links: tuple[str, ...]
    warnings: tuple[str, ...]
    properties: tuple[tuple[str, str], ...]


def parse(text: str, *, is_plain: bool = False, has_front_matter: bool = True) -> Content:
    """Parse Markdown, or plain text; any text is."""
    front = read_front_matter(text) if has_front_matter else FrontMatter()
    body = (parse_plain_text if is_plain else parse_markdown)(text, front.end)
    read = (b for b in body.blocks if b.kind not in {*HIDDEN, Kind.HTML, Kind.RULE})
    begins = next(read, Block(Kind.RULE, 0, 0))
    top = [b for b in body.blocks if b.kind is Kind.HEADING and b.level == 1]
    is_text = begins.kind in (Kind.HEADING, Kind.PARAGRAPH)
    first = _line(text, begins) if is_text else ""
    below = next(read, None) if begins.kind is Kind.HEADING else None
    byline = _line(text, below) if below and below.kind is Kind.PARAGRAPH else ""
    too_many = (_TOO_MANY,) if len(body.blocks) >= MAX_BLOCKS else ()
    return Content(
        blocks=front.blocks + body.blocks,
        title=front.title or (begins.label if top == [begins] else ""),
        first=first if is_short(first) and len(first) < MIN_WRAP_CHARS else "",
        byline=byline if len(byline.split()) <= _MOST_IN_BYLINE else "",
        aliases=front.aliases,
        tags=tuple(dict.fromkeys(front.tags + body.tags)),
        date=front.date,
        links=body.links,
        warnings=front.warnings + body.warnings + too_many,
        properties=(*front.properties, *inline_fields(text, body.blocks))[:MAX_PROPERTIES],
    )


def _line(text: str, block: Block) -> str:
    """The first line of a block."""
    return text[block.start : block.end].splitlines()[0]
