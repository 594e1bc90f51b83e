"""The formats of notes: a table of what is read as it is, and what becomes Markdown.

Importing this package imports no converter, only its `convert` does.
"""

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from ragqa.notes.decoding import decode_text
from ragqa.notes.formats.document import Document
from ragqa.types import Corpus


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that holds notes.

    :ivar version: raised whenever its files are converted differently, so that they are read anew;
        0 for a format that is read as it is. A module with the format's name converts the others.
    :ivar needs: the libraries that convert it, which do so in the child process; its extra has the
        format's name.
    :ivar max_bytes: larger files are skipped; 0 for the setting `max_note_bytes`.
    :ivar text_share: how much of a file is text, roughly; it tells how long embedding will take.
    :ivar is_always_read: whether it is read without being named in the setting `formats`.
    """

    name: str
    suffixes: tuple[str, ...]
    version: int = 0
    needs: tuple[str, ...] = ()
    max_bytes: int = 0
    text_share: float = 1.0
    is_always_read: bool = False

    def convert(self, data: bytes) -> Document:
        """A file's document; imports nothing for a format that is read as it is.

        :raises NotYet: an extra is not installed.
        :raises Unfit: the file cannot be read, or has no text.
        """
        if not self.version:
            return Document(decode_text(data))
        if not self.needs:
            document: Document = import_module(f"{__name__}.{self.name}").convert(data)
            return document
        from ragqa.notes.extraction import parent

        return parent.convert(self, data)

    @property
    def mark(self) -> str:
        """What a note's digest ends with, so that a new version makes it another one."""
        return f"-{self.name}{self.version}" if self.version else ""


_HTML = ("html_to_markdown",)
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            Format("markdown", (".md", ".markdown"), is_always_read=True),
            Format("plain", (".txt",), is_always_read=True),
            Format("org", (".org",), 4, is_always_read=True),
            Format("html", (".html", ".htm"), 6, _HTML, text_share=0.4),
            Format("ipynb", (".ipynb",), 5, max_bytes=50_000_000, text_share=0.3),
            Format("pdf", (".pdf",), 5, ("pypdfium2",), 100_000_000, text_share=0.1),
            Format("docx", (".docx",), 6, ("mammoth", *_HTML), 50_000_000, text_share=0.3),
        )
    }
)

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
    missing = sorted(one for one in wanted if not all(map(find_spec, FORMATS[one].needs)))
    install = f"pip install 'ragqa[{','.join(missing)}]', then " if missing else ""
    places = " ".join(f"--corpus {shlex.quote(str(one))}" for one in corpus.folders)
    return f"{install}ragqa config set formats {','.join(sorted({*names, *wanted}))} {places}"
