"""Files that a library converts: places, titles, dates, encodings, and hostile ones."""

import itertools
import zlib
from contextlib import suppress

import pytest
from offices import OFFICE, W, docx, epub, ods, pptx, related, said, xlsx, zipped
from pdfs import image, line, pdf
from saying import blocks_said

from ragqa.notes import extraction, parse_note
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Kind

pytest.importorskip("xberg")


def document_of(name, data):
    return extraction.convert(FORMATS[name], data if isinstance(data, bytes) else data.encode())


def note_of(name, data):
    return parse_note(f"a.{name}", document_of(name, data))


def place(document, words):
    start = document.text.index(words)
    return document.locate((start, start + len(words)))


def test_a_paragraph_of_a_page_is_named_by_its_number():
    page = "<h1>A</h1><p>b<br>c</p><ul><li>d</li></ul><table><tr><th>e</th><th>f</th></tr>"
    page += "<tr><td>g</td><td>h</td></tr></table><pre>i\n\nj</pre><p>k</p>"
    document = document_of("html", page)
    found = [place(document, words) for words in ("A", "b", "c", "d", "e", "h", "j", "k")]
    assert found == [f"paragraph {n}" for n in (1, 2, 2, 3, 4, 5, 6, 7)]
    start, end = document.span_at("paragraphs 5-6")
    assert document.text[start:end] == "| g | h |\n\n```\ni\n\nj\n```\n\n"


SHEETS = {"Burrows": [("Animal", "Metres"), ("Wombat", "30")], "Diet": [("Eats",), ("grass",)]}


@pytest.mark.parametrize(
    ("name", "data", "words", "named", "both"),
    [
        ("pptx", pptx(("One", "Wombats."), ("Two", "Quokkas.")), "Quok", "slide 2", "slides 1-2"),
        ("xlsx", xlsx(**SHEETS), "grass", "sheet 2", "sheets 1-2"),
        ("ods", ods(**SHEETS), "grass", "sheet 2", "sheets 1-2"),
        ("pdf", pdf(line("Wombats dig."), line("Quokkas.")), "Quok", "p. 2", "pp. 1-2"),
    ],
    ids=["slides", "Excel", "OpenDocument", "PDF"],
)
def test_a_page_a_slide_or_a_sheet_is_named_and_found_by_its_number(name, data, words, named, both):
    document = document_of(name, data)
    at = document.text.index(words)
    assert document.locate((at, at + 1)) == named
    start, end = document.span_at(named)
    assert start <= at < end
    assert document.locate((0, at + 1)) == both
    assert document.span_at(both) == (0, end)
    assert document.span_at(named.replace("2", "3")) is None


def test_what_its_author_deleted_and_a_linked_picture_are_no_text_of_word():
    deleted = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
    picture = (
        f'<w:p><w:r><w:drawing xmlns:r="{OFFICE}" xmlns:a="urn:a" xmlns:pic="urn:pic"><pic:pic>'
        '<pic:blipFill><a:blip r:link="r1"/></pic:blipFill></pic:pic></w:drawing></w:r></w:p>'
    )
    linked = related(("image", "file:///etc/hostname", 'TargetMode="External"'))
    data = docx(said("Said."), deleted, picture, **{"word/_rels/document.xml.rels": linked})
    assert document_of("docx", data).text == "Said.\n"


def test_what_markdown_would_take_for_markup_is_text_in_a_pdf():
    said_there = "<!-- gone", "~~c~~", "%% d %%", "`e`"
    note = note_of("pdf", pdf("".join(line(it, y=700 - 40 * n) for n, it in enumerate(said_there))))
    assert blocks_said(note, without=[]) == [(Kind.PARAGRAPH, words) for words in said_there]


def test_pages_without_text_are_counted_in_a_warning_and_places_go_on():
    document = document_of("pdf", pdf(line("Said here."), image(), line("Said there."), ""))
    assert document.warnings == ("2 of its 4 pages have no text: perhaps they are scans",)
    assert place(document, "Said there.") == "p. 3"


def test_a_mail_says_its_subject_sender_and_date_but_nothing_that_its_html_hides():
    html = "<style>p{color:red}</style><p>Wombats <b>dig</b>.</p><div style='display:none'>no</div>"
    document = document_of(
        "eml",
        "From: Ann <ann@example.org>\nSubject: The zoo\nDate: Tue, 3 Nov 2026 10:00:00 +0000\n"
        f"Content-Type: text/html\n\n{html}<script>var evil=1;</script>",
    )
    assert (document.title, document.date) == ("The zoo", "2026-11-03")
    assert "Wombats **dig**." in document.text
    assert "ann@example.org" in document.text
    assert not any(word in document.text for word in ("color", "evil", "no\n"))


def test_what_only_the_author_of_an_org_file_sees_is_no_text_and_its_tags_are_the_notes():
    org = (
        "#+FILETAGS: :zoo:\n* TODO [[id:7][Wombats]] :dig:\n:PROPERTIES:\n:ID: 7\n:END:\n"
        "# a draft\n#+begin_comment\nsecret\n#+end_comment\nThey dig.\n"
    )
    document = document_of("org", org)
    assert document.tags == ("zoo", "dig")
    assert "Wombats" in document.text
    assert "They dig." in document.text
    assert not any(words in document.text for words in ("draft", "secret", "ID", "id:"))


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-16"])
def test_a_page_in_its_own_encoding_is_decoded(charset):
    page = f"<meta charset='{charset}'><p>Caf\u00e9</p>".encode(charset)
    assert document_of("html", page).text == "Caf\u00e9\n"


