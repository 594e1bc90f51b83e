"""Word: headings, lists and tables, cited by paragraph."""

import re
import zlib
from io import BytesIO
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import mammoth

from ragqa.notes.decoding import Unfit
from ragqa.notes.formats.document import Document
from ragqa.notes.formats.html import paragraphs, to_markdown
from ragqa.notes.formats.html_head import Head

MAX_ENTRIES = 10_000
MAX_UNPACKED = 200_000_000
MAX_XML = 60_000_000
MAX_RATIO = 200
"""What is unpacked, of what is packed; a megabyte may have any."""

_CHUNK = 64_000
_TABLE = re.compile(r"<table>(?:(?!<table>).)*?</table>", re.DOTALL)
_FIRST_ROW = re.compile(r"(?<=\A<table><tr>).*?(?=</tr><tr>)", re.DOTALL)
_CELL_TAG = re.compile(r"(</?)t[dh](?=[ >])")
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
"""


def convert(data: bytes) -> Document:
    """Convert a Word file; only in the child process.

    :raises Unfit: it is no Word file, would unpack to too much, or has entities of XML.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check(archive, len(data))
    except (BadZipFile, NotImplementedError, RuntimeError, zlib.error) as exc:
        raise Unfit("not a Word file, or an encrypted or damaged one") from exc
    html = mammoth.convert_to_html(
        BytesIO(data),
        style_map=_STYLES,
        # Anybody's styles could hide text.
        include_embedded_style_map=False,
        external_file_access=False,
        convert_image=lambda _: [],
    ).value
    text, title, warnings = to_markdown(_TABLE.sub(_with_header, html), Head())
    if not text.strip():
        raise Unfit("it has no text")
    places = tuple(paragraphs(text))
    return Document(text, "paragraph", places, title=title, warnings=warnings)


def _with_header(table: re.Match[str]) -> str:
    """A table whose first row names its columns; none does where cells span several."""
    if re.search(r"<t[dh] (?:col|row)span", table[0]):
        return _CELL_TAG.sub(r"\1td", table[0])
    return _FIRST_ROW.sub(lambda row: _CELL_TAG.sub(r"\1th", row[0]), table[0])


def _check(archive: ZipFile, packed: int) -> None:
    """Refuse a bomb before anything is unpacked, of zip or of XML.

    :param packed: the size of the file; what its entries say of theirs may be false.
    :raises Unfit: it is one.
    """
    entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or total > max(1_000_000, min(MAX_UNPACKED, MAX_RATIO * packed)):
        raise Unfit(f"a zip bomb: {len(entries):,} entries would unpack to {total:,} bytes")
    for entry in entries:
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            # Others give all that a chunk unpacks to at once.
            raise Unfit("it is packed in a way that Word does not use")
        _check_xml(archive, entry)


def _check_xml(archive: ZipFile, entry: ZipInfo) -> None:
    """Refuse a DOCTYPE, where entities are declared, and XML that is too large.

    Names and types of entries say nothing: relationships may name any entry as the document. So the
    parser that will read it decides, in whatever encoding, whether it is XML.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    size = 0
    with archive.open(entry) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > MAX_XML:
                raise Unfit(f"{entry.file_size:,} bytes of XML, more than {MAX_XML:,}")
            try:
                parser.Parse(chunk)
            except (expat.ExpatError, LookupError, ValueError):
                return  # not XML, or in an encoding that this parser does not read


def _refuse_doctype(*_: object) -> None:
    raise Unfit("its XML declares entities, or could: it has a DOCTYPE, which Word never writes")
