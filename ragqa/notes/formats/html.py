"""HTML: saved pages and exports, quoted byte for byte."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from ragqa.notes.formats import Content, Reader
from ragqa.notes.formats.html_head import Head, decode
from ragqa.notes.formats.html_hidden import VOID, is_hidden, is_main
from ragqa.notes.formats.html_tags import Tag, Text, read_tags
from ragqa.notes.formats.view import View
from ragqa.notes.lines import COLONS, one_line, paragraph_or_rule
from ragqa.text.words import word_set
from ragqa.types import Block, Kind, Link

MAX_LINKS = 10_000
_MIN_HIDDEN = 300
"""A shorter hidden element may stand within a quote; a longer one ends it."""

_MAX_CODE = 400

_BLOCKS = word_set(
    """address article aside blockquote body caption center dd details div dl dt fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li main nav ol p pre section summary
    table tbody td tfoot th thead tr ul"""
)
_OF_ROW = frozenset({"td", "th"})
_OF_LAYOUT = word_set("h1 h2 h3 h4 h5 h6 table pre ul ol dl article section")
_HEADING = re.compile(r"h[1-6]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_CELL = " | "
_UNCLOSED = "<{}>, which is hidden, is not closed, so the rest of the page is left out"


@dataclass
class _Run:
    """The block that is being read."""

    kind: Kind
    start: int
    end: int
    level: int = 0
    label: str = ""
    words: list[str] = field(default_factory=list)


@dataclass
class _List:
    """An open list; `number` is that of its next item, 0 without numbers."""

    number: int
    introduction: str


@dataclass
class _Table:
    """An open table; `bars` are the pieces of the view before the cells of the current row.

    A table that holds headings, lists or tables lays the page out: its cells are text.
    """

    header: str = ""
    bars: list[int] = field(default_factory=list)
    are_heads: bool = True
    is_layout: bool = False


class _Page:
    """Reads one page."""

    def __init__(self, source: str) -> None:
        self.view = View(source)
        self.head = Head()
        self.title = ""
        self.blocks: list[Block] = []
        self._group = 0
        self.links: dict[Link, None] = {}
        self.warnings: tuple[str, ...] = ()
        self._source = source
        self._run: _Run | None = None
        self._joined = False
        self._ticks = False
        self._lists: list[_List] = []
        self._item: Tag | None = None
        self._tables: list[_Table] = []
        self._heading = self._pre = self._main = 0
        self._introduction = ""
        self._hidden: Tag | None = None
        self._depth = 0

    def read(self) -> None:
        for piece in read_tags(self._source):
            if isinstance(piece, Text):
                if self._hidden is None:
                    self._text(piece)
                continue
            self.head.read(piece)
            if self._hidden is not None:
                self._within_hidden(piece, self._hidden)
            elif piece.name and not piece.closes and is_hidden(piece, in_main=self._main > 0):
                if piece.name not in VOID and not self._source.startswith("/>", piece.end - 2):
                    self._hidden, self._depth = piece, 1
            else:
                self._tag(piece)
        self._flush()
        if self._hidden is not None:
            self.warnings = (_UNCLOSED.format(self._hidden.name),)

    def _within_hidden(self, tag: Tag, hidden: Tag) -> None:
        if tag.name != hidden.name:
            return
        self._depth += -1 if tag.closes else 1
        if self._depth:
            return
        self._hidden = None
        if tag.end - hidden.start >= _MIN_HIDDEN:
            self._flush()
            self._item = None
            # What is not white space in it keeps the text before it and after it apart.
            self.view.put(hidden.start, hidden.start + 1, joined=False)
            self.blocks.append(Block(Kind.COMMENT, hidden.start, tag.end))
        elif hidden.name in _BLOCKS:
            self._flush()

    def _tag(self, tag: Tag) -> None:
        if is_main(tag):
            self._main = max(0, self._main + (-1 if tag.closes else 1))
        if tag.name == "br":
            self._joined = False
        elif tag.name == "a" and not tag.closes:
            self._link(tag)
        elif tag.name == "code" and not self._pre:
            self._code(tag)
        if tag.name not in _BLOCKS:
            return
        table = self._tables[-1] if self._tables else None
        if table and not table.is_layout and tag.name in _OF_LAYOUT and not tag.closes:
            self._lay_out(table)
        in_row = table is not None and table.bars and tag.name not in (*_OF_ROW, "tr", "table")
        if not in_row and not (self._heading and tag.name == "div"):
            self._block(tag, table)
        self._joined = False

    def _block(self, tag: Tag, table: _Table | None) -> None:
        name, opens = tag.name, not tag.closes
        if name not in _OF_ROW or (table and table.is_layout):
            self._flush()
        if _HEADING.fullmatch(name):
            self._heading = int(name[1]) if opens else 0
        elif name == "pre":
            self._pre += 1 if opens else -1 if self._pre else 0
        elif name in ("ul", "ol") and opens:
            self._item = None
            self._lists.append(_List(int(name == "ol"), self._introduction))
        elif name in ("ul", "ol"):
            del self._lists[-1:]
        elif name == "li":
            self._item = tag if opens else None
        elif name == "table" and opens:
            self._tables.append(_Table())
        elif name == "table":
            del self._tables[-1:]
        elif name in _OF_ROW and opens and table and not table.is_layout:
            self._cell(tag, table)

    def _cell(self, tag: Tag, table: _Table) -> None:
        if not table.bars:
            self._flush()
            self.view.break_line(tag.start)
            table.are_heads = True
            self._run = _Run(Kind.ROW, tag.start, tag.start, label=table.header)
        if self._run is not None:
            table.bars.append(self.view.put(tag.start, tag.start + 1, "|", joined=False))
            table.are_heads = table.are_heads and tag.name == "th"
            self._run.words.append(_CELL)

    def _lay_out(self, table: _Table) -> None:
        """Take what was read of a row as a paragraph."""
        table.is_layout = True
        if self._run is not None and self._run.kind is Kind.ROW:
            self._flush()

    def _link(self, tag: Tag) -> None:
        target = tag.attributes.get("href", "").partition("#")[0].strip()
        if target and not _SCHEME.match(target) and len(self.links) < MAX_LINKS:
            self.links[Link(unquote(target), wiki=False)] = None

    def _code(self, tag: Tag) -> None:
        """Make code within a line Markdown's, so that nothing in it is taken for markup."""
        if not tag.closes:
            end = self._source.find("</code>", tag.end, tag.end + _MAX_CODE)
            code = self._source[tag.end : max(end, tag.end)]
            self._ticks = bool(code.strip()) and "`" not in code and "<pre" not in code
        if not self._ticks:
            return
        if not tag.closes:
            self._put(Text(tag.start, tag.start + 1, "`"), is_word=False)
        elif self._run is not None:
            self._put(Text(tag.end - 1, tag.end, "`"), is_word=False)
            self._ticks = False

    def _text(self, text: Text) -> None:
        if self._run is None:
            shown = text.shown.lstrip()
            if not shown:
                return
            text = Text(text.start + len(text.shown) - len(shown), text.end, shown)
        self._put(text)

    def _put(self, text: Text, *, is_word: bool = True) -> None:
        run = self._run or self._open(text.start)
        shown = text.shown
        if run.kind is Kind.ROW and is_word:
            shown = shown.replace("|", "\u2223")  # a bar would end the cell
        self.view.put(text.start, text.end, shown, joined=self._joined)
        self._joined = True
        if is_word:
            run.words.append(shown)
        if kept := shown.rstrip():
            run.end = text.end if text.end - text.start != len(shown) else text.start + len(kept)

    def _open(self, start: int) -> _Run:
        level = len(self._lists)
        item, self._item = self._item, None
        if self._heading:
            run = _Run(Kind.HEADING, start, start, self._heading)
        elif self._pre:
            run = _Run(Kind.CODE, start, start, level)
        elif item and self._lists:
            return self._open_item(item, self._lists[-1], level)
        else:
            run = _Run(Kind.PARAGRAPH, start, start, level)
        self.view.break_paragraph(start, 2 * level)
        self.view.is_code = run.kind is Kind.CODE
        self._run, self._joined = run, False
        return run

    def _open_item(self, item: Tag, inside: _List, level: int) -> _Run:
        mark = "-"
        if inside.number:
            mark = f"{inside.number}." if inside.number < 100 else "-"
            inside.number += 1
        self.view.break_line(item.start, 2 * (level - 1))
        self.view.put(item.start, item.start + len(mark), mark, joined=False)
        self.view.is_code, self._joined = False, False
        self._run = _Run(Kind.ITEM, item.start, item.start, level, inside.introduction)
        return self._run

    def _flush(self) -> None:
        run, self._run, self._joined = self._run, None, False
        if run is None:
            return
        words = one_line("".join(run.words))
        if run.kind is Kind.ROW:
            self._end_row(run, self._tables[-1])
        elif run.kind is Kind.HEADING:
            run.label = words
            self.title = self.title or (words if run.level == 1 else "")
        elif run.kind is Kind.PARAGRAPH:
            run.kind = paragraph_or_rule(words)
        ends = run.kind is Kind.PARAGRAPH and words.endswith(COLONS)
        self._introduction = words.rpartition(". ")[2] if ends else ""
        if run.end > run.start and (run.label or run.kind is not Kind.HEADING):
            is_row = run.kind is Kind.ROW
            labels = tuple(filter(None, run.label.split(" | "))) if is_row else ()
            above = self.blocks[-1] if self.blocks else run
            is_nested = all(one.level and one.kind is not Kind.HEADING for one in (run, above))
            self._group += not (is_nested or (is_row and above.kind in (Kind.ROW, Kind.TABLE_HEAD)))
            label = "" if is_row else run.label
            found = Block(run.kind, run.start, run.end, run.level, label, labels, self._group)
            self.blocks.append(found)

    def _end_row(self, run: _Run, table: _Table) -> None:
        """Decide what a row is: a header, a row, or a paragraph if it is all of its table's."""
        words = one_line("".join(run.words).removeprefix(_CELL))
        if table.is_layout or len(table.bars) == 1 or not words.replace("|", "").strip():
            for bar in table.bars:
                self.view.erase(bar)
            run.start = run.start if words.replace("|", "").strip() else run.end
            run.kind, run.label = paragraph_or_rule(words), ""
        elif table.are_heads and not table.header:
            run.kind, table.header = Kind.TABLE_HEAD, words
        table.bars = []


def parse(text: str) -> Content:
    """Parse a page; any text is one."""
    page = _Page(text)
    page.read()
    head = page.head
    return Content(
        text=page.view.end(),
        blocks=tuple(page.blocks),
        title=page.title if page.title and page.title in head.title else head.title or page.title,
        date=head.date,
        links=tuple(page.links),
        warnings=page.warnings,
    )


def view(text: str) -> str:
    """A page as ragqa reads it."""
    return parse(text).text


HTML = Reader(parse, view, decode)
