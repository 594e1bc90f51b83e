"""Extract the text of a Word file as HTML; runs only in the child process."""

import re
import zlib
from collections.abc import Callable
from io import BytesIO
from zipfile import BadZipFile, ZipFile

import mammoth

from ragqa.notes.decoding import Unfit

MAX_ENTRIES = 10_000
MAX_UNPACKED = 200_000_000
MAX_XML = 60_000_000
MAX_RATIO = 200
"""What is unpacked, of what is packed; a megabyte may have any."""

MAX_CHARS = 20_000_000

# Also in UTF-16. Word writes none.
_DECLARATION = re.compile(rb"<\0?!\0?(?:D\0?O\0?C|E\0?N\0?T)")
_BLOCK = re.compile(r"(?<!<t[dh]>)(?=<(?:p|h[1-6]|ul|ol|li|table|tr)>)")
_TABLE = re.compile(r"<table>(?:(?!<table>).)*?</table>", re.DOTALL)
_FIRST_ROW = re.compile(r"(?<=\A<table><tr>).*?(?=</tr><tr>)", re.DOTALL)
_CELL_TAG = re.compile(r"(</?)t[dh](?=[ >])")
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Code'] => pre:separator('\\n')"


def extract(data: bytes, progress: Callable[[], object]) -> str:
    """The text of a Word file as HTML, each block on a line of its own.

    :param progress: called before it is converted.
    :raises Unfit: it is no Word file, would unpack to too much, or has entities of XML.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check(archive)
    except (BadZipFile, NotImplementedError, RuntimeError, zlib.error) as exc:
        raise Unfit("not a Word file, or an encrypted or damaged one") from exc
    progress()
    html = mammoth.convert_to_html(
        BytesIO(data),
        style_map=_STYLES,
        # Anybody's styles could hide text.
        include_embedded_style_map=False,
        external_file_access=False,
        convert_image=lambda _: [],
    ).value
    if len(html) > MAX_CHARS:
        raise Unfit(f"its text has more than {MAX_CHARS:,} characters")
    if not re.sub(r"<[^>]*>|\s", "", html):
        raise Unfit("it has no text")
    return _BLOCK.sub("\n", _TABLE.sub(_with_header, html))


def _with_header(table: re.Match[str]) -> str:
    """A table whose first row names its columns; none does where cells span several."""
    if re.search(r"<t[dh] (?:col|row)span", table[0]):
        return _CELL_TAG.sub(r"\1td", table[0])
    return _FIRST_ROW.sub(lambda row: _CELL_TAG.sub(r"\1th", row[0]), table[0])


def _check(archive: ZipFile) -> None:
    """Refuse a bomb before anything is unpacked.

    :raises Unfit: it is one.
    """
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or total > max(1_000_000, min(MAX_UNPACKED, MAX_RATIO * packed)):
        raise Unfit(f"a zip bomb: {len(entries):,} entries would unpack to {total:,} bytes")
    for entry in entries:
        if entry.filename.endswith((".xml", ".rels")):
            if entry.file_size > MAX_XML:
                raise Unfit(f"{entry.file_size:,} bytes of XML, more than {MAX_XML:,}")
            if _DECLARATION.search(archive.read(entry)):
                raise Unfit("its XML declares entities, which Word never does")
