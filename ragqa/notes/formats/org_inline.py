"""Org's markup within lines: links, emphasis, code, footnotes, timestamps."""

import re
from dataclasses import dataclass, field

from ragqa.notes.formats.view import View
from ragqa.notes.hidden import Hidden
from ragqa.notes.lines import one_line
from ragqa.types import Kind, Link

MAX_LINKS = 10_000

_MARKUP = re.compile(
    r"\[\[(?P<target>[^\[\]\n]{1,1000})\](?:\[(?P<shown>[^\[\]]{1,1000})\])?\]"
    r"|\[fn:(?P<footnote>[\w-]{1,60})\]"
    r"|[<\[](?P<time>\d{4}-\d\d-\d\d(?:[ \t][^<>\[\]\n]{0,40})?)[>\]]"
    r"|(?<![^\s({\"'-])(?P<mark>[*/_=~+])(?P<inner>(?!\s)(?:(?!(?P=mark)|\n\s*\n)[\s\S]){1,200}+(?<!\s))"
    r"(?P=mark)(?![^\s)}\"'.,;:!?\[-])"
)
_FILE = re.compile(r"(?:file:|\./)+")
_WEB = re.compile(r"[a-z][a-z0-9+.-]*:|//|[*#]", re.IGNORECASE)
_VERBATIM = ("=", "~")
_AS_MARKDOWN = {"/": "_", "=": "`", "~": "`"}


@dataclass
class Inline:
    """Puts what lines say into a view; collects their links and the text that is struck out."""

    source: str
    view: View
    links: dict[Link, None] = field(default_factory=dict)
    struck: list[Hidden] = field(default_factory=list)

    def put(self, start: int, end: int, *, joined: bool = False) -> None:
        """Put what the source says between two offsets.

        :param joined: whether it continues what was put before.
        """
        at = start
        for found in _MARKUP.finditer(self.source, start, end):
            joined = self._text(at, found.start(), joined=joined)
            joined = self._markup(found, joined=joined)
            at = found.end()
        self._text(at, end, joined=joined)

    def _text(self, start: int, end: int, *, joined: bool) -> bool:
        if start < end:
            self.view.put(start, end, joined=joined)
        return joined or start < end

    def _markup(self, found: re.Match[str], *, joined: bool) -> bool:
        if found["target"]:
            self._link(found["target"])
            self.view.put(*found.span("shown" if found["shown"] else "target"), joined=joined)
        elif found["footnote"]:
            # Two characters shorter, as Markdown writes it.
            start, end = found.start() + 2, found.end()
            self.view.put(start, end, f"[^{found['footnote']}]", joined=joined)
        elif found["time"]:
            self.view.put(*found.span("time"), joined=joined)
        else:
            self._marked(found, joined=joined)
        return True

    def _marked(self, found: re.Match[str], *, joined: bool) -> None:
        (start, end), mark = found.span(), found["mark"]
        is_code = mark in _VERBATIM
        shown = "" if is_code and "`" in found["inner"] else _AS_MARKDOWN.get(mark, mark)
        if shown:
            self.view.put(start, start + 1, shown, joined=joined)
        if is_code:
            self.view.put(start + 1, end - 1, joined=True)
        else:
            self.put(start + 1, end - 1, joined=True)
        if shown:
            self.view.put(end - 1, end, shown)
        if mark == "+":
            self.struck.append((start, end, Kind.STRUCK))

    def _link(self, target: str) -> None:
        path = _FILE.sub("", target, count=1).partition("::")[0].strip()
        if path and not _WEB.match(path) and len(self.links) < MAX_LINKS:
            self.links[Link(path, wiki=False)] = None


def words(source: str) -> str:
    """The words of a line without markup, as a label."""
    return one_line(_MARKUP.sub(_words_of, source[:2000]))


def _words_of(found: re.Match[str]) -> str:
    if found["footnote"] or found["mark"] == "+":
        return ""
    if found["inner"] and found["mark"] not in _VERBATIM:
        return _MARKUP.sub(_words_of, found["inner"])
    return next(filter(None, (found[name] for name in ("shown", "target", "time", "inner"))), "")
