"""Small e-books, texts, sheets and slides, as the archives of XML that they are."""

import io
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWN = "http://schemas.openxmlformats.org/drawingml/2006/main"
_STYLES = f"<w:styles {W}>" + "".join(
    f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>'
    f'<w:pPr><w:outlineLvl w:val="{level}"/></w:pPr></w:style>'
    for key, name, level in [("H1", "heading 1", 0), ("H2", "heading 2", 1)]
)


def zipped(entries):
    """An archive of these entries."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def related(*targets):
    """A part that names these types and targets."""
    shown = "".join(
        f'<Relationship Id="r{number}" Type="{OFFICE}/{kind}" Target="{target}" {more}/>'
        for number, (kind, target, more) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{shown}</Relationships>'


def said(text, properties=""):
    """A paragraph of Word."""
    shown = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>' if text else ""
    return f"<w:p><w:pPr>{properties}</w:pPr>{shown}</w:p>"


def heading(text, style="H1"):
    """A heading of Word."""
    return said(text, f'<w:pStyle w:val="{style}"/>')


def item(text):
    """An item of a list of Word."""
    return said(text, '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')


def docx(*body, **parts):
    """A Word file with these paragraphs.

    :param parts: other contents of entries, by their names.
    """
    document = f"<w:document {W}><w:body>{''.join(body)}</w:body></w:document>"
    named = {"word/styles.xml": f"{_STYLES}</w:styles>", "word/document.xml": document}
    return zipped(named | parts)


def epub(*chapters, **parts):
    """A book of chapters, each the body of a page."""
    names = [f"c{number}.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in names
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    book = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Wombats</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
    pages = {name: page.format(body) for name, body in zip(names, chapters, strict=True)}
    return zipped({"META-INF/container.xml": container, "book.opf": book} | pages | parts)


def odt(*body):
    """A text, of XML."""
    return zipped({"content.xml": _open("text", "".join(body))})


def ods(**sheets):
    """Sheets of rows of cells."""
    body = ""
    for name, rows in sheets.items():
        cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
        cells = ("".join(map(cell.format, row)) for row in rows)
        shown = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
        body += f'<table:table table:name="{name}">{shown}</table:table>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = f'<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0"/>'
    start = {"mimetype": kind, "META-INF/manifest.xml": manifest}
    return zipped(start | {"content.xml": _open("spreadsheet", body)})


def _open(kind, body):
    names = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "text", "table"))
    inside = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return f"<office:document-content {names}>{inside}</office:document-content>"


def xlsx(**sheets):
    """Sheets of rows of cells."""
    parts, named = {}, ""
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        cells = (
            "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) for row in rows
        )
        shown = "".join(f'<row r="{at}">{row}</row>' for at, row in enumerate(cells, start=1))
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{_SHEETS}"><sheetData>{shown}</sheetData></worksheet>'
        )
        named += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
    targets = [("worksheet", name.removeprefix("xl/"), "") for name in parts]
    book = f'<workbook xmlns="{_SHEETS}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'
    parts["_rels/.rels"] = related(("officeDocument", "xl/workbook.xml", ""))
    return zipped(
        parts | {"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": related(*targets)}
    )


def pptx(*slides):
    """Slides, each of paragraphs: a title and what stands below it, an item if after a dash."""
    parts = {}
    for number, (title, *below) in enumerate(slides, start=1):
        shapes = _shape('<p:ph type="title"/>', [title]) + _shape('<p:ph idx="1"/>', below)
        parts[f"ppt/slides/slide{number}.xml"] = (
            f'<p:sld xmlns:p="{_SLIDES}" xmlns:a="{_DRAWN}"><p:cSld><p:spTree>{shapes}'
            "</p:spTree></p:cSld></p:sld>"
        )
    return zipped(parts)


def _shape(place, paragraphs):
    shown = ""
    for text in paragraphs:
        bullet = '<a:pPr><a:buChar char="\u2022"/></a:pPr>' * text.startswith("- ")
        shown += f"<a:p>{bullet}<a:r><a:t>{text.removeprefix('- ')}</a:t></a:r></a:p>"
    return f"<p:sp><p:nvSpPr><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:txBody>{shown}</p:txBody></p:sp>"
