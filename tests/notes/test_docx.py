"""Word: headings, lists, tables, the paragraph of a place, and hostile archives."""

import itertools

import pytest
from docxs import OFFICE, W, docx, heading, item, relations, said, table, zipped
from saying import blocks_said

from ragqa.notes import parse_note
from ragqa.notes.extraction import parent
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Kind, Stamp

pytest.importorskip("mammoth")
pytest.importorskip("html_to_markdown")

FORMAT = FORMATS["docx"]


def document_of(*body, **parts):
    return FORMAT.convert(docx(*body, **parts))


def blocks(document):
    return blocks_said(parse_note("a.docx", document, "", Stamp(0, 0)), without=())


def place(document, words):
    start = document.text.index(words)
    return document.locate((start, start + len(words)))


def test_headings_paragraphs_items_and_code_are_such():
    text = document_of(
        heading("The zoo", "T"),
        heading("Wombats", "H2"),
        said("Wombats < quokkas & numbats dig."),
        item("dig"),
        heading("x = 1", "C"),
    )
    assert blocks(text) == [
        (Kind.HEADING, "The zoo"),
        (Kind.HEADING, "Wombats"),
        (Kind.PARAGRAPH, "Wombats < quokkas & numbats dig."),
        (Kind.ITEM, "dig"),
        (Kind.CODE, "```\nx = 1\n```"),
    ]
    assert parse_note("a.docx", text, "", Stamp(0, 0)).title == "The zoo"


def test_a_table_has_rows_with_its_first_row_as_header():
    text = document_of(table(("Animal", "Weight"), ("Wombat", "26 kg"), ("Numbat", "1 kg")))
    note = parse_note("a.docx", text, "", Stamp(0, 0))
    rows = [(note.text[b.start : b.end], b.labels) for b in note.blocks if b.kind is Kind.ROW]
    assert rows[-1] == ("| Numbat | 1 kg |", ("Animal", "Weight"))


def merged(cell, columns=1, down=""):
    """A cell that spans columns, and begins ("restart") or continues one that spans rows."""
    down = f'<w:vMerge w:val="{down}"/>' if down else ""
    properties = f'<w:tcPr><w:gridSpan w:val="{columns}"/>{down}</w:tcPr>'
    return f"<w:tc>{properties}{said(cell)}</w:tc>"


