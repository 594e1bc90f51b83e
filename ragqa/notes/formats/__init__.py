"""The formats of notes: a table from suffix to reader.

Importing this package imports no reader: each is imported with the first note that needs it.
"""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from ragqa.notes.decoding import decode_text
from ragqa.types import FILL, Block, Corpus, Link, Span

_PAGE = re.compile(r"(?:\(pages? |\App?\. )(\d+)[^()]*\)?\Z")


@dataclass(frozen=True, slots=True)
class Content:
    """What a reader finds in a note's text.

    `text` is the note as ragqa reads it: Markdown, character for character at the same offsets and
    on the same lines as the note's text. White space or `FILL` stands where that has other markup.
    `blocks` are as in `Note`.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    date: str = ""
    links: tuple[Link, ...] = ()
    warnings: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()


def nowhere(text: str, span: Span) -> str:  # noqa: ARG001 - as other locators
    """The locator of a format whose lines are those of its file."""
    return ""


def no_span(text: str, locator: str) -> Span | None:  # noqa: ARG001 - as other finders
    """Where a locator is in a format that has none."""
    return None


@dataclass(frozen=True, slots=True)
class Reader:
    """How a format is read.

    `view` gives only the text that ragqa reads, `Content.text`, and imports no more than that
    needs. `decode` turns a file's bytes into the note's text, or raises `Unfit`. Where the text is
    extracted from the file, `locate` names the place of a span of it there, and `find` gives the
    span of such a place, or None.
    """

    parse: Callable[[str], Content]
    view: Callable[[str], str] = str
    decode: Callable[[bytes], str] = decode_text
    locate: Callable[[str, Span], str] = nowhere
    find: Callable[[str, str], Span | None] = no_span


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that holds notes.

    :ivar read_by: its reader, as `module.NAME` in this package.
    :ivar version: raised whenever the reader reads something differently; the files of this format
        are then read anew. 0 for a format that is read as it is.
    :ivar decodes: whether its reader decodes the bytes; else they are plain UTF-8 or UTF-16.
    :ivar max_bytes: larger files are skipped; 0 for the setting `max_note_bytes`.
    :ivar has_markup: whether its text has other markup than Markdown, blank in what ragqa reads.
    :ivar is_extracted: whether its text is extracted from the file; it is then kept by digest.
    :ivar text_share: how much of a file is text, roughly; it tells how long embedding will take.
    :ivar is_always_read: whether it is read without being named in the setting `formats`.
    """

    name: str
    suffixes: tuple[str, ...]
    read_by: str
    version: int = 0
    decodes: bool = False
    has_markup: bool = False
    max_bytes: int = 0
    is_extracted: bool = False
    text_share: float = 1.0
    is_always_read: bool = False

    @property
    def reader(self) -> Reader:
        """Its reader, imported now."""
        module, name = self.read_by.split(".")
        reader: Reader = getattr(import_module(f"{__name__}.{module}"), name)
        return reader

    def decode(self, data: bytes) -> str:
        """The note's text; raises as `Reader.decode` does, and imports no reader for plain text."""
        return self.reader.decode(data) if self.decodes else decode_text(data)

    @property
    def mark(self) -> str:
        """What a note's digest ends with, so that a new version makes it another one."""
        return f"-{self.name}{self.version}" if self.version else ""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            Format("markdown", (".md", ".markdown"), "written.MARKDOWN", is_always_read=True),
            Format("plain", (".txt",), "written.PLAIN", is_always_read=True),
            Format("org", (".org",), "org.ORG", 1, has_markup=True, is_always_read=True),
            Format(
                "html",
                (".html", ".htm"),
                "html.HTML",
                2,
                decodes=True,
                has_markup=True,
                text_share=0.4,
            ),
            Format(
                "ipynb",
                (".ipynb",),
                "ipynb.NOTEBOOK",
                1,
                decodes=True,
                max_bytes=50_000_000,
                is_extracted=True,
                text_share=0.3,
            ),
            Format(
                "pdf",
                (".pdf",),
                "pdf.PDF",
                3,
                decodes=True,
                max_bytes=100_000_000,
                is_extracted=True,
                text_share=0.1,
            ),
            Format(
                "docx",
                (".docx",),
                "docx.WORD",
                2,
                decodes=True,
                has_markup=True,
                max_bytes=50_000_000,
                is_extracted=True,
                text_share=0.3,
            ),
        )
    }
)

