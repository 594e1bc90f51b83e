"""Word: headings, lists and tables, cited by paragraph."""

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

import mammoth

from ragqa.notes.formats import Document, Unfit
from ragqa.notes.formats.html import document_of

MAX_UNPACKED = 200_000_000
MAX_RATIO = 200
"""What is unpacked, of what is packed; a megabyte may have any."""

_TITLE = r'<tr><td colspan="\d+">(?:(?!<td|</tr>|<table>).)*+</tr>'
_HEAD = r"<tr>(?:(?!</tr>|<table>).)*+</tr>"
_FIRST_ROW = re.compile(rf"<table>(?:{_TITLE})?{_HEAD}(?=<tr>)", re.DOTALL)
_CELL_TAG = re.compile(r"(</?)t[dh](?=[ >])")
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
"""


def convert(data: bytes) -> Document:
    """Convert a Word file; only in the child process.

    :raises Unfit: it is no Word file, or would unpack to too much.
    """
    try:
        with ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except BadZipFile as exc:
        raise Unfit("not a Word file, or an encrypted or damaged one") from exc
    if unpacked > max(1_000_000, min(MAX_UNPACKED, MAX_RATIO * len(data))):
        raise Unfit(f"a zip bomb: it would unpack to {unpacked:,} bytes")
    html = mammoth.convert_to_html(
        BytesIO(data),
        style_map=_STYLES,
        # Anybody's styles could hide text.
        include_embedded_style_map=False,
        external_file_access=False,
        convert_image=lambda _: [],
    ).value
    document = document_of(_FIRST_ROW.sub(lambda row: _CELL_TAG.sub(r"\1th", row[0]), html))
    if not document.text.strip():
        raise Unfit("it has no text")
    return document
