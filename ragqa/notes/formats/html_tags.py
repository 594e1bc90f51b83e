"""The tags of an HTML file, in linear time, and which elements are no text of its page.

The standard library's parser takes quadratic time for some broken files, so it is not used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape

from ragqa.text.words import word_set

MAX_WASTED = 2_000_000
"""After this many characters of tags without an end, `<` no longer begins one."""

RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Elements with no tags inside."""

VOID = word_set("area base br col embed hr img input link meta param source track wbr")
"""Elements without an end."""

MAIN = frozenset({"main", "article"})

_MARK = re.compile(r"<(?P<close>/?)(?P<name>[a-zA-Z][^\s/<>]{0,60})|<(?P<other>[!?])")
_REST = re.compile(r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+")
_ATTRIBUTE = re.compile(r"([^\s=/\"'<>]++)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?")

_NO_TEXT = word_set(
    """script style noscript template nav footer button select option datalist svg iframe
    object canvas dialog menu textarea audio video label noframes noembed"""
)
_ROLES = word_set(
    """navigation banner contentinfo search complementary dialog alertdialog menu menubar toolbar
    tablist alert"""
)
_NOT_HIDDEN = MAIN | {"html", "body"}
_UNSEEN = word_set("noscript template svg select datalist nav footer")
_WORD = re.compile(r"\w+")
_TARGET = re.compile(r"\]\([^)]*\)")
_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NAMES = word_set(
    """breadcrumb breadcrumbs consent cookie cookies cookie-banner cookie-bar cookie-consent
    cookie-notice cookiebanner cookieconsent gdpr headerlink linenos mw-editsection navbar
    pagination skip-link sphinxsidebar"""
)


@dataclass(frozen=True)
class Tag:
    """A tag at `source[start:end]`; its name is "" for what only separates: a comment or so."""

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

    @property
    def is_main(self) -> bool:
        """Whether it is of the page's main part, or of an article."""
        return self.name in MAIN or self.attributes.get("role", "").lower() in MAIN

    def is_hidden(self, *, in_main: bool) -> bool:
        """Whether the element that it begins is no text: a script, navigation, a banner, hidden."""
        if self.name in _NO_TEXT or (self.name in ("header", "aside") and not in_main):
            return True
        has = self.attributes
        if not has or self.name in _NOT_HIDDEN:
            return False
        names = f"{has.get('id', '')} {has.get('class', '')}".lower()
        return bool(
            "hidden" in has
            or has.get("aria-hidden", "").lower() == "true"
            or has.get("role", "").lower() in _ROLES
            or _STYLE.search(has.get("style", ""))
            or not _NAMES.isdisjoint(names.split())
        )


def read_tags(source: str) -> Iterator[Tag]:
    """Yield the tags of a file, in order; the text of a script is in one without a name."""
    at = wasted = 0
    while mark := _MARK.search(source, at):
        start, end = mark.span()
        if mark["other"]:
            end_mark = "-->" if source.startswith("<!--", start) else ">"
            stop = source.find(end_mark, start + 2)
            at = stop + len(end_mark) if stop >= 0 else len(source)
            yield Tag(source, start, at)
            continue
        close = _REST.match(source, end)
        stop = close.end() if close else end
        if not source.startswith(">", stop) or wasted >= MAX_WASTED:
            wasted += stop - start
            at = end
            continue
        at = stop + 1
        tag = Tag(source, start, at, mark["name"].lower(), bool(mark["close"]))
        yield tag
        if tag.name in RAW and not tag.closes:
            found = re.compile(rf"</{re.escape(tag.name)}\b", re.IGNORECASE).search(source, at)
            at = found.start() if found else len(source)
            yield Tag(source, tag.end, at)


def loss(source: str, text: str) -> tuple[str, ...]:
    """A warning if less than half of the words that a page shows are in its text.

    Whatever converts the page, it counts by itself. Navigation is not missed.
    """
    visible = at = inside = 0
    for tag in read_tags(f"{source}<p>"):
        visible += 0 if inside else len(_WORD.findall(unescape(source[at : tag.start])))
        at = tag.end
        if tag.name in _UNSEEN:
            inside = max(0, inside + (-1 if tag.closes else 1))
    arrived = len(_WORD.findall(_TARGET.sub("]", text)))
    if 2 * arrived >= visible:
        return ()
    return (f"only {arrived / visible:.0%} of the words that the page shows were read",)
