"""Small e-books, texts, sheets and slides, as the archives of XML that they are."""

from docxs import zipped

_OPEN = "urn:oasis:names:tc:opendocument:xmlns"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWN = "http://schemas.openxmlformats.org/drawingml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def epub(*chapters, **parts):
    """A book of chapters, each the body of a page."""
    names = [f"c{number}.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in names
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Wombats</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
        '<rootfiles><rootfile full-path="book.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>.</title></head><body>{}</body></html>'
    pages = {name: page.format(body) for name, body in zip(names, chapters, strict=True)}
    start = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    return zipped(start | {"book.opf": package} | pages | parts)


def odt(*body, **parts):
    """A text, of XML."""
    return zipped({"content.xml": _open("text", "".join(body))} | parts)


def ods(**sheets):
    """Sheets of rows of cells."""
    body = ""
    for name, rows in sheets.items():
        cells = ("".join(map(_open_cell, row)) for row in rows)
        shown = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
        body += f'<table:table table:name="{name}">{shown}</table:table>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = f'<manifest:manifest xmlns:manifest="{_OPEN}:manifest:1.0"/>'
    start = {"mimetype": kind, "META-INF/manifest.xml": manifest}
    return zipped(start | {"content.xml": _open("spreadsheet", body)})


def _open_cell(shown):
    return (
        f'<table:table-cell office:value-type="string"><text:p>{shown}</text:p></table:table-cell>'
    )


def _open(kind, body):
    names = " ".join(f'xmlns:{name}="{_OPEN}:{name}:1.0"' for name in ("office", "text", "table"))
    inside = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return f"<office:document-content {names}>{inside}</office:document-content>"


def xlsx(**sheets):
    """Sheets of rows of cells."""
    parts = {}
    for number, rows in enumerate(sheets.values(), start=1):
        cells = (
            "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) for row in rows
        )
        shown = "".join(f'<row r="{at}">{row}</row>' for at, row in enumerate(cells, start=1))
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{_SHEETS}"><sheetData>{shown}</sheetData></worksheet>'
        )
    named = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        for number, name in enumerate(sheets, start=1)
    )
    book = f'<workbook xmlns="{_SHEETS}" xmlns:r="{_RELATED}"><sheets>{named}</sheets></workbook>'
    names = [f"worksheets/sheet{number}.xml" for number in range(1, len(sheets) + 1)]
    return _office(
        {"xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": _related("worksheet", names)}
        | parts,
        "xl/workbook.xml",
    )


def pptx(*slides):
    """Slides, each of paragraphs: a title and what stands below it."""
    parts = {}
    for number, (title, *said) in enumerate(slides, start=1):
        shapes = _shape('<p:ph type="title"/>', [title]) + _shape('<p:ph idx="1"/>', said)
        parts[f"ppt/slides/slide{number}.xml"] = (
            f'<p:sld xmlns:p="{_SLIDES}" xmlns:a="{_DRAWN}"><p:cSld><p:spTree>{shapes}'
            "</p:spTree></p:cSld></p:sld>"
        )
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="r{n}"/>' for n in range(1, len(slides) + 1))
    show = (
        f'<p:presentation xmlns:p="{_SLIDES}" xmlns:r="{_RELATED}">'
        f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
    )
    names = [f"slides/slide{number}.xml" for number in range(1, len(slides) + 1)]
    return _office(
        {"ppt/presentation.xml": show, "ppt/_rels/presentation.xml.rels": _related("slide", names)}
        | parts,
        "ppt/presentation.xml",
    )


def _shape(place, said):
    shown = "".join(f"<a:p>{each}</a:p>" for each in map(_run, said))
    return f"<p:sp><p:nvSpPr><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:txBody>{shown}</p:txBody></p:sp>"


def _run(said):
    """A paragraph's content; one that begins with a dash is an item."""
    item = '<a:pPr><a:buChar char="\u2022"/></a:pPr>' * said.startswith("- ")
    return f"{item}<a:r><a:t>{said.removeprefix('- ')}</a:t></a:r>"


def _related(kind, names):
    each = "".join(
        f'<Relationship Id="r{number}" Type="{_RELATED}/{kind}" Target="{name}"/>'
        for number, name in enumerate(names, start=1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{each}</Relationships>'


def _office(parts, main):
    types = (
        f'<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="application/xml"/></Types>'
    )
    start = {"[Content_Types].xml": types, "_rels/.rels": _related("officeDocument", [main])}
    return zipped(start | parts)
