"""Org: headings, lists, tables and blocks, quoted byte for byte."""

import re
from collections.abc import Callable, Iterator, Sequence

from ragqa.notes.formats import Content, Reader
from ragqa.notes.formats.org_inline import Inline, words
from ragqa.notes.formats.view import View
from ragqa.notes.hidden import cut_at
from ragqa.notes.lines import (
    COLONS,
    Leaf,
    column_labels,
    line_spans,
    one_line,
    paragraph_or_rule,
    to_blocks,
)
from ragqa.notes.parse import date_in
from ragqa.text.words import word_set
from ragqa.types import Kind

_HEADING = re.compile(r"(?P<stars>\*++)[ \t]++(?P<words>.*)")
_TAGS = re.compile(r"(?:\A|[ \t]):(?P<tags>[\w@#%:]++)\s*\Z")
_STATE = re.compile(r"(?P<state>[A-Z][A-Z_-]+)(?=[ \t])[ \t]+")
_PRIORITY = re.compile(r"\[#\w\][ \t]*")
_KEYWORD = re.compile(r"[ \t]*#\+(?P<key>[\w-]+)(?:\[[^\]\n]*\])?:[ \t]*(?P<value>.*)")
_BEGIN = re.compile(r"[ \t]*#\+begin_(?P<name>[\w-]+)[ \t]*(?P<language>[\w+#-]*).*", re.IGNORECASE)
_DRAWER = re.compile(r"[ \t]*:(?P<name>[\w-]+):[ \t]*")
_END_OF_DRAWER = re.compile(r"[ \t]*:end:[ \t]*", re.IGNORECASE)
_COMMENT = re.compile(r"[ \t]*#(?:[ \t].*)?")
_FIXED = re.compile(r"[ \t]*:(?:[ \t].*)?")
_ITEM = re.compile(r"[ \t]*(?P<mark>[-+]|(?<=[ \t])\*|\d{1,9}[.)])(?:[ \t]+|\Z)")
_TERM = re.compile(r"[ \t]::(?=[ \t]|\Z)")
_ROW = re.compile(r"[ \t]*\|.*")
_RULE_ROW = re.compile(r"[ \t]*\|-[-+| \t]*")
_STATES = word_set("TODO DONE NEXT WAITING WAIT HOLD CANCELLED CANCELED STARTED SOMEDAY COMMENT")
_CODE = ("src", "example")
_HIDDEN = ("comment", "export")
_DRAWERS = ("properties", "logbook", "clock")
_LEVELS = 6


