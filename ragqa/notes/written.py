"""What a note says: front matter, the body, and its title, tags and date."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from ragqa.notes.blocks import MAX_BLOCKS, Hidden, all_blocks, cut_at, line_spans, masked, may_hide
from ragqa.notes.dated_paths import days_of_path
from ragqa.notes.formats import Document, format_of
from ragqa.notes.frontmatter import MAX_PROPERTIES, FrontMatter, inline_fields, read_front_matter
from ragqa.notes.markdown import TOO_MANY_BRACKETS, Inline, markdown_blocks
from ragqa.notes.plaintext import MIN_WRAP_CHARS, is_short, plain_blocks
from ragqa.text.dates import day_of, leading_day
from ragqa.text.inline import has_too_many_brackets
from ragqa.text.words import compiled
from ragqa.types import HIDDEN, Block, Kind, Note, Stamp, in_words

MAX_TAGS = 1_000
"""The most tags of one note; those after them do not count."""

MAX_TAG_CHARS = 200
"""A longer tag does not count: each of its levels would be a tag, too."""

_TOO_MANY = (
    f"more than {MAX_BLOCKS:,} paragraphs, items and rows, so the rest is left out: split the note"
)
_MOST_IN_BYLINE = 6
"""The most words of a line such as "Mette, 15 July 2025": one with more tells something."""
_FIRST_BLOCKS = 4
_DAY_CHARS = 60
_DATED_KINDS = (Kind.HEADING, Kind.PARAGRAPH, Kind.ITEM, Kind.ROW)
_DATE_LINE = r"(?i)\W*(?:meeting )?date\b\W*?[:|]"
"""How a line begins that states the date of its note: "**Date:** 14 May 2024"."""


def note_of(path: str, document: Document) -> Note:
    """Parse a note; any text is a note."""
    text, form, state = document.text, format_of(path), document.state
    front = FrontMatter() if form.version else read_front_matter(text)
    blocks, inline, hidden = body_of(text, front.end, is_plain=form.name == "plain")
    read = [b for b in blocks if b.kind not in {*HIDDEN, Kind.HTML, Kind.RULE}][:_FIRST_BLOCKS]
    top = [b for b in blocks if b.kind is Kind.HEADING and b.level == 1]
    title = front.title or (top[0].label if top and top == read[:1] else "")
    title = document.title or title or in_words(path)

    named = tuple(dict.fromkeys((*document.tags, *front.tags, *inline.tags)))
    tags = tuple(tag for tag in named if len(tag) <= MAX_TAG_CHARS)[:MAX_TAGS]
    limits = f"over {MAX_TAGS:,} tags or {MAX_TAG_CHARS} characters"
    warnings = front.warnings + (TOO_MANY_BRACKETS,) * inline.too_many_brackets + hidden.warnings
    warnings += (_TOO_MANY,) * (len(blocks) >= MAX_BLOCKS) + document.warnings
    if len(tags) < len(named):
        warnings += (f"tags that do not count: {len(named) - len(tags):,} ({limits})",)
    return Note(
        path=path,
        text=text,
        sha256=state.sha256,
        stamp=state.stamp,
        settled=state.settled,
        title=title,
        aliases=front.aliases,
        tags=tags,
        date=document.date or front.date or _date(path, text, title, read, state.stamp),
        links=tuple(inline.links),
        blocks=front.blocks + blocks,
        warnings=warnings,
        days=tuple(sorted(set(filter(None, _days(text, blocks))))),
        properties=(*front.properties, *inline_fields(text, blocks))[:MAX_PROPERTIES],
    )


def body_of(text: str, start: int, *, is_plain: bool) -> tuple[tuple[Block, ...], Inline, Hidden]:
    """The blocks of a text from `start` on, with its links and tags, and what is hidden in it."""
    hidden = Hidden(text, start if may_hide(text) else len(text), is_plain)
    spans = line_spans(text, start)
    inline = Inline(has_too_many_brackets(text[start:]))
    found = (plain_blocks if is_plain else markdown_blocks)(hidden, spans, inline)
    blocks = all_blocks(masked(text, hidden.spans), spans, found)
    return cut_at(text, blocks, hidden.spans), inline, hidden


def _days(text: str, blocks: Sequence[Block]) -> Iterator[str]:
    """The day in each heading, and the one that each item, row and paragraph begins with, or ""."""
    for block in blocks:
        begins = text[block.start : min(block.end, block.start + _DAY_CHARS)]
        if block.kind in _DATED_KINDS and any(map(str.isdecimal, begins)):
            yield day_of(block.label) if block.kind is Kind.HEADING else leading_day(begins)


def _date(path: str, text: str, title: str, read: Sequence[Block], stamp: Stamp) -> str:
    """The day in a note's path, its title, its first line, a line "Date:" or a byline.

    A path may name no more than a month: a day of that month in the note goes before its first.

    :param read: its first blocks that are for reading.
    """
    first, last = days_of_path(path)
    if first and first == last:
        return first
    lines = [text[block.start : block.end].splitlines()[0] for block in read]
    kinds = [block.kind for block in read[:2]]
    is_heading = kinds[:1] in ([Kind.HEADING], [Kind.PARAGRAPH]) and is_short(lines[0])
    places = [title, *(lines[:1] if is_heading and len(lines[0]) < MIN_WRAP_CHARS else ())]
    if kinds == [Kind.HEADING, Kind.PARAGRAPH] and len(lines[1].split()) <= _MOST_IN_BYLINE:
        places.append(lines[1])
    places += filter(compiled(_DATE_LINE).match, lines)
    # What is still to come when a note is written is no date of it: "valid until 3 May 2031".
    latest = datetime.fromtimestamp(stamp.mtime_ns / 1e9, UTC) + timedelta(days=1)
    latest_day = last or f"{latest:%F}"
    days = (day for day in map(day_of, places) if first <= day <= latest_day)
    return next(filter(None, days), first)
