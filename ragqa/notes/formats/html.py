"""HTML: saved pages and exports, cited by paragraph."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape

import html_to_markdown

from ragqa.notes.decoding import Unfit
from ragqa.notes.formats.document import Document, Place
from ragqa.notes.formats.escaping import escaped
from ragqa.notes.formats.html_head import Head, decode
from ragqa.notes.formats.html_tags import VOID, Tag, read_tags
from ragqa.text.words import word_set

MAX_CHARS = 20_000_000

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
_LANGUAGE = re.compile(
    r"\b(?:lang(?:uage)?|brush|highlight(?:-source)?)[-:]\s?([\w+#]+)"
    r"|\b(?:src-|sourceCode )([\w+#]+)"
)
_KEPT = {
    "a": ("href",),
    "ol": ("start",),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan"),
    "input": ("type", "checked"),
}
"""The attributes that say something; what a page shows of others is no text of it."""

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


def convert(data: bytes) -> Document:
    """Convert a page; only in the child process.

    :raises Unfit: it cannot be decoded, or is too long.
    """
    return document_of(decode(data))


def document_of(source: str) -> Document:
    """The document of a page.

    :raises Unfit: it is too long.
    """
    head = Head()
    page = _Page(head)
    page.read(_PRIVATE.sub(" ", source))
    result = html_to_markdown.convert("".join(page.pieces), _OPTIONS)
    text = _TERM_AND.sub(r"\n\1: ", result.content or "").replace(_DEFINITION, "")
    text = text.replace(_ESCAPE, "\\").strip("\n") + "\n"
    if len(text) > MAX_CHARS:
        raise Unfit(f"its text has more than {MAX_CHARS:,} characters")
    heading = re.search(r"^# (.+)", text, re.MULTILINE)
    is_cut = any("depth limit" in one.message for one in result.warnings)
    return Document(
        text,
        "paragraph",
        tuple(_paragraphs(text)),
        title=heading[1]
        if heading and (heading[1] in head.title or not head.title)
        else head.title,
        date=head.date,
        warnings=page.warnings + (_TOO_DEEP,) * is_cut,
    )


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


def _kept(tag: Tag) -> str:
    """What is kept of a tag besides its name."""
    has, names = tag.attributes, _KEPT.get(tag.name, ())
    language = _LANGUAGE.search(has.get("class", "")[:200]) if tag.name in ("pre", "code") else None
    more = f' class="language-{language[1] or language[2]}"' if language else ""
    return more + "".join(f' {name}="{escape(has[name])}"' for name in names if name in has)


@dataclass
class _Table:
    """An open table: where its tags are among the pieces, and which cells of its first row head."""

    tags: list[int]
    heads: list[bool] = field(default_factory=list)
    rows: int = 0
    has_head: bool = False
    is_layout: bool = False


class _Page:
    """What of a page is text, as HTML whose text Markdown does not take for markup."""

    def __init__(self, head: Head) -> None:
        self.pieces: list[str] = []
        self.warnings: tuple[str, ...] = ()
        self._head = head
        self._tables: list[_Table] = []
        self._link = -1  # where the open link begins, if any
        self._code = self._main = 0

    def read(self, source: str) -> None:
        hidden: Tag | None = None
        at = depth = 0
        for tag in read_tags(source):
            self._head.read(tag)
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
        kept = "" if tag.closes else _kept(tag)
        definition = _DEFINITION if name == "dd" and not tag.closes else ""
        shown = "div" if name == "summary" else name  # else it is bold, also around a heading
        self.pieces.append(f"<{'/' * tag.closes}{shown}{kept}>{definition}")
        if name == "a":
            self._of_link(tag)
        elif self._tables and name in _OF_TABLE and (name != "table" or tag.closes):
            self._of_table(tag, self._tables[-1])
        elif self._tables:
            table = self._tables[-1]
            is_nameless = not any(table.heads)
            table.is_layout |= name in _LAYS_OUT or (is_nameless and name in _LAYS_OUT_IF_NAMELESS)
        if name == "table" and not tag.closes:
            self._tables.append(_Table([len(self.pieces) - 1]))

    def _of_link(self, tag: Tag) -> None:
        """Leave out links within the page, and those that show no text."""
        if tag.closes and self._link >= 0:
            inside = self.pieces[self._link + 1 : -1]
            if all(not piece.strip() or piece.startswith("<") for piece in inside):
                self.pieces[self._link] = self.pieces[-1] = ""
            self._link = -1
        elif not tag.closes and not tag.attributes.get("href", "#").startswith("#"):
            self._link = len(self.pieces) - 1
        else:
            self.pieces[-1] = ""

    def _of_table(self, tag: Tag, table: _Table) -> None:
        table.tags.append(len(self.pieces) - 1)
        if tag.name == "table":
            self._end(self._tables.pop())
        elif not tag.closes:
            table.rows += tag.name == "tr"
            table.has_head |= tag.name == "thead" and not table.heads
            if tag.name in ("th", "td") and table.rows < 2:
                table.heads.append(tag.name == "th")

    def _end(self, table: _Table) -> None:
        """Make what lays the page out text, and let a first row name columns only if it does."""
        if table.is_layout or len(table.heads) < 2:
            for at in table.tags:
                self.pieces[at] = "</div>" if self.pieces[at].startswith("</") else "<div>"
        elif not (table.has_head or (any(table.heads) and all(table.heads[1:]))):
            self.pieces[table.tags[0]] += f"<tr>{'<th></th>' * len(table.heads)}</tr>"