def rows(*rows):
    document = document_of(f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>")
    note = parse_note("a.docx", document, "", Stamp(0, 0))
    return [(note.text[b.start : b.end], b.labels) for b in note.blocks if b.kind is Kind.ROW]


def test_a_merged_cell_is_said_in_each_row_and_column_that_it_spans():
    assert rows(
        merged("Bridge") + merged("Summer") + merged("Winter"),
        merged("North", down="restart") + merged("13 t", 2),
        merged("", down="continue") + merged("9 t") + merged("7 t"),
    ) == [
        ("| North | 13 t | 13 t |", ("Bridge", "Summer", "Winter")),
        ("| North | 9 t | 7 t |", ("Bridge", "Summer", "Winter")),
    ]


@pytest.mark.parametrize("down", ["restart", ""])
def test_two_rows_of_names_are_one_where_the_first_has_merged_cells(down):
    below = merged("", down="continue") if down else merged("")
    assert rows(
        merged("Bridge", down=down) + merged("Load", 2),
        below + merged("Summer") + merged("Winter"),
        merged("North") + merged("9 t") + merged("7 t"),
    ) == [("| North | 9 t | 7 t |", ("Bridge", "Load / Summer", "Load / Winter"))]


def test_a_place_is_named_by_its_paragraph():
    text = document_of(
        heading("Top"), said(""), said("One."), item("two"), table(("three", "four")), said("Five.")
    )
    assert place(text, "Top") == "paragraph 1"
    assert place(text, "One.") == "paragraph 2"
    assert place(text, "two") == "paragraph 3"
    assert place(text, "four") == "paragraph 4"
    assert place(text, "Five.") == "paragraph 5"
    words = text.text
    assert text.locate((words.index("One."), words.index("two") + 3)) == "paragraphs 2-3"


def test_a_block_of_code_counts_as_a_paragraph():
    text = document_of(heading("curl zoo", "C"), said("One."), heading("export", "C"), said("Two."))
    found = [place(text, words) for words in ("curl zoo", "One.", "export", "Two.")]
    assert found == [f"paragraph {n}" for n in (1, 2, 3, 4)]


def test_what_its_author_deleted_and_comments_are_no_text():
    deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    text = document_of(said("Kept."), deleted)
    assert "Kept." in text.text
    assert "gone" not in text.text


def bomb(size=300_000_000):
    return zipped({"word/document.xml": b" " * size})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a Word file"),
        (b"PK\x03\x04 and nothing", "not a Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an encrypted or damaged one"),
        (docx(said("Said."))[:-30], "not a Word file"),
        (docx(), "it has no text"),
        (bomb(), "a zip bomb: it would unpack to 300,000,000 bytes"),
        (zipped({"a.txt": "no document"}), "it cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data, why):
    with pytest.raises(Unfit, match=why):
        FORMAT.convert(data)


ENTITIES = {
    "a file": '<!ENTITY i SYSTEM "file:///etc/hostname">',
    "a bomb": '<!ENTITY a "12345678">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 9}">' for a, b in itertools.pairwise("abcdefghi")),
}


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_of_xml_say_nothing(name):
    shown = said("entity").replace("entity", "&i;")
    body = f"<!DOCTYPE x [{ENTITIES[name]}]><w:document {W}><w:body>{shown}</w:body></w:document>"
    with pytest.raises(Unfit, match=r"it has no text|it cannot be read"):
        FORMAT.convert(docx(**{"word/document.xml": body}))
    assert document_of(said("Said.")).text == "Said.\n"


def test_pictures_and_other_data_may_be_anything():
    odd = {"word/media/a.png": b"\x89PNG" * 9, "word/b.bin": b"<!DOCT", "customXml/c.xml": "<a"}
    foreign = '<?xml version="1.0" encoding="gb2312"?><a/>'
    assert "Said." in document_of(said("Said."), **odd, **{"customXml/d.xml": foreign}).text


def test_nothing_outside_the_file_is_read(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"never read")
    picture = (
        f'<w:p><w:r><w:drawing xmlns:r="{OFFICE}" xmlns:a="http://schemas.openxmlformats.org/'
        'drawingml/2006/main" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
        'wordprocessingDrawing" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/'
        'picture"><wp:inline><a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:link="r0"/>'
        "</pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    linked = relations(("image", secret.as_uri(), 'TargetMode="External"'))
    text = document_of(said("Said."), picture, **{"word/_rels/document.xml.rels": linked})
    assert text.text == "Said.\n"


def test_styles_that_came_with_the_file_hide_nothing():
    text = document_of(said("Said."), **{"mammoth/style-map": "p => script"})
    assert (Kind.PARAGRAPH, "Said.") in blocks(text)


def test_deep_nesting_is_refused_in_words():
    deep = "<w:sdt><w:sdtContent>" * 5000 + said("Said.") + "</w:sdtContent></w:sdt>" * 5000
    with pytest.raises(Unfit, match="its parts are nested too deeply to be read"):
        document_of(deep)
    assert document_of(said("Said.")).text == "Said.\n"


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    with pytest.raises(Unfit, match=r"pip install 'ragqa\[docx\]'"):
        document_of(said("Said."))


def test_a_superscript_is_not_part_of_the_number_before_it():
    raised = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
    paragraph = f"<w:p><w:r><w:t>Area is 10</w:t></w:r><w:r>{raised}<w:t>4</w:t></w:r></w:p>"
    assert document_of(paragraph).text == "Area is 10\u2074\n"


def test_a_table_below_a_title_in_its_first_row_keeps_its_header():
    def cell(words, properties=""):
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{said(words)}</w:tc>"

    title = cell("Lamps", '<w:gridSpan w:val="3"/>')
    years = cell("Lamp", '<w:vMerge w:val="restart"/>') + cell("2025", '<w:gridSpan w:val="2"/>')
    parts = cell("", "<w:vMerge/>") + cell("Net") + cell("Gross")
    opal = cell("Opal") + cell("31") + cell("37")
    rows = "".join(f"<w:tr>{row}</w:tr>" for row in (title, years, parts, opal))
    assert document_of(f"<w:tbl>{rows}</w:tbl>").text == (
        "Lamps\n\n| Lamp | 2025 / Net | 2025 / Gross |\n| --- | --- | --- |\n| Opal | 31 | 37 |\n"
    )
