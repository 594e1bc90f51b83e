"""HTML: saved pages and exports, cited by paragraph.

The merged cells of a table stand in each row and column, below one row of names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import pairwise, zip_longest
from operator import is_
from typing import NamedTuple

import html_to_markdown
from msgspec.structs import replace

from ragqa.notes.formats import Document, Place, Unfit, decode_text, escaped
from ragqa.notes.formats.html_tags import VOID, Tag, loss, read_tags
from ragqa.notes.lines import one_line
from ragqa.text.dates import day_of
from ragqa.text.markdown import TO_SUPERSCRIPT
from ragqa.text.words import word_set

_ESCAPE, _DEFINITION = "\ue000", "\ue001"
"""Stand for a backslash and the mark of a definition until the page is Markdown."""

_TERM_AND = re.compile(rf"\n+([ \t]*){_DEFINITION}\s*")
_PRIVATE = re.compile(f"[{_ESCAPE}{_DEFINITION}]")
_CODE = word_set("code pre kbd samp tt xmp listing")
_OF_TABLE = word_set("table caption colgroup thead tbody tfoot tr th td")
_LAYS_OUT = word_set("table article section")
_LAYS_OUT_IF_NAMELESS = word_set("h1 h2 h3 h4 h5 h6 pre ul ol dl")
"""What shows that a table without names of columns lays the page out."""
_WITHIN = word_set("a span b i em strong sup sub font")
_MODIFIED = re.compile(r"modified|updated|revised")
_PUBLISHED = re.compile(r"publi[cs]|pubdate|issued|created|\A(?:dc\.|dcterms\.)?date\Z")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_KEPT = {"a": ("href",), "ol": ("start",), "input": ("type", "checked")}
"""The attributes that say something; what a page shows of others is no text of it."""

_RAISED = re.compile(r"<su([bp])>((?:(?!</?su[bp]>).){0,500}+)</su\1>", re.DOTALL)
_BRACKET = re.compile(rf"(?<!{_ESCAPE})[\[\]]")
_SPACE = re.compile(r"\s+")
_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_UNCLOSED = "<{}>, which is hidden, is not closed, so the rest of the page is left out"
_TOO_DEEP = "what stands within more than 1,024 elements is left out"
_OPTIONS = html_to_markdown.ConversionOptions(
    bullets="-",
    autolinks=False,
    compact_tables=True,
    skip_images=True,
    extract_metadata=False,
    include_blockquote_citations=False,
    expand_abbreviations=False,
    hidden_content="all",
    preprocessing=html_to_markdown.PreprocessingOptions(enabled=False),
)

MAX_COLUMNS = 200
"""A merged cell spans at most so many."""

MAX_CHARS = 40_000_000
"""What the cells of a table may show, with all their copies."""

TAG = re.compile(r"<[^>]*>")


def convert(data: bytes) -> Document:
    """Convert a page; only in the child process.

    :raises Unfit: it cannot be decoded, or its tables are too large.
    """
    source = _decode(data)
    document = document_of(source)
    return replace(document, warnings=document.warnings + loss(source, document.text))


def document_of(source: str) -> Document:
    """The document of a page.

    :raises Unfit: its tables are too large.
    """
    page = _Page()
    page.read(_PRIVATE.sub(" ", source))
    result = html_to_markdown.convert(_RAISED.sub(_apart, "".join(page.pieces)), _OPTIONS)
    text = _TERM_AND.sub(r"\n\1: ", result.content or "").replace(_DEFINITION, "")
    text = text.replace(_ESCAPE, "\\").strip("\n") + "\n"
    title, heading = page.about.get("title", ""), re.search(r"^# (.+)", text, re.MULTILINE)
    if heading and (heading[1] in title or not title):
        title = heading[1]
    dates = (page.about.get(kind, "") for kind in ("modified", "published", "time"))
    is_cut = any("depth limit" in one.message for one in result.warnings)
    return Document(
        text,
        "paragraph",
        tuple(_paragraphs(text)),
        title=title,
        date=next(filter(None, dates), ""),
        warnings=page.warnings + (_TOO_DEEP,) * is_cut,
    )


def _apart(raised: re.Match[str]) -> str:
    """A superscript or subscript, so that its digits are not those of a number before it."""
    kind, shown = raised.groups()
    words = TAG.sub("", shown).strip().replace("\u2212", "-")
    if "<a" in shown:
        return f" {shown}" if "href" in shown or "[" in words else f" [{words}]"
    if kind == "p" and words and not words.strip("0123456789+-"):
        return words.translate(TO_SUPERSCRIPT)
    is_glued = raised.string[max(0, raised.start() - 1)].isdigit() and not words[:1].isalpha()
    return f"{'^' if kind == 'p' else '_'}{shown}" if is_glued else raised[0]


def _paragraphs(text: str) -> Iterator[Place]:
    """Where each paragraph of a text begins; headings, items, rows and blocks of code count."""
    number, start, fence, before = 0, 0, "", ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        goes_on = bool(fence) or before.endswith("  \n")
        if not goes_on and line.strip("|-: \n"):
            number += 1
            yield Place(start, number)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip(f"{fence[0]} \t\n"):
            fence = ""
        start, before = start + len(line), line


def _decode(data: bytes) -> str:
    """Decode a page: as UTF-8, else as it says itself.

    :raises Unfit: it is neither.
    """
    try:
        return decode_text(data)
    except Unfit:
        found = _CHARSET.search(data, 0, 4096)
        if found is None or b"\0" in data:
            raise
    try:
        text = data.decode(found[1].decode("ascii"))
        text.encode("utf-8")  # no half of a pair
    except (UnicodeError, LookupError) as exc:
        name = found[1].decode("ascii")
        raise Unfit(f"neither UTF-8 nor {name}, as it says; save it as UTF-8") from exc
    return text


def _read_about(tag: Tag, about: dict[str, str]) -> None:
    """Add what a tag says of the page: "title", or when it was "modified" or "published"."""
    has, kind, said = tag.attributes if tag.name in ("meta", "time") else {}, "", ""
    if tag.name == "title" and not tag.closes:
        end = tag.source.find("</", tag.end)
        title = one_line(unescape(tag.source[tag.end : max(end, tag.end)]))
        about["title"] = about.get("title") or title
    elif tag.name == "meta":
        names = (has.get(key, "") for key in ("name", "property", "itemprop", "http-equiv"))
        name, said = next(filter(None, names), "").lower(), has.get("content", "")
        changed, made = _MODIFIED.search(name), _PUBLISHED.search(name)
        kind = "modified" if changed else "published" if made else ""
    elif tag.name == "time":
        kind, said = "time", has.get("datetime", "")
    if kind and (date := day_of(said)):
        about.setdefault(kind, date)


@dataclass
class _Table:
    """An open table: its tags with their places among the pieces, and whether it is a layout."""

    tags: list[tuple[int, Tag]]
    is_layout: bool = False
    is_layout_if_nameless: bool = False


class _Page:
    """What of a page is text, as HTML whose text Markdown does not take for markup."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.warnings: tuple[str, ...] = ()
        self.about: dict[str, str] = {}
        self._tables: list[_Table] = []
        self._link = -1  # where the open link begins, if any
        self._code = self._main = 0

    def read(self, source: str) -> None:
        hidden: Tag | None = None
        at = depth = 0
        for tag in read_tags(source):
            _read_about(tag, self.about)
            if hidden is None:
                self._text(source[at : tag.start])
            at = tag.end
            if hidden is not None:
                depth += 0 if tag.name != hidden.name else -1 if tag.closes else 1
                hidden = hidden if depth else None
            elif tag.name and not tag.closes and tag.is_hidden(in_main=self._main > 0):
                self.pieces.append("" if tag.name in _WITHIN else "\n")
                if tag.name not in VOID and not source.startswith("/>", tag.end - 2):
                    hidden, depth = tag, 1
            elif tag.name not in ("", "title"):
                self._tag(tag)
        if hidden is None:
            self._text(source[at:])
        else:
            self.warnings = (_UNCLOSED.format(hidden.name),)
        while self._tables:
            self._end(self._tables.pop())

    def _text(self, text: str) -> None:
        shown = unescape(text).replace("\0", "")
        if not self._code:
            shown = escaped(_SPACE.sub(" ", shown), _ESCAPE)
            # Brackets would end the words of a link.
            shown = _BRACKET.sub(rf"{_ESCAPE}\g<0>", shown) if self._link >= 0 else shown
        self.pieces.append(escape(shown, quote=False))

    def _tag(self, tag: Tag) -> None:
        name, step = tag.name, -1 if tag.closes else 1
        if tag.is_main:
            self._main = max(0, self._main + step)
        if name in _CODE:
            self._code = max(0, self._code + step)
        has = () if tag.closes else [key for key in _KEPT.get(name, ()) if key in tag.attributes]
        kept = "".join(f' {key}="{escape(tag.attributes[key])}"' for key in has)
        definition = _DEFINITION if name == "dd" and not tag.closes else ""
        shown = "div" if name == "summary" else name  # else it is bold, also around a heading
        self.pieces.append(f"<{'/' * tag.closes}{shown}{kept}>{definition}")
        if name == "a":
            self._of_link(tag)
        elif self._tables:
            table = self._tables[-1]
            if name in _OF_TABLE and (name != "table" or tag.closes):
                table.tags.append((len(self.pieces) - 1, tag))
            else:
                table.is_layout |= name in _LAYS_OUT
                table.is_layout_if_nameless |= name in _LAYS_OUT_IF_NAMELESS
        if name == "table" and tag.closes and self._tables:
            self._end(self._tables.pop())
        elif name == "table" and not tag.closes:
            self._tables.append(_Table([(len(self.pieces) - 1, tag)]))

    def _of_link(self, tag: Tag) -> None:
        """Leave out links within the page, and those that show no text."""
        if tag.closes and self._link >= 0:
            inside = self.pieces[self._link + 1 : -1]
            if all(not piece.strip() or piece.startswith("<") for piece in inside):
                self.pieces[self._link] = self.pieces[-1] = ""
            self._link = -1
        elif not tag.closes and not tag.attributes.get("href", "#").startswith("#"):
            self._link = len(self.pieces) - 1
        elif not tag.closes:
            self.pieces[-1] = "<a>"

    def _end(self, table: _Table) -> None:
        """Make what lays the page out text, and let each row of another table say what it holds."""
        start, before = table.tags[0][0], list[str]()
        rows, head, in_head = [list[Cell]()], 0, False
        for (at, tag), (end, _) in pairwise([*table.tags, (len(self.pieces), table.tags[0][1])]):
            shown = "" if table.is_layout else "".join(self.pieces[at + 1 : end])
            if tag.name in ("th", "td") and not tag.closes:
                columns, merged = (tag.attributes.get(span, "") for span in ("colspan", "rowspan"))
                rows[-1].append(Cell(shown, tag.name == "th", number(columns), number(merged)))
                head = len(rows) if in_head else head
                continue
            if shown.strip():
                before.append(f"<div>{shown}</div>")
            if tag.name == "thead":
                in_head = not (tag.closes or any(rows))
            elif tag.name == "tr" and rows[-1]:
                rows.append([])
        is_named = any(cell.is_head for cell in rows[0])
        is_wide = any(len(row) > 1 for row in (rows if is_named else rows[:1]))
        if table.is_layout or not is_wide or (table.is_layout_if_nameless and not is_named):
            for at, tag in table.tags:
                self.pieces[at] = "</div>" if tag.closes else "<div>"
        else:
            self.pieces[start:] = [*before, *html_of(filter(None, rows), head)]
            self._link = min(self._link, start - 1)


