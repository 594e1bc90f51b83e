"""The formats of notes, and the `Document` that a file becomes, unless it is `Unfit`."""

import codecs
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeAlias

from msgspec import Struct

from ragqa.errors import install_command
from ragqa.types import NoteState, Span, Stamp

NO_EXTRA = f'not read without the extra "documents": {install_command("documents")}'
"""Why a file is skipped that a library of the extra could read."""

ALL = "all"
"""Names every format in the setting `formats`."""


_PLACE = (
    r"(?i)(?:pp?\.|pages?|(?P<other>cell|slide|sheet|paragraph)s?)\s*"
    r"(?P<first>[0-9]{1,9})(?:[-\u2013](?P<last>[0-9]{1,9}))?(?P<output>, output)?"
)

_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_BLOCK = re.compile(r"[ \t]*(?:[-+*>]|\d{1,9}[.)]|#{1,6})(?:[ \t]|$)|[ \t]*\|")

_CONTROL = r"[\x00-\x08\x0e-\x1f\x7f]"
_NOT_UTF8 = "read as Windows-1252, since it is not UTF-8"


class Unfit(Exception):
    """The file is not a readable note, for the reason given."""


def decode_text(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode UTF-8, UTF-16 with a byte order mark, or Windows-1252 with a warning; or `Unfit`."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unfit("UTF-32; save it as UTF-8")
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not is_wide and (nul := data.find(b"\0")) >= 0:
        raise Unfit(f"binary: a NUL at byte {nul:,}")
    body = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-16" if is_wide else "utf-8")
    except UnicodeDecodeError as exc:
        if body == data and not is_wide:
            with suppress(UnicodeDecodeError):
                text = data.decode("cp1252")
                if not re.search(_CONTROL, text):
                    return text, (_NOT_UTF8,)
        at, name = len(data) - len(body) + exc.start, "UTF-16" if is_wide else "UTF-8"
        raise Unfit(f"not {name}: byte {at:,} is invalid; save it as UTF-8") from exc
    if "\0" in text:
        raise Unfit(f"binary: a NUL at character {text.index(chr(0)):,}")
    return text, ()


class Place(Struct, frozen=True, array_like=True):
    """Where a page, slide, sheet, cell or paragraph of a file, or a cell's output, begins."""

    start: int
    number: int
    is_output: bool = False


def paragraphs(text: str) -> Iterator[Place]:
    """Where each paragraph of Markdown begins; headings, items, rows and blocks of code count."""
    number, start, fence, before = 0, 0, "", ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        goes_on = fence or (before.strip() and not mark and not _BLOCK.match(line))
        if not goes_on and line.strip("|-: \n"):
            number += 1
            yield Place(start, number)
        start, before = start + len(line), "" if line.lstrip().startswith(("#", "|")) else line
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence) and not line.strip(f"{fence[0]} \t\n"):
            fence = before = ""


class Document(Struct, frozen=True):
    """What a file says, as Markdown; `places` are of the kind `what`: "page", or "" for lines."""

    text: str
    what: str = ""
    places: tuple[Place, ...] = ()
    title: str = ""
    tags: tuple[str, ...] = ()
    date: str = ""
    warnings: tuple[str, ...] = ()
    state: NoteState = NoteState(Stamp(0, 0), "", settled=True)

    def locate(self, span: Span) -> str:
        """The place of a span of the text, such as "p. 3" or "cells 7-8"; "" if it has none."""
        first = bisect_right(self.places, span[0], key=lambda place: place.start)
        last = bisect_right(self.places, max(*span) - 1, key=lambda place: place.start)
        if not last:
            return ""
        begin, end = self.places[max(first, 1) - 1], self.places[max(first, last, 1) - 1]
        if begin.number != end.number:
            several = "pp." if self.what == "page" else f"{self.what}s"
            return f"{several} {begin.number}-{end.number}"
        one = "p." if self.what == "page" else self.what
        return f"{one} {begin.number}{', output' * begin.is_output}"

    def span_at(self, locator: str) -> Span | None:
        """The span of a place as `locate` names it; None if there is no such place."""
        match = re.fullmatch(_PLACE, locator)
        if not match or self.what != (match["other"] or "page").lower():
            return None
        first, last = int(match["first"]), int(match["last"] or match["first"])
        is_output = bool(match["output"])
        starts = [p.start for p in self.places if p.number == first and p.is_output >= is_output]
        if not starts or not first <= last <= self.places[-1].number:
            return None
        end = next((place.start for place in self.places if place.number > last), len(self.text))
        return starts[0], end


Converted: TypeAlias = Document | str
"""What a file was converted to, or why it cannot be: the child's reply, which the cache keeps."""