BOMB = b"<p>" + b" " * 110_000_000
LAUGHS = "<!DOCTYPE a [" + '<!ENTITY a "haha">'
for one, two in itertools.pairwise("abcdefghi"):
    LAUGHS += f'<!ENTITY {two} "{f"&{one};" * 20}">'
OUTSIDE = '<!DOCTYPE a [<!ENTITY i SYSTEM "file:///etc/passwd">'
REFUSED = {
    "empty": ("epub", b""),
    "no archive": ("xlsx", b"PK\x03\x04 and nothing"),
    "encrypted": ("docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
    "a cut PDF": ("pdf", pdf(line("Said."))[:300]),
    "no document": ("odt", zipped({"a.txt": "no document"})),
    "no mail": ("eml", b""),
    "no words": ("rtf", b"{\\rtf1 }"),
    "a script": ("html", b"<script>1</script>"),
    "a scan": ("pdf", pdf(image())),
    "a bomb": ("epub", epub("<p>Said.</p>", **{"c0.xhtml": BOMB})),
    "a bomb of Word": ("docx", docx(**{"word/document.xml": BOMB})),
    "a bomb of PDF": (
        "pdf",
        pdf(zlib.compress(b"q " * 10_000_000), filtered="/Filter /FlateDecode"),
    ),
    "deep Word": ("docx", docx("<w:sdt><w:sdtContent>" * 5000 + said("Said."))),
    "deep elements": ("html", "<div>" * 5_000 + "<p>Said.</p>" + "</div>" * 5_000),
    "a loop of forms": (
        "pdf",
        pdf("/I Do " * 1000).replace(b"/Subtype /Image", b"/Subtype /Form "),
    ),
}


@pytest.mark.parametrize(("name", "data"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(name, data):
    with pytest.raises(Unfit, match=r"\Ait cannot be read: [^\n]*\Z|no text was found in it"):
        document_of(name, data)
    assert document_of("html", "<p>Said.</p>").text == "Said.\n"


@pytest.mark.parametrize("entities", [LAUGHS, OUTSIDE], ids=["a bomb", "a file"])
def test_entities_of_xml_say_nothing(entities):
    page = f"{entities}]><html xmlns='http://www.w3.org/1999/xhtml'><body><p>&i;</p></body></html>"
    book = epub("<p>Before.</p>", "<p></p>", **{"c1.xhtml": page})
    assert "root:" not in document_of("epub", book).text
    assert len(document_of("epub", book).text) < 10_000
    body = f"{entities}]><w:document {W}><w:body>{said('entity')}</w:body></w:document>"
    with pytest.raises(Unfit, match=r"no text was found|cannot be read"):
        document_of("docx", docx(**{"word/document.xml": body.replace("entity", "&i;")}))


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        *(("html", piece) for piece in ("<a \"'", "<!--", "&", "<p hidden>", "<ul><li>")),
        *(("html", piece) for piece in ("<table><tr><td>", "<div>")),
        *(("org", piece) for piece in ("* a\n", ":a:\n", "#+begin_src\n", "|", "- a\n ")),
        *(("eml", piece) for piece in ("A: b\n", "\n--\n")),
        *(("rtf", piece) for piece in ("{", "\\u1 ")),
    ],
)
def test_nothing_but_broken_markup_is_read_or_refused_and_the_next_file_too(name, piece):
    start = {"rtf": "{\\rtf1 "}.get(name, "")
    with suppress(Unfit):
        document_of(name, start + piece * 10_000)
    assert document_of("html", "<p>Said.</p>").text == "Said.\n"


def test_text_that_obsidian_would_take_for_a_comment_is_shown_but_code_is_left_as_it_is():
    note = note_of("html", "<p>a %% b %% c</p><p><code>d %% e</code></p><pre>f %% g</pre>")
    assert not any(block.kind is Kind.COMMENT for block in note.blocks)
    assert "`d %% e`" in note.text
    assert "f %% g" in note.text


def test_only_what_markdown_would_take_for_markup_is_escaped():
    page = "<p>Tom &amp; Ann: 4.0-rc1!</p><p>1. x &amp;lt; y</p><p>- z</p><pre>a\\.b</pre>"
    assert document_of("html", page).text == (
        "Tom & Ann: 4.0-rc1!\n\n1\\. x \\&lt; y\n\n\\- z\n\n```\na\\.b\n```\n"
    )


def test_a_page_of_which_most_words_are_lost_says_so_but_not_of_what_nobody_sees():
    words = "The rent of the garage is due on the first of May. " * 9
    lost = f"<div aria-hidden=true>{words}</div><p>{words[:51]}</p>"
    (warning,) = document_of("html", lost).warnings
    assert warning == "words are lost: only 10% of those that the page shows were read"
    unseen = (
        f"<script>{words}</script><nav>{words}</nav><!-- {words} --><template>{words}</template>"
    )
    unseen += f"<div style='display:none'>{words}</div><p hidden>{words}</p>"
    unseen += f"<div id=cookie-banner>{words}</div>"
    page = f"<title>{words}</title>{unseen}<p>{words[:51]}</p>"
    assert document_of("html", page).warnings == ()


def test_text_within_many_elements_a_form_and_a_sheet_of_many_cells_is_read():
    deep = "<div>" * 200 + "<p>Leave is 27 days.</p>" + "</div>" * 200
    assert "27 days" in document_of("html", deep).text
    assert "Leave" in document_of("html", "<form id=f><p>Leave is 27 days.</p></form>").text
    rows = "<tr>" + "<td>a</td>" * 10 + "</tr>"
    assert "| a |" in document_of("html", f"<table>{rows * 10_100}</table>").text