LIBRARIES = {"pdf": "pypdfium2", "docx": "mammoth"}
"""What reads a format, if that is not in ragqa; its extra has the format's name."""

_BY_SUFFIX = {suffix: one for one in FORMATS.values() for suffix in one.suffixes}


def suffix_of(name: str) -> str:
    """The lower-case suffix of a file's name or path, with its dot; "" for none."""
    _, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() if dot and "/" not in suffix else ""


def format_of(path: str) -> Format:
    """The format of a note; Markdown for an unknown suffix."""
    return _BY_SUFFIX.get(suffix_of(path), FORMATS["markdown"])


def limits(names: Iterable[str], max_note_bytes: int) -> dict[str, int]:
    """The size limit of each suffix that is read, if the setting `formats` has these names."""
    wanted = frozenset(names)
    return {
        suffix: one.max_bytes or max_note_bytes
        for suffix, one in _BY_SUFFIX.items()
        if one.is_always_read or one.name in wanted
    }


def why_format_is_off(path: str, names: Collection[str]) -> str:
    """Why a note in this format is not read with this setting `formats`, "" if it is or is none."""
    one = _BY_SUFFIX.get(suffix_of(path))
    if one is None or one.is_always_read or one.name in names:
        return ""
    return f"{one.name} is not read, since the setting formats does not name it"


def switched_off(others: Mapping[str, int]) -> dict[str, int]:
    """The files of formats that could be read, of the counts by suffix of those that are not."""
    return {suffix: count for suffix, count in others.items() if suffix in _BY_SUFFIX}


def how_to_read(suffixes: Iterable[str], names: Iterable[str], corpus: Corpus) -> str:
    """The command that also reads files with these suffixes in this corpus.

    :param names: as in the setting `formats`.
    """
    wanted = {format_of(suffix).name for suffix in suffixes}
    missing = sorted(one for one in wanted & LIBRARIES.keys() if not find_spec(LIBRARIES[one]))
    install = f"pip install 'ragqa[{','.join(missing)}]', then " if missing else ""
    places = " ".join(f"--corpus {shlex.quote(str(one))}" for one in corpus.folders)
    return f"{install}ragqa config set formats {','.join(sorted({*names, *wanted}))} {places}"


def locate(path: str, text: str, span: Span) -> str:
    """The locator of a span of a note's text; "" where lines say it."""
    one = format_of(path)
    return one.reader.locate(text, span) if one.version else ""


def span_at(path: str, text: str, locator: str) -> Span | None:
    """The span of a note's text that a locator names; None if it names none."""
    one = format_of(path)
    return one.reader.find(text, locator) if one.version else None


def fragment(locator: str) -> str:
    """What a link to a file ends with, so that it opens at this place: "#page=3" or ""."""
    page = _PAGE.search(locator)
    return f"#page={page[1]}" if page else ""


def without_markup(path: str, text: str) -> str:
    """Part of a note without its format's markup; as it is if it has none."""
    return readable(path, text).replace(FILL, "") if format_of(path).has_markup else text


def readable(path: str, text: str) -> str:
    """A note's text as ragqa reads it; see `Content.text`."""
    one = format_of(path)
    return _view(one, text) if one.version else text


@lru_cache(maxsize=8)
def _view(one: Format, text: str) -> str:
    """A question reads the same few notes several times."""
    return one.reader.view(text)
