"""Org: headings, lists, tables and blocks as Markdown, line by line, so lines stay the places.

Where Markdown needs a line more, as the rule of a table, a bare carriage return begins it. That
ends a line, too, but does not count as one.
"""

import re

from ragqa.notes.formats import Document, decode_text, escaped
from ragqa.notes.lines import one_line
from ragqa.text.dates import day_of

_ITEM = r"(?:[-+]|(?<=[ \t])\*|\d{1,9}[.)])(?=[ \t]|$)"
_NO_TEXT = rf"\*+[ \t]|[ \t]*(?:$|\||\#(?:[+ \t]|$)|:(?:[ \t]|$|[\w-]+:[ \t]*$)|{_ITEM})"
# Each part ends where the next of its kind begins, so one that is not closed takes linear time.
_PART = re.compile(
    rf"""^(?:
    (?P<stars>\*+)[ \t]+(?P<title>.*)
    |(?P<margin>[ \t]*)\#\+begin_(?P<code>src|example)\b[ \t]*(?P<language>[\w+#-]*).*
        (?P<inside>(?:\n(?!\*+[ \t]|[ \t]*\#\+(?:begin|end)_(?P=code)\b).*)*+)
        \n[ \t]*\#\+end_(?P=code)\b.*
    |(?P<hidden>[ \t]*\#\+begin_(?P<kind>comment|export)\b.*
        (?:\n(?!\*+[ \t]|[ \t]*\#\+(?:begin|end)_(?P=kind)\b).*)*+
        \n[ \t]*\#\+end_(?P=kind)\b.*
        |[ \t]*:(?:properties|logbook|clock):[ \t]*
        (?:\n(?!\*+[ \t]|[ \t]*:(?:properties|logbook|clock|end):[ \t]*$).*)*+
        \n[ \t]*:end:[ \t]*$)
    |[ \t]*\#\+(?P<key>[\w-]+)(?:\[[^\]\n]*\])?:[ \t]*(?P<value>.*)
    |(?P<mark>[ \t]*(?:\#\+(?:begin|end).*|\#(?:[ \t].*)?|:[\w-]+:[ \t]*)$)
    |(?P<fixed>[ \t]*:(?:[ \t].*)?$(?:\n[ \t]*:(?:[ \t].*)?$)*+)
    |(?P<table>[ \t]*\|.*(?:\n[ \t]*\|.*)*+)
    |(?P<indent>[ \t]*)(?P<item>{_ITEM})[ \t]*(?P<words>.*(?:\n(?P=indent)[ \t](?!{_NO_TEXT}).*)*+)
    |(?P<text>(?=.*\S).*(?:\n(?!{_NO_TEXT}).*)*+)
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_TAGS = re.compile(r"(?:\A|[ \t])(?P<tags>(?::[\w@#%]++)+):\Z")
_STATE = re.compile(r"\A(?:TODO|DONE)[ \t]+|\[#\w\][ \t]*")
_TERM = re.compile(r"[ \t]::(?=[ \t]|\Z)")
_RULE_ROW = re.compile(
    r"[ \t]*\|(?:-[-+| \t]*|(?=.*<)(?:[ \t]*+(?:<[lrc]?\d*>[ \t]*+)?(?:\||$))++)"
)
_MARKUP = re.compile(
    r"\[\[(?P<target>[^\[\]\n]{1,1000})\](?:\[(?P<shown>[^\[\]]{1,1000})\])?\]"
    r"|\[fn:(?P<footnote>[\w-]{1,60})\]"
    r"|[<\[](?P<time>\d{4}-\d\d-\d\d(?:[ \t][^<>\[\]\n]{0,40})?)[>\]]"
    r"|(?<![^\s({\"'-])(?P<mark>[*/_=~+])(?P<inner>(?!\s)(?:(?!(?P=mark)|\n\s*\n)[\s\S]){1,200}+(?<!\s))"
    r"(?P=mark)(?![^\s)}\"'.,;:!?\[-])"
)
_FOOTNOTE = re.compile(r"\A(\[\^[\w-]+\]) ?(?=\S)")
_FILE = re.compile(r"(?:file:|\./)+")
_WEB = re.compile(r"[a-z][a-z0-9+.-]*:|//|[*#]", re.IGNORECASE)
_AS_MARKDOWN = {"*": "**", "/": "*", "_": "", "+": "~~"}


def convert(data: bytes) -> Document:
    """Convert an org file; any text is one.

    :raises Unfit: it is no text.
    """
    org = _Org()
    text = decode_text(data).replace("\r\n", "\n").replace("\r", "\n")
    made = _PART.sub(org.convert, text)
    title = _MARKUP.sub(
        lambda found: found["shown"] or found["target"] or found["time"] or found["inner"] or "",
        org.keywords.get("title", "")[:2000],
    )
    date = day_of(org.keywords.get("date", ""))
    return Document(made, title=one_line(title), tags=tuple(org.tags), date=date)


class _Org:
    """Converts the parts of one file, in order; each keeps its lines."""

    def __init__(self) -> None:
        self.keywords: dict[str, str] = {}
        self.tags: dict[str, None] = {}
        self._comment = 0  # the level of the heading whose section is one
        self._items: list[tuple[int, int]] = []  # the indent of each open item, here and there

    def convert(self, part: re.Match[str]) -> str:
        level = len(part["stars"] or "")
        if level and (not self._comment or level <= self._comment):
            said = _STATE.sub("", part["title"], count=2).split()
            self._comment = level * (said[:1] == ["COMMENT"])
        if self._comment:
            return "\n" * part[0].count("\n")
        if level:
            self._items = []
            return self._heading(part)
        if part["code"]:
            return self._code(part)
        if part["key"]:
            return self._keyword(part["key"].lower(), part["value"].strip())
        if part["fixed"]:
            # Below a paragraph, an indented line would belong to that.
            return "\r" + re.sub(r"(?m)^[ \t]*: ?", "    ", part["fixed"])
        if part["table"]:
            return _table(part["table"].split("\n"))
        if part["item"]:
            margin = self._margin(part["indent"])
            mark = part["item"].replace("+", "-").replace("*", "-")
            below = len(margin) + len(mark) + 1
            self._items.append((len(part["indent"].expandtabs(8)), below))
            words = _TERM.sub(":", part["words"], count=1)
            return f"{margin}{mark} {_lines(words, ' ' * below)}"
        if part["text"]:
            text = part["text"]
            margin = self._margin(text[: len(text) - len(text.lstrip())])
            return margin + _FOOTNOTE.sub(r"\1: ", _lines(text, margin))
        return "\n" * part[0].count("\n")

    def _heading(self, part: re.Match[str]) -> str:
        title = part["title"].rstrip()
        if tags := _TAGS.search(title):
            self.tags.update(dict.fromkeys(filter(None, tags["tags"].split(":"))))
            title = title[: tags.start()].rstrip()
        title = _STATE.sub("", title, count=2)
        return f"{'#' * min(len(part['stars']), 6)} {_inline(title)}".rstrip()

    def _code(self, part: re.Match[str]) -> str:
        margin, inside = self._margin(part["margin"]), part["inside"]
        fence = max(re.findall("`{3,}", inside), default="``") + "`"
        inside = inside.replace(f"\n{part['margin']}", "\n").replace("\n", f"\n{margin}")
        return f"{margin}{fence}{part['language'].lower()}{inside}\n{margin}{fence}"

    def _keyword(self, key: str, value: str) -> str:
        if key == "filetags":
            self.tags.update(dict.fromkeys(re.findall(r"[\w@#%-]+", value)))
        else:
            self.keywords.setdefault(key, value)
        return _inline(value) if key == "caption" else ""

    def _margin(self, indent: str) -> str:
        """The indent of what belongs to the item that it stands in; ends those it is not in."""
        while self._items and self._items[-1][0] >= len(indent.expandtabs(8)):
            self._items.pop()
        return " " * (self._items[-1][1] if self._items else 0)


def _table(lines: list[str]) -> str:
    rules = [bool(_RULE_ROW.fullmatch(line)) for line in lines]
    rows = [line.strip().removeprefix("|").removesuffix("|").split("|") for line in lines]
    columns, first = max(map(len, rows)), int(rules[0])
    has_head = rules[first : first + 2] == [False, True]
    made = [""] * first
    for number in range(first, len(rows)):
        cells = ["" if rules[number] else _inline(cell.strip()) for cell in rows[number]]
        made.append(f"| {' | '.join(cells + [''] * (columns - len(cells)))} |")
    if has_head:
        made[first + 1] = f"{'| --- ' * columns}|"
    elif first < len(made):
        made[first] = f"\r{'|  ' * columns}|\r{'| --- ' * columns}|\r{made[first]}"
    return "\n".join(made)


def _lines(text: str, margin: str) -> str:
    """Lines of text with this margin, but for the first."""
    return _inline("\n".join(map(str.strip, text.split("\n")))).replace("\n", f"\n{margin}")


def _inline(text: str) -> str:
    """The markup within lines as Markdown; there are as many lines as before."""
    made, at = "", 0
    for found in _MARKUP.finditer(text):
        made += escaped(text[at : found.start()]) + _as_markdown(found)
        at = found.end()
    return made + escaped(text[at:])


def _as_markdown(found: re.Match[str]) -> str:
    if target := found["target"]:
        shown = escaped(found["shown"] or target)
        path = _FILE.sub("", target, count=1).partition("::")[0].strip()
        is_note = bool(path) and not _WEB.match(path)
        is_web = target.startswith(("http:", "https:"))
        if not is_note and not is_web:
            return shown
        return f"[{shown}](<{re.sub('[<>]', '', path if is_note else target)}>)"
    if found["footnote"]:
        return f"[^{found['footnote']}]"
    if found["time"]:
        return found["time"]
    mark, inner = found["mark"], found["inner"]
    if mark in "=~":
        return escaped(inner) if "`" in inner else f"`{inner}`"
    return f"{_AS_MARKDOWN[mark]}{_inline(inner)}{_AS_MARKDOWN[mark]}"
