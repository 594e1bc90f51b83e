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
pytest.importorskip("xberg")

FORMAT = FORMATS["docx"]


def document_of(*body, **parts):
    return parent.convert(FORMAT, docx(*body, **parts))


def test_headings_paragraphs_items_code_and_tables_are_such():
    text = document_of(
        heading("The zoo", "T"),
        heading("Wombats", "H2"),
        said("Wombats < quokkas & numbats dig."),
        item("dig"),
        heading("x = 1", "C"),
        table(("Animal", "Weight"), ("Wombat", "26 kg")),
    )
    note = parse_note("a.docx", text, "", Stamp(0, 0))
    assert blocks_said(note, without=[Kind.TABLE_HEAD]) == [
        (Kind.HEADING, "The zoo"),
        (Kind.HEADING, "Wombats"),
        (Kind.PARAGRAPH, "Wombats < quokkas & numbats dig."),
        (Kind.ITEM, "dig"),
        (Kind.CODE, "```\nx = 1\n```"),
        (Kind.ROW, "Animal: Wombat; Weight: 26 kg"),
    ]
    assert note.title == "The zoo"


def test_a_place_is_named_by_its_paragraph():
    text = document_of(
        heading("Top"), said(""), heading("curl zoo", "C"), item("two"), table(("three", "four"))
    )
    for number, words in enumerate(("Top", "curl zoo", "two", "four"), 1):
        start = text.text.index(words)
        assert text.locate((start, start + len(words))) == f"paragraph {number}"
    assert text.locate((text.text.index("curl"), text.text.index("two") + 3)) == "paragraphs 2-3"


def test_what_its_author_deleted_is_no_text_and_a_superscript_no_part_of_a_number():
    deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    raised = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
    area = f"<w:p><w:r><w:t>Area is 10</w:t></w:r><w:r>{raised}<w:t>4</w:t></w:r></w:p>"
    assert document_of(area, deleted).text == "Area is 10<sup>4</sup>\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a Word file"),
        (b"PK\x03\x04 and nothing", "not a Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an encrypted or damaged one"),
        (docx(said("Said."))[:-30], "not a Word file"),
        (docx(), "no text was found"),
        (
            zipped({"word/document.xml": b" " * 300_000_000}),
            "a zip bomb: it would unpack to 300,000,000 bytes",
        ),
        (zipped({"a.txt": "no document"}), "it cannot be read"),
    ],
    ids=["empty", "no archive", "encrypted", "cut", "no text", "a bomb", "no document"],
)
def test_what_cannot_be_read_is_refused_in_words(data, why):
    with pytest.raises(Unfit, match=why):
        parent.convert(FORMAT, data)


ENTITIES = {
    "a file": '<!ENTITY i SYSTEM "file:///etc/hostname">',
    "a bomb": '<!ENTITY a "12345678">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 9}">' for a, b in itertools.pairwise("abcdefghi")),
}


@pytest.mark.parametrize("name", ENTITIES)
def test_entities_of_xml_say_nothing(name):
    shown = said("entity").replace("entity", "&i;")
    body = f"<!DOCTYPE x [{ENTITIES[name]}]><w:document {W}><w:body>{shown}</w:body></w:document>"
    with pytest.raises(Unfit, match=r"no text was found|it cannot be read"):
        parent.convert(FORMAT, docx(**{"word/document.xml": body}))
    assert document_of(said("Said.")).text == "Said.\n"


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


@pytest.mark.parametrize(
    "parts",
    [
        {"mammoth/style-map": "p => script"},
        {"word/media/a.png": b"\x89PNG" * 9, "word/b.bin": b"<!DOCT", "customXml/c.xml": "<a"},
        {"customXml/d.xml": '<?xml version="1.0" encoding="gb2312"?><a/>'},
    ],
    ids=["styles", "pictures", "another encoding"],
)
def test_other_parts_of_the_file_may_be_anything(parts):
    assert document_of(said("Said."), **parts).text == "Said.\n"


def test_deep_nesting_is_refused_in_words():
    deep = "<w:sdt><w:sdtContent>" * 5000 + said("Said.") + "</w:sdtContent></w:sdt>" * 5000
    with pytest.raises(Unfit, match="its parts are nested too deeply to be read"):
        document_of(deep)


@pytest.mark.parametrize("name", ["docx", "pdf"])
def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch, name):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    with pytest.raises(Unfit, match=r'pip install "ragqa\[documents\]"'):
        parent.convert(FORMATS[name], docx(said("Said.")))
