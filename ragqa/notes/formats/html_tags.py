"""The tags, entities and text of an HTML file, each with its place; in linear time.

The standard library's parser takes quadratic time for some broken files, so it is not used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import NamedTuple

MAX_WASTED = 2_000_000
"""After this many characters of tags without an end, `<` no longer begins one."""

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Elements with no tags inside."""

_MARK = re.compile(
    r"<(?P<close>/?)(?P<name>[a-zA-Z][^\s/<>]{0,60})|<(?P<other>[!?])"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});?)"
)
_REST = re.compile(r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+")
_ATTRIBUTE = re.compile(r"([^\s=/\"'<>]++)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?")


@dataclass(frozen=True)
class Tag:
    """A tag at `source[start:end]`, or a comment or declaration, whose name is ""."""

    source: str
    start: int
    end: int
    name: str = ""
    closes: bool = False

    @cached_property
    def attributes(self) -> dict[str, str]:
        """Its attributes, by their names in lower case."""
        inside = self.source[self.start + 1 + len(self.name) : self.end]
        found = _ATTRIBUTE.findall(inside) if "=" in inside or " " in inside else []
        return {key.lower(): unescape(value.strip("\"'")) for key, value in reversed(found)}


class Text(NamedTuple):
    """Text at `source[start:end]`: as it stands there, or an entity decoded."""

    start: int
    end: int
    shown: str


def read_tags(source: str) -> Iterator[Tag | Text]:
    """Yield what a file consists of, in order."""
    at = begun = 0
    wasted = 0
    while mark := _MARK.search(source, at):
        start, end = mark.span()
        if mark["entity"]:
            piece: Tag | Text | None = _entity(source, start, end)
        elif mark["other"]:
            piece = Tag(source, start, _declaration_end(source, start))
        else:
            close = _REST.match(source, end)
            stop = close.end() if close else end
            is_tag = source.startswith(">", stop) and wasted < MAX_WASTED
            wasted += 0 if is_tag else stop - start
            closes = bool(mark["close"])
            piece = Tag(source, start, stop + 1, mark["name"].lower(), closes) if is_tag else None
        if piece is None:
            at = end
            continue
        if begun < start:
            yield Text(begun, start, source[begun:start])
        yield piece
        at = begun = piece.end
        if isinstance(piece, Tag) and piece.name in RAW and not piece.closes:
            at = begun = _raw_end(source, piece)
            yield Tag(source, piece.end, at)
    if begun < len(source):
        yield Text(begun, len(source), source[begun:])


def _entity(source: str, start: int, end: int) -> Text | None:
    """An entity decoded; None if there is none of that name."""
    shown = unescape(source[start:end])
    if shown == source[start:end] or len(shown) > end - start or "\0" in shown:
        return None
    return Text(start, end, " " if shown.isspace() else shown)


def _declaration_end(source: str, start: int) -> int:
    mark = "-->" if source.startswith("<!--", start) else ">"
    end = source.find(mark, start + 2)
    return end + len(mark) if end >= 0 else len(source)


def _raw_end(source: str, tag: Tag) -> int:
    found = re.compile(rf"</{re.escape(tag.name)}\b", re.IGNORECASE).search(source, tag.end)
    return found.start() if found else len(source)
