"""Org: headings, lists, tables and blocks as Markdown, line by line, so lines stay the places.

Where Markdown needs a line more, as the rule of a table, a bare carriage return begins it. That
ends a line, too, but does not count as one.
"""

import re
from collections.abc import Callable, Sequence

from ragqa.notes.decoding import decode_text
from ragqa.notes.formats.document import Document
from ragqa.notes.formats.escaping import escaped
from ragqa.notes.lines import one_line
from ragqa.notes.parse import date_in

_HEADING = re.compile(r"(?P<stars>\*++)[ \t]++(?P<words>.*)")
_TAGS = re.compile(r"(?:\A|[ \t]):(?P<tags>[\w@#%:]++)\s*\Z")
_PRIORITY = re.compile(r"((?:[A-Z][A-Z_-]+[ \t]+)?)\[#\w\][ \t]*")
_KEYWORD = re.compile(r"[ \t]*#\+(?P<key>[\w-]+)(?:\[[^\]\n]*\])?:[ \t]*(?P<value>.*)")
_BEGIN = re.compile(
    r"([ \t]*)#\+begin_(?P<name>[\w-]+)[ \t]*(?P<language>[\w+#-]*).*", re.IGNORECASE
)
_END = re.compile(r"[ \t]*#\+end.*", re.IGNORECASE)
_DRAWER = re.compile(r"[ \t]*:(?P<name>[\w-]+):[ \t]*")
_END_OF_DRAWER = re.compile(r"[ \t]*:end:[ \t]*", re.IGNORECASE)
_COMMENT = re.compile(r"[ \t]*#(?:[ \t].*)?")
_FIXED = re.compile(r"[ \t]*:(?:[ \t](.*))?")
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<mark>[-+]|(?<=[ \t])\*|\d{1,9}[.)])(?:[ \t]+|\Z)")
_TERM = re.compile(r"[ \t]::(?=[ \t]|\Z)")
_ROW = re.compile(r"[ \t]*\|.*")
_RULE_ROW = re.compile(r"[ \t]*\|-[-+| \t]*")
_CODE = ("src", "example")
_HIDDEN = ("comment", "export")
_DRAWERS = ("properties", "logbook", "clock")
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
    org = _Org(decode_text(data))
    org.read()
    return Document(
        "\n".join(org.made),
        title=one_line(_words(org.keywords.get("title", ""))),
        tags=tuple(org.tags),
        date=date_in(org.keywords.get("date", "")),
    )