class Cell(NamedTuple):
    """What a cell shows, whether it names others, and of how many columns and rows."""

    shown: str
    is_head: bool = False
    columns: int = 1
    rows: int = 1


def number(said: str) -> int:
    """How many columns or rows a cell says that it spans."""
    return int(said) if said.isdecimal() and 0 < len(said) < 6 and int(said) else 1


def html_of(rows: Iterable[Sequence[Cell]], head: int) -> Iterator[str]:
    """A table that has as many cells in each row, merged ones in each that they span.

    A first row of one merged cell is its title. Names below a row of values begin another table.

    :param head: how many rows a `<thead>` has; without one cells tell which rows name columns.
    :raises Unfit: it is too large.
    """
    filled, start = list(_filled(rows)), 0
    while start < len(filled) - 1 and len(filled[start]) == 1 < filled[start][0].columns:
        yield f"<div>{filled[start][0].shown}</div>"
        start += 1
    below = range(max(start + 1, head), len(filled) - 1)
    cuts = [at for at in below if _is_named(filled[at]) and not _is_named(filled[at - 1])]
    for first, last in pairwise([start, *cuts, len(filled)]):
        part, head = filled[first:last], head - first
        if not 0 < head < len(part):
            head = _named(part)
        width = max(map(len, part))
        columns = zip_longest(*part[:head], fillvalue=Cell(""))
        said = (filter(None, (cell.shown.strip() for cell in column)) for column in columns)
        names = [" / ".join(dict.fromkeys(each)) for each in said]  # such as "2024 / Q1"
        yield f"<table>{_row(names + [''] * (width - len(names)), 'th')}"
        for row in part[head:]:
            yield _row([cell.shown for cell in row], "td")
        yield "</table>"