class _Org:
    """Reads one note, line by line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = line_spans(text, 0)
        self.lines = [text[start:end] for start, end in self.spans]
        self.view = View(text)
        self.inline = Inline(text, self.view)
        self.keywords: dict[str, str] = {}
        self.tags: dict[str, None] = {}
        self._states = _STATES
        # Pattern to the line up to which it was not found, so that no search is repeated.
        self._unclosed: dict[str, int] = {}
        self._indents: list[int] = []
        self._introduction = ""

    def leaves(self) -> Iterator[Leaf]:
        """Yield the blocks, in order, and put what they say into the view."""
        readers: Sequence[Callable[[int], list[Leaf]]] = (
            self._heading, self._block, self._drawer, self._keyword, self._comment, self._fixed,
            self._table, self._item, self._paragraph,
        )  # fmt: skip
        at = 0
        while at < len(self.lines):
            if not self.lines[at].strip():
                at += 1
                continue
            leaves = next(filter(None, (read(at) for read in readers)))
            yield from (leaf for leaf in leaves if leaf.kind is not Kind.EXCERPT)
            at = leaves[-1].last
            if leaves[-1].kind not in (Kind.ITEM, Kind.PARAGRAPH, Kind.EXCERPT):
                self._indents, self._introduction = [], ""

    def _heading(self, at: int) -> list[Leaf]:
        found = _HEADING.fullmatch(self.lines[at])
        if found is None:
            return []
        start = self.spans[at][0]
        level = min(len(found["stars"]), _LEVELS)
        self.view.put(start, start + level, "#" * level, joined=False)
        title = found["words"].rstrip()
        if (tags := _TAGS.search(title)) and title.endswith(":"):
            self.tags.update(dict.fromkeys(filter(None, tags["tags"].split(":"))))
            title = title[: tags.start()].rstrip()
        begin = start + found.start("words")
        self.inline.put(begin, begin + len(title))
        state = _STATE.match(title)
        if state and state["state"] in self._states:
            title = title[state.end() :]
        label = words(_PRIORITY.sub("", title, count=1))
        kind = Kind.HEADING if label else Kind.RULE
        return [Leaf(kind, at, at + 1, level if label else 0, label)]

    def _block(self, at: int) -> list[Leaf]:
        """A block of code or a comment; the marks of any other block are blank."""
        found = _BEGIN.fullmatch(self.lines[at])
        if found is None:
            ends = self.lines[at].strip().lower().startswith("#+end")
            return [_nothing(at)] if ends else []
        name = found["name"].lower()
        if name not in _CODE + _HIDDEN:
            return [_nothing(at)]
        last = self._find(at, re.compile(rf"[ \t]*#\+end_{name}[ \t]*", re.IGNORECASE))
        if last is None:
            return [_nothing(at)]
        if name in _HIDDEN:
            return self._raw(Kind.COMMENT, at, last + 1)
        for line, shown in ((at, f"```{found['language']}"), (last, "```")):
            if line == last:
                self.view.put(self.spans[at + 1][0], self.spans[last][0], joined=False)
            begin, end = self._mark(line)
            self.view.put(begin, end, f"{shown:<{end - begin}}"[: end - begin], joined=False)
        return [Leaf(Kind.CODE, at, last + 1)]

    def _mark(self, line: int) -> tuple[int, int]:
        """The characters of a line without white space around it."""
        start, written = self.spans[line][0], self.lines[line]
        return start + len(written) - len(written.lstrip()), start + len(written.rstrip())

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

    def _drawer(self, at: int) -> list[Leaf]:
        """Properties and logs; the marks of any other drawer are blank."""
        found = _DRAWER.fullmatch(self.lines[at])
        if found is None:
            return []
        name = found["name"].lower()
        last = self._find(at, _END_OF_DRAWER) if name in _DRAWERS else None
        return [_nothing(at)] if last is None else self._raw(Kind.COMMENT, at, last + 1)

    def _keyword(self, at: int) -> list[Leaf]:
        found = _KEYWORD.fullmatch(self.lines[at])
        if found is None:
            return []
        key, value = found["key"].lower(), found["value"].strip()
        if key in ("todo", "seq_todo", "typ_todo"):
            self._states |= set(re.findall(r"[A-Z][A-Z_-]+", value))
        elif key == "filetags":
            self.tags.update(dict.fromkeys(re.findall(r"[\w@#%-]+", value)))
        elif key == "caption":
            self.inline.put(self.spans[at][0] + found.start("value"), self.spans[at][1])
            return [Leaf(paragraph_or_rule(value), at, at + 1)]
        else:
            self.keywords.setdefault(key, value)
        return [_nothing(at)]

    def _comment(self, at: int) -> list[Leaf]:
        last = self._run(at, _COMMENT)
        return self._raw(Kind.COMMENT, at, last) if last > at else []

    def _fixed(self, at: int) -> list[Leaf]:
        last = self._run(at, _FIXED)
        for line in range(at, last):
            start = self.spans[line][0] + self.lines[line].index(":") + 1
            if start < self.spans[line][1]:
                self.view.put(start, self.spans[line][1], joined=False)
        return [Leaf(Kind.CODE, at, last)] if last > at else []

    def _run(self, at: int, pattern: re.Pattern[str]) -> int:
        """The line after those from here on that have a form."""
        while at < len(self.lines) and pattern.fullmatch(self.lines[at]):
            at += 1
        return at

    def _raw(self, kind: Kind, first: int, last: int) -> list[Leaf]:
        self.view.put(self.spans[first][0], self.spans[last - 1][1], joined=False)
        return [Leaf(kind, first, last)]

    def _table(self, at: int) -> list[Leaf]:
        last = self._run(at, _ROW)
        rules = [bool(_RULE_ROW.fullmatch(self.lines[line])) for line in range(at, last)]
        labels, leaves = tuple[str, ...](), list[Leaf]()
        for line in range(at, last):
            start, end = self.spans[line]
            if rules[line - at]:
                self.view.put(start, end, self.lines[line].replace("+", "|"), joined=False)
                continue
            self.inline.put(start, end)
            if line == at and last > at + 1 and rules[1]:
                row = self.lines[line].strip().removeprefix("|").removesuffix("|")
                labels = column_labels(words(cell) for cell in row.split("|"))
                leaves.append(Leaf(Kind.TABLE_HEAD, line, line + 2))
            else:
                leaves.append(Leaf(Kind.ROW, line, line + 1, labels=labels, inside=line > at))
        return leaves or [_nothing(line) for line in range(at, last)]

    def _item(self, at: int) -> list[Leaf]:
        found = _ITEM.match(self.lines[at])
        if found is None:
            return []
        indent, last = _indent(self.lines[at]), at + 1
        while last < len(self.lines) and self._is_text(last) and _indent(self.lines[last]) > indent:
            last += 1
        inside = bool(self._indents)
        while self._indents and self._indents[-1] >= indent:
            self._indents.pop()
        self._indents.append(indent)
        start, end = self.spans[at][0], self.spans[last - 1][1]
        begin, stop = start + found.start("mark"), start + found.end("mark")
        self.view.put(begin, stop, self.text[begin:stop].replace("+", "-"), joined=False)
        term = _TERM.search(self.text, stop, self.spans[at][1])
        self.inline.put(stop, term.start() if term else end)
        if term:
            self.view.put(term.start(), term.start() + 1, ":")
            self.inline.put(term.end(), end)
        return [Leaf(Kind.ITEM, at, last, len(self._indents), self._introduction, inside=inside)]

    def _paragraph(self, at: int) -> list[Leaf]:
        last = at + 1
        while last < len(self.lines) and self._is_text(last):
            last += 1
        while self._indents and self._indents[-1] >= _indent(self.lines[at]):
            self._indents.pop()
        start, end = self.spans[at][0], self.spans[last - 1][1]
        self.inline.put(start, end)
        told = one_line(self.text[max(start, end - 300) : end])
        self._introduction = words(told.rpartition(". ")[2]) if told.endswith(COLONS) else ""
        kind = paragraph_or_rule(self.text[start:end])
        return [Leaf(kind, at, last, len(self._indents), inside=bool(self._indents))]

    def _is_text(self, at: int) -> bool:
        """Whether a line goes on with the paragraph or item above it."""
        line = self.lines[at]
        special = (_HEADING, _BEGIN, _KEYWORD, _DRAWER, _COMMENT, _ROW)
        return bool(line.strip()) and not (
            any(one.fullmatch(line) for one in special)
            or _ITEM.match(line)
            or _FIXED.fullmatch(line)
            or line.lstrip()[:5].lower() == "#+end"
        )


def _nothing(at: int) -> Leaf:
    """A line that is no text."""
    return Leaf(Kind.EXCERPT, at, at + 1)


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(8))


def parse(text: str) -> Content:
    """Parse an org file; any text is one."""
    org = _Org(text)
    leaves = list(org.leaves())
    shown = org.view.end()
    blocks = to_blocks(shown, org.spans, leaves)
    tops = [b.label for b in blocks if b.kind is Kind.HEADING and b.level == 1]
    return Content(
        text=shown,
        blocks=cut_at(shown, blocks, sorted(org.inline.struck)) if org.inline.struck else blocks,
        title=words(org.keywords.get("title", "")) or (tops[0] if len(tops) == 1 else ""),
        tags=tuple(org.tags),
        date=date_in(org.keywords.get("date", "")),
        links=tuple(org.inline.links),
    )


def view(text: str) -> str:
    """An org file as ragqa reads it."""
    return parse(text).text


ORG = Reader(parse, view)
