"""Files that a library converts: places, titles, dates, encodings, and hostile ones."""

from contextlib import suppress

import pytest
from docxs import zipped
from offices import epub, ods, odt, pptx, xlsx

from ragqa.notes import parse_note
from ragqa.notes.extraction import parent
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Kind, Stamp

pytest.importorskip("xberg")


def document_of(name, data):
    return parent.convert(FORMATS[name], data if isinstance(data, bytes) else data.encode())


def test_a_paragraph_of_a_page_is_named_by_its_number():
    page = "<h1>A</h1><p>b<br>c</p><ul><li>d</li></ul><table><tr><th>e</th><th>f</th></tr>"
    page += "<tr><td>g</td><td>h</td></tr></table><pre>i\n\nj</pre><p>k</p>"
    document = document_of("html", page)

    def place(words):
        return document.locate((document.text.index(words), document.text.index(words) + 1))

    found = [place(words) for words in ("A", "b", "c", "d", "e", "h", "j", "k")]
    assert found == [f"paragraph {n}" for n in (1, 2, 2, 3, 4, 5, 6, 7)]
    start, end = document.span_at("paragraphs 5-6")
    assert document.text[start:end] == "| g | h |\n\n```\ni\n\nj\n```\n\n"


SHEETS = {"Burrows": [("Animal", "Metres"), ("Wombat", "30")], "Diet": [("Eats",), ("grass",)]}


@pytest.mark.parametrize(
    ("name", "data", "words", "place"),
    [
        ("pptx", pptx(("One", "Wombats dig."), ("Two", "Quokkas smile.")), "smile", "slide 2"),
        ("xlsx", xlsx(**SHEETS), "grass", "sheet 2"),
        ("ods", ods(**SHEETS), "grass", "sheet 2"),
    ],
    ids=["slides", "Excel", "OpenDocument"],
)
def test_a_slide_or_a_sheet_is_named_and_found_by_its_number(name, data, words, place):
    document = document_of(name, data)
    at = document.text.index(words)
    assert document.locate((at, at + 1)) == place
    start, end = document.span_at(place)
    assert start <= at < end
    assert document.locate((0, at + 1)) == f"{place[:-2]}s 1-2"


def test_a_sheet_has_its_name_as_heading_and_its_first_row_as_names_of_columns():
    note = parse_note("a.xlsx", document_of("xlsx", xlsx(**SHEETS)), "", Stamp(0, 0))
    rows = [block.labels for block in note.blocks if block.kind is Kind.ROW]
    assert rows == [("Animal", "Metres"), ("Eats",)]
    assert [b.label for b in note.blocks if b.kind is Kind.HEADING] == [*SHEETS]


def test_a_chapter_of_a_book_stands_above_its_paragraphs():
    note = parse_note(
        "a.epub",
        document_of("epub", epub("<h1>Dig</h1><p>Wombats.</p>", "<h1>Rest</h1><p>Quokkas.</p>")),
        "",
        Stamp(0, 0),
    )
    assert [b.label for b in note.blocks if b.kind is Kind.HEADING] == ["Dig", "Rest"]
    assert note.title == "Wombats"


def test_a_mail_says_its_subject_its_sender_and_its_date():
    mail = "From: Ann <ann@example.org>\nSubject: The zoo\nDate: Tue, 3 Nov 2026 10:00:00 +0000\n"
    document = document_of("eml", f"{mail}Content-Type: text/html\n\n<p>Wombats <b>dig</b>.</p>")
    assert (document.title, document.date) == ("The zoo", "2026-11-03")
    assert "Wombats **dig**." in document.text
    assert "ann@example.org" in document.text


def test_what_only_the_author_of_an_org_file_sees_is_no_text_and_its_tags_are_the_notes():
    org = (
        "#+FILETAGS: :zoo:\n* TODO Wombats :dig:\n:PROPERTIES:\n:ID: 7\n:END:\n# a draft\n"
        "#+begin_comment\nsecret\n#+end_comment\nThey dig.\n"
    )
    document = document_of("org", org)
    assert document.tags == ("zoo", "dig")
    assert "They dig." in document.text
    assert not any(words in document.text for words in ("draft", "secret", "ID"))


