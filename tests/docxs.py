"""Writes small Word files."""

import io
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
    f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
STYLES = f"<w:styles {W}>" + "".join(
    f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>'
    f'<w:pPr><w:outlineLvl w:val="{level}"/></w:pPr></w:style>'
    for key, name, level in [("H1", "heading 1", 0), ("H2", "heading 2", 1)]
)
NUMBERING = (
    f'<w:numbering {W}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0">'
    '<w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)


def said(text, properties=""):
    """A paragraph."""
    shown = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>' if text else ""
    return f"<w:p><w:pPr>{properties}</w:pPr>{shown}</w:p>"


def heading(text, style="H1"):
    """A heading."""
    return said(text, f'<w:pStyle w:val="{style}"/>')


def item(text):
    """An item of a list."""
    return said(text, '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')


def table(*rows):
    """A table of texts."""
    shown = "".join(
        "<w:tr>" + "".join(f"<w:tc>{said(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows
    )
    return f"<w:tbl>{shown}</w:tbl>"


def relations(*targets):
    """A part that names these types and targets."""
    shown = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}" {more}/>'
        for number, (kind, target, more) in enumerate(targets)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{shown}</Relationships>'


def docx(*body, **parts):
    """A Word file with these paragraphs.

    :param parts: other contents of entries, by their names' stems.
    """
    entries = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(("officeDocument", "word/document.xml", "")),
        "word/_rels/document.xml.rels": relations(
            ("styles", "styles.xml", ""), ("numbering", "numbering.xml", "")
        ),
        "word/styles.xml": STYLES + "</w:styles>",
        "word/numbering.xml": NUMBERING,
        "word/document.xml": f"<w:document {W}><w:body>{''.join(body)}</w:body></w:document>",
    }
    return zipped(entries | parts)


def zipped(entries, method=ZIP_DEFLATED):
    """An archive of these entries."""
    file = io.BytesIO()
    with ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()