def fragment(locator: str) -> str:
    """What a link to a file ends with, so that it opens at this place: "#page=3" or ""."""
    page = re.match(r"pp?\. ([0-9]+)", locator)
    return f"#page={page[1]}" if page else ""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that holds notes.

    :ivar version: raised whenever its files are converted differently, so that they are read anew;
        0 for one that is always read, and as it is.
    :ivar needs: the library of the extra that converts it, in the child process; "" for none.
    :ivar max_bytes: larger files are skipped; 0 for the setting `max_note_bytes`.
    :ivar text_share: how much of a file is text, roughly; it tells how long embedding will take.
    """

    name: str
    suffixes: tuple[str, ...]
    version: int = 0
    needs: str = ""
    max_bytes: int = 0
    text_share: float = 1.0

    def convert_here(self, data: bytes) -> Document:
        """A file's document, made in this process; or `Unfit`."""
        if not self.version:
            text, warnings = decode_text(data)
            return Document(text, warnings=warnings)
        if self.needs:
            from ragqa.notes import documents

            return documents.convert(self.name, data)
        from ragqa.notes import ipynb

        return ipynb.convert(data)

    @property
    def seconds(self) -> int:
        """How long reading a file may take: a library's time is quadratic in a few pages."""
        return 300 if self.max_bytes else 20

    @property
    def mark(self) -> str:
        """The end of a note's digest, which differs for each version of its format."""
        return f"-{self.name}{self.version}" if self.version else ""


_LIBRARY = "xberg"
_ZIPPED = 50_000_000
FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        Format("markdown", (".md", ".markdown")),
        Format("plain", (".txt",)),
        Format("html", (".html", ".htm"), 9, _LIBRARY, text_share=0.4),
        Format("org", (".org",), 7, _LIBRARY),
        Format("epub", (".epub",), 1, _LIBRARY, _ZIPPED),
        Format("odt", (".odt",), 1, _LIBRARY, _ZIPPED, text_share=0.3),
        Format("ods", (".ods",), 1, _LIBRARY, _ZIPPED),
        Format("pptx", (".pptx",), 1, _LIBRARY, _ZIPPED, text_share=0.1),
        Format("xlsx", (".xlsx",), 1, _LIBRARY, _ZIPPED),
        Format("rtf", (".rtf",), 1, _LIBRARY, text_share=0.3),
        Format("eml", (".eml",), 1, _LIBRARY, text_share=0.1),
        Format("ipynb", (".ipynb",), 5, max_bytes=50_000_000, text_share=0.3),
        Format("pdf", (".pdf",), 7, _LIBRARY, 100_000_000, text_share=0.1),
        Format("docx", (".docx",), 8, _LIBRARY, _ZIPPED, text_share=0.3),
    )
}

_BY_SUFFIX = {suffix: form for form in FORMATS.values() for suffix in form.suffixes}


def is_installed() -> bool:
    """Whether the library is there that most formats need."""
    return find_spec(_LIBRARY) is not None


def suffix_of(name: str) -> str:
    """The lower-case suffix of a file's name or path, with its dot; "" for none."""
    _, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() if dot and "/" not in suffix else ""


def format_of(path: str) -> Format:
    """The format of a note; Markdown for an unknown suffix."""
    return _BY_SUFFIX.get(suffix_of(path), FORMATS["markdown"])


def limits(names: Iterable[str], max_note_bytes: int) -> dict[str, int]:
    """The size limit of each suffix read with this setting `formats`; 0 without the extra."""
    wanted, has_extra = frozenset(names), is_installed()
    return {
        suffix: (form.max_bytes or max_note_bytes) if has_extra or not form.needs else 0
        for suffix, form in _BY_SUFFIX.items()
        if not form.version or not wanted.isdisjoint((form.name, ALL))
    }


def why_format_is_off(path: str, names: Collection[str]) -> str:
    """Why a file is not read whose format the setting `formats` leaves out; "" for any other."""
    form = _BY_SUFFIX.get(suffix_of(path))
    if form is None or not form.version or form.name in names or ALL in names:
        return ""
    return f"{form.name} is not read, since the setting formats does not name it"


def switched_off(others: Mapping[str, int]) -> dict[str, int]:
    """Of the counts of unread files by suffix, those of formats that could be read."""
    return {suffix: count for suffix, count in others.items() if suffix in _BY_SUFFIX}


def how_to_read(suffixes: Iterable[str], names: Iterable[str]) -> str:
    """The command that also reads files with these suffixes; `names` is the setting `formats`."""
    wanted = {*names, *(format_of(suffix).name for suffix in suffixes)}
    every = {form.name for form in FORMATS.values() if form.version}
    return f"ragqa config set formats {ALL if wanted >= every else ','.join(sorted(wanted))}"
