"""From a note's text to a `Note`: front matter, title, blocks and links."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath

from ragqa.notes.lines import Body
from ragqa.types import Block, Kind, Note, Stamp

_ISO_DATE = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)", re.ASCII)

_UNCLOSED = "a comment that begins with `<!--` is not closed, so the rest of the note is left out"


def parse_note(path: str, text: str, sha256: str, stamp: Stamp) -> Note:
    """Parse a note; any text is a note."""
    # Late: they import markdown-it and PyYAML, which a question to an up-to-date index never needs.
    from ragqa.notes.frontmatter import read_front_matter
    from ragqa.notes.markdown import parse_markdown
    from ragqa.notes.plaintext import parse_plain_text

    front = read_front_matter(text)
    is_plain = PurePosixPath(path).suffix.lower() == ".txt"
    parse = parse_plain_text if is_plain else parse_markdown
    body = _without_hidden(parse, text, front.end, is_plain=is_plain)
    return Note(
        path=path,
        text=text,
        sha256=sha256,
        stamp=stamp,
        title=front.title or _first_heading(body.blocks) or body.title or _name(path),
        aliases=front.aliases,
        tags=tuple(dict.fromkeys(front.tags + body.tags)),
        date=front.date or _date_in_name(path),
        links=body.links,
        blocks=front.blocks + body.blocks,
        warnings=front.warnings + body.warnings,
    )


def _without_hidden(
    parse: Callable[[str, int], Body], text: str, start: int, *, is_plain: bool
) -> Body:
    """Parse a text, keeping struck-out text and comments out of labels, links and other blocks."""
    from ragqa.notes.hidden import cut_at, hidden_spans, is_cut_short, masked, may_hide

    body = parse(text, start)
    hidden = hidden_spans(text, body.blocks, is_plain=is_plain) if may_hide(text) else []
    if not hidden:
        return body
    body = parse(masked(text, hidden), start)
    unclosed = (_UNCLOSED,) if is_cut_short(text, hidden) else ()
    return replace(
        body, blocks=cut_at(text, body.blocks, hidden), warnings=body.warnings + unclosed
    )


def _first_heading(blocks: tuple[Block, ...]) -> str:
    headings = (b.label for b in blocks if b.kind is Kind.HEADING and b.level == 1)
    return next(headings, "")


def _name(path: str) -> str:
    """The file's name as words; bytes that are not UTF-8 are replaced."""
    stem = PurePosixPath(path).stem
    readable = os.fsencode(stem).decode("utf-8", "replace")
    return " ".join(readable.replace("-", " ").replace("_", " ").split()) or readable


def _date_in_name(path: str) -> str:
    """The first ISO date in a file's name, such as "2024-05-02 Standup.md"; "" for none."""
    for match in _ISO_DATE.finditer(PurePosixPath(path).stem):
        try:
            return date.fromisoformat(match[0]).isoformat()
        except ValueError:
            continue
    return ""
