"""Word: headings, lists and tables, cited by paragraph."""

from io import BytesIO
from zipfile import BadZipFile, ZipFile

import mammoth

from ragqa.notes.formats import Document, Unfit, documents

MAX_UNPACKED = 200_000_000
MAX_RATIO = 200
"""A file may unpack to so many times its size, or to a megabyte."""

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
"""


def convert(data: bytes) -> Document:
    """Convert a Word file; only in the child process.

    :raises Unfit: it is no Word file, would unpack to too much, or has no text.
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
    return documents.convert("html", html.encode())