def _row(cells: Sequence[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _filled(rows: Iterable[Sequence[Cell]]) -> Iterator[list[Cell]]:
    """Rows with merged cells in each place, but one that is alone in its row only once."""
    chars, above = 0, dict[int, tuple[Cell, int]]()  # in how many rows a cell is still to stand
    for row in rows:
        if len(row) == 1 and not above:
            yield [row[0]]
            continue
        filled, below, cells = list[Cell](), dict[int, tuple[Cell, int]](), iter(row)
        left = len(row)
        while left or above:
            columns = 1
            if len(filled) in above:
                cell, count = above[len(filled)]
            else:
                cell, left = next(cells, Cell("")), max(0, left - 1)
                count, columns = cell.rows, min(cell.columns, MAX_COLUMNS)
            for _ in range(columns):
                above.pop(len(filled), None)
                if count > 1:
                    below[len(filled)] = cell, count - 1
                filled.append(cell)
                chars += len(cell.shown) + 1
            if chars > MAX_CHARS:
                raise Unfit(f"its tables have more than {MAX_CHARS:,} characters")
        above = below
        yield filled


def _is_named(row: Sequence[Cell]) -> bool:
    """Whether all cells of a row are names."""
    return len(row) > 1 and all(cell.is_head for cell in row) and any(cell.shown for cell in row)


def _named(rows: Sequence[Sequence[Cell]]) -> int:
    """How many of the first rows name columns, by their cells."""
    if not rows or not any(is_head := [cell.is_head for cell in rows[0]]) or not all(is_head[1:]):
        return 0
    count = 1
    while count < len(rows) - 1 and _names_parts(rows[count - 1], rows[count]):
        count += 1
    return count


def _names_parts(above: Sequence[Cell], row: Sequence[Cell]) -> bool:
    """Whether a row names parts of what the row above it names."""
    if len(row) != len(above) or len(row) < 2:
        return False
    if all(cell.is_head for cell in row) or any(map(is_, above, row)):
        return True
    said = [TAG.sub("", cell.shown).strip() for cell in row]
    is_below = all(cell.columns > 1 or not words for cell, words in zip(above, said, strict=True))
    return is_below and any(map(str.isalpha, "".join(said)))
