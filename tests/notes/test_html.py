"""HTML: places, encodings, and pages that are broken. What of a page is text: `test_parse.py`."""

import pytest

from ragqa.notes import parse_note
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Stamp

pytest.importorskip("html_to_markdown")


def document_of(page):
    return FORMATS["html"].convert(page.encode())


def test_a_place_is_named_by_its_paragraph():
    page = "<h1>A</h1><p>b<br>c</p><ul><li>d</li></ul><table><tr><th>e</th><th>f</th></tr>"
    document = document_of(page + "<tr><td>g</td><td>h</td></tr></table><pre>i\n\nj</pre><p>k</p>")

    def place(words):
        return document.locate((document.text.index(words), document.text.index(words) + 1))

    found = [place(words) for words in ("A", "b", "c", "d", "e", "h", "j", "k")]
    assert found == [f"paragraph {n}" for n in (1, 2, 2, 3, 4, 5, 6, 7)]
    start, end = document.span_at("paragraphs 5-6")
    assert document.text[start:end] == "| g | h |\n\n```\ni\n\nj\n```\n\n"


def test_a_page_in_its_own_encoding_is_decoded():
    page = "<meta charset='iso-8859-1'><p>Caf\u00e9</p>".encode("latin-1")
    assert FORMATS["html"].convert(page).text == "Caf\u00e9\n"


def test_copies_of_merged_cells_have_a_limit():
    assert len(document_of("<table><tr><td>a<td>b<tr><td colspan=99999>c<td>d").text) < 10_000
    with pytest.raises(Unfit, match="40,000,000 characters"):
        document_of("<table><tr><td>a<td>b" + f"<tr><td colspan=200>{'x' * 250}<td>d" * 1000)


@pytest.mark.parametrize(
    "piece", ["<a \"'", "<!--", "<![CDATA[", "&", "<p hidden>", "<ul><li>", "<table><tr><td>"]
)
def test_a_page_of_nothing_but_broken_markup_is_read_and_the_next_one_too(piece):
    document_of(piece * 10_000)
    assert document_of("<p>Said.</p>").text == "Said.\n"


def test_what_is_nested_too_deeply_is_told():
    note = parse_note("page.html", document_of("<div>" * 5_000 + "x"), "", Stamp(0, 0))
    assert any("left out" in warning for warning in note.warnings)


def test_a_page_of_which_less_than_half_of_the_words_arrive_says_so():
    words = "The rent of the garage is due on the first of May. " * 9
    lost = f"<div aria-hidden=true>{words}</div><p>{words[:51]}</p>"
    (warning,) = document_of(lost).warnings
    assert warning == "only 10% of the words that the page shows were read"
    unseen = (
        f"<script>{words}</script><nav>{words}</nav><!-- {words} --><template>{words}</template>"
    )
    assert document_of(f"<title>{words}</title>{unseen}<p>{words[:51]}</p>").warnings == ()