def test_an_org_heading_has_what_its_links_show():
    document = document_of("org", "* [[id:7][Wombats]] of [[zoo.org]]\n\nThey dig.\n")
    assert document.text.startswith("# Wombats of zoo.org\n")


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-16"])
def test_a_page_in_its_own_encoding_is_decoded(charset):
    page = f"<meta charset='{charset}'><p>Caf\u00e9</p>".encode(charset)
    assert document_of("html", page).text == "Caf\u00e9\n"


BOMB = b"<p>" + b" " * 300_000_000
LAUGHS = "<!DOCTYPE a [" + '<!ENTITY a "haha">'
for one, two in zip("abcdefgh", "bcdefghi", strict=True):
    LAUGHS += f'<!ENTITY {two} "{f"&{one};" * 20}">'
LAUGHS += ']><html xmlns="http://www.w3.org/1999/xhtml"><body><p>Said. &i;</p></body></html>'
SECRET = LAUGHS.replace('"haha"', 'SYSTEM "file:///etc/passwd"').replace("&i;", "&a;")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("epub", b""),
        ("xlsx", b"PK\x03\x04 and nothing"),
        ("pptx", pptx(("One", "Said."))[:-40]),
        ("odt", zipped({"a.txt": "no document"})),
        ("eml", b""),
        ("rtf", b"{\\rtf1 }"),
        ("html", b"<script>1</script>"),
        ("epub", epub("<p>Said.</p>", **{"c0.xhtml": BOMB})),
        ("odt", zipped({"content.xml": BOMB})),
    ],
    ids=[
        "empty",
        "no archive",
        "cut",
        "no document",
        "no mail",
        "no words",
        "a script",
        "a bomb",
        "another bomb",
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(name, data):
    with pytest.raises(Unfit, match=r"\Ait cannot be read: [^\n]*\Z|no text was found in it"):
        document_of(name, data)
    assert document_of("html", "<p>Said.</p>").text == "Said.\n"


@pytest.mark.parametrize("page", [LAUGHS, SECRET], ids=["a bomb", "a file"])
def test_entities_of_a_book_say_nothing(page):
    text = document_of("epub", epub("<p>Before.</p>", "<p></p>", **{"c1.xhtml": page})).text
    assert "Before." in text
    assert len(text) < 10_000
    assert "root:" not in text


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
    page = "<p>a %% b %% c</p><p><code>d %% e</code></p><pre>f %% g</pre>"
    note = parse_note("a.html", document_of("html", page), "", Stamp(0, 0))
    assert not any(block.kind is Kind.COMMENT for block in note.blocks)
    assert "`d %% e`" in note.text
    assert "f %% g" in note.text


def test_only_what_markdown_would_take_for_markup_is_escaped():
    page = "<p>Tom &amp; Ann: 4.0-rc1!</p><p>1. x &amp;lt; y</p><p>- z</p><pre>a\\.b</pre>"
    assert document_of("html", page).text == (
        "Tom & Ann: 4.0-rc1!\n\n1\\. x \\&lt; y\n\n\\- z\n\n```\na\\.b\n```\n"
    )


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    with pytest.raises(
        Unfit, match=r'reading odt needs an extra: pip install "ragqa\[documents\]"'
    ):
        document_of("odt", odt())


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


def test_a_mail_is_read_without_styles_scripts_and_what_its_html_hides():
    html = "<style>p{color:red}</style><p>Wombats dig.</p><div style='display:none'>no</div>"
    mail = f"Subject: News\nContent-Type: text/html\n\n{html}<script>var evil=1;</script>"
    text = document_of("eml", mail).text
    assert "Wombats dig." in text
    assert not any(word in text for word in ("color", "evil", "no\n"))


def test_text_within_many_elements_is_read_and_within_too_many_said_to_be_missing():
    page = "<div>{0}<p>Leave is 27 days.</p>{1}"
    assert "27 days" in document_of("html", page.format("<div>" * 200, "</div>" * 200)).text
    with pytest.raises(Unfit, match="no text was found"):
        document_of("html", page.format("<div>" * 5_000, "</div>" * 5_000))


def test_a_page_within_a_form_and_a_sheet_of_many_cells_are_read():
    assert "Leave" in document_of("html", "<form id=f><p>Leave is 27 days.</p></form>").text
    rows = "<tr>" + "<td>a</td>" * 10 + "</tr>"
    assert "| a |" in document_of("html", f"<table>{rows * 10_100}</table>").text