class _Org:
    """Reads one file; `made` has a line for each of its lines."""

    def __init__(self, text: str) -> None:
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.made: list[str] = []
        self.keywords: dict[str, str] = {}
        self.tags: dict[str, None] = {}
        # Pattern to the line up to which it was not found, so that no search is repeated.
        self._unclosed: dict[str, int] = {}
        self._items: list[tuple[int, int]] = []  # the indent of each open item, here and there

    def read(self) -> None:
        readers: Sequence[Callable[[int], list[str]]] = (
            self._heading, self._block, self._drawer, self._keyword, self._fixed, self._table,
            self._item, self._paragraph,
        )  # fmt: skip
        while (at := len(self.made)) < len(self.lines):
            if not self.lines[at].strip() or _COMMENT.fullmatch(self.lines[at]):
                self.made.append("")
            else:
                self.made += next(filter(None, (read(at) for read in readers)))

    def _heading(self, at: int) -> list[str]:
        found = _HEADING.fullmatch(self.lines[at])
        if found is None:
            return []
        self._items = []
        title = found["words"].rstrip()
        if (tags := _TAGS.search(title)) and title.endswith(":"):
            self.tags.update(dict.fromkeys(filter(None, tags["tags"].split(":"))))
            title = title[: tags.start()].rstrip()
        title = _PRIORITY.sub(r"\1", title, count=1)
        return [f"{'#' * min(len(found['stars']), 6)} {_inline(title)}".rstrip()]

    def _block(self, at: int) -> list[str]:
        """A block of code; nothing of a comment; the marks of any other block are no text."""
        found = _BEGIN.fullmatch(self.lines[at])
        if found is None:
            return [""] if _END.fullmatch(self.lines[at]) else []
        name = found["name"].lower()
        if name not in _CODE + _HIDDEN:
            return [""]
        last = self._find(at, re.compile(rf"[ \t]*#\+end_{name}[ \t]*", re.IGNORECASE))
        if last is None:
            return [""]
        inside = self.lines[at + 1 : last]
        if name in _HIDDEN:
            return ["", *("" for _ in inside), ""]
        margin = self._margin(at)
        ticks = max((len(run) for line in inside for run in re.findall("`{3,}", line)), default=2)
        fence, indent = margin + "`" * (ticks + 1), len(found[1])
        code = [margin + (line[indent:] if not line[:indent].strip() else line) for line in inside]
        return [fence + found["language"].lower(), *code, fence]

    def _find(self, at: int, ending: re.Pattern[str]) -> int | None:
        """The line that ends what begins here; None if a heading comes first."""
        if at < self._unclosed.get(ending.pattern, 0):
            return None
        for line in range(at + 1, len(self.lines)):
            if ending.fullmatch(self.lines[line]):
                return line
            if _HEADING.fullmatch(self.lines[line]):
                break
        self._unclosed[ending.pattern] = line if at + 1 < len(self.lines) else at
        return None

    def _drawer(self, at: int) -> list[str]:
        """Nothing of properties and logs; the marks of any other drawer are no text."""
        found = _DRAWER.fullmatch(self.lines[at])
        if found is None:
            return []
        last = self._find(at, _END_OF_DRAWER) if found["name"].lower() in _DRAWERS else None
        return [""] * (1 if last is None else last + 1 - at)

    def _keyword(self, at: int) -> list[str]:
        found = _KEYWORD.fullmatch(self.lines[at])
        if found is None:
            return []
        key, value = found["key"].lower(), found["value"].strip()
        if key == "filetags":
            self.tags.update(dict.fromkeys(re.findall(r"[\w@#%-]+", value)))
        else:
            self.keywords.setdefault(key, value)
        return [_inline(value) if key == "caption" else ""]

    def _fixed(self, at: int) -> list[str]:
        last = self._run(at, _FIXED)
        found = [_FIXED.fullmatch(line) for line in self.lines[at:last]]
        # Below a paragraph, an indented line would belong to that.
        gap = "\r" if at and self.made[-1] else ""
        return [f"{gap * (not n)}    {one[1] or ''}" for n, one in enumerate(found) if one]

    def _run(self, at: int, pattern: re.Pattern[str]) -> int:
        """The line after those from here on that have a form."""
        while at < len(self.lines) and pattern.fullmatch(self.lines[at]):
            at += 1
        return at

    def _table(self, at: int) -> list[str]:
        made: list[str] = []
        lines = self.lines[at : self._run(at, _ROW)]
        has_head = len(lines) > 1 and not _RULE_ROW.fullmatch(lines[0])
        has_head = has_head and bool(_RULE_ROW.fullmatch(lines[1]))
        columns = max((len(_cells(line)) for line in lines), default=1)
        for number, line in enumerate(lines):
            is_rule = bool(_RULE_ROW.fullmatch(line))
            if has_head and number == 1:
                made.append("| --- " * columns + "|")
            elif is_rule and made:
                made.append("|  " * columns + "|")
            elif is_rule:
                made.append("")
            else:
                cells = [_inline(cell.strip()) for cell in _cells(line)]
                cells += [""] * (columns - len(cells)) if number == 0 else []
                made.append(f"| {' | '.join(cells)} |")
        first = next((n for n, line in enumerate(made) if line.strip("| ")), None)
        if not has_head and first is not None:
            rule = f"{'|  ' * columns}|\r{'| --- ' * columns}|\r"
            made[first] = f"\r{rule}{made[first]}"
        return made

    def _item(self, at: int) -> list[str]:
        found = _ITEM.match(self.lines[at])
        if found is None:
            return []
        indent, last = _indent(self.lines[at]), at + 1
        while last < len(self.lines) and self._is_text(last) and _indent(self.lines[last]) > indent:
            last += 1
        margin = self._margin(at)
        mark = found["mark"].replace("+", "-").replace("*", "-")
        self._items.append((indent, len(margin) + len(mark) + 1))
        first = _TERM.sub(":", self.lines[at][found.end() :], count=1)
        first, *more = _inline(
            "\n".join([first, *map(str.strip, self.lines[at + 1 : last])])
        ).split("\n")
        below = " " * self._items[-1][1]
        return [f"{margin}{mark} {first}", *(below + line for line in more)]

    def _paragraph(self, at: int) -> list[str]:
        last = at + 1
        while last < len(self.lines) and self._is_text(last):
            last += 1
        margin = self._margin(at)
        lines = _inline("\n".join(map(str.strip, self.lines[at:last]))).split("\n")
        lines[0] = _FOOTNOTE.sub(r"\1: ", lines[0])
        return [margin + line for line in lines]

    def _margin(self, at: int) -> str:
        """The indent of what belongs to the item that this line is in; ends those it is not in."""
        while self._items and self._items[-1][0] >= _indent(self.lines[at]):
            self._items.pop()
        return " " * (self._items[-1][1] if self._items else 0)

    def _is_text(self, at: int) -> bool:
        """Whether a line goes on with the paragraph or item above it."""
        line = self.lines[at]
        special = (_HEADING, _BEGIN, _END, _KEYWORD, _DRAWER, _COMMENT, _ROW, _FIXED)
        return bool(line.strip()) and not (
            any(one.fullmatch(line) for one in special) or _ITEM.match(line)
        )


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(8))


def _cells(row: str) -> list[str]:
    return row.strip().removeprefix("|").removesuffix("|").split("|")


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


def _words(text: str) -> str:
    """The words of a line without markup."""
    return _MARKUP.sub(_words_of, text[:2000])


def _words_of(found: re.Match[str]) -> str:
    if found["footnote"] or found["mark"] == "+":
        return ""
    return next(filter(None, (found[name] for name in ("shown", "target", "time", "inner"))), "")
