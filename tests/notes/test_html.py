"""HTML: what of a page is text, and of which kind."""

import pytest
from excerpting import passages_of
from saying import blocks_said

from ragqa.answering.layout import Layout
from ragqa.notes import parse_note
from ragqa.notes.formats import FORMATS, html_tags
from ragqa.types import Kind, Link, Stamp


def parse(text):
    return parse_note("page.html", text, "", Stamp(0, 0))


def said(text):
    return blocks_said(parse(text), without=[Kind.COMMENT])


def words(text):
    return [shown for _, shown in said(text)]


def test_tags_are_gone_and_entities_are_decoded():
    page = "<p>Tom &amp; <b>J</b>erry&rsquo;s caf&eacute; (<a href='x'>here</a>), 5&nbsp;km.</p>"
    assert words(page) == ["Tom & Jerry\u2019s caf\u00e9 (here), 5 km."]


def test_what_looks_like_markup_is_shown_as_it_is():
    assert words("<p>Use <code>__init__</code>, not &lt;div&gt; or &#42;x&#42;.</p>") == [
        "Use __init__, not <div> or *x*."
    ]


def test_a_span_of_a_page_is_its_source():
    page = "<p>One.</p><p>Tom &amp; Jerry, <i>both</i>.</p>"
    block = parse(page).blocks[1]
    assert page[block.start : block.end] == "Tom &amp; Jerry, <i>both</i>."


def test_headings_lists_tables_and_code_are_recognised():
    page = """<h1>Top</h1><h2 id="a">Sub<a class="headerlink" href="#a">¶</a></h2><p>Steps:</p>
    <ol><li>one</li><li>two<ul><li>deep</li></ul></li></ol>
    <table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>7 | 8</td></tr>
    <tr><td></td><td>9</td></tr></table><pre><b>if</b> x:\n    <i>y</i>()</pre>"""
    assert said(page) == [
        (Kind.HEADING, "Top"),
        (Kind.HEADING, "Sub"),
        (Kind.PARAGRAPH, "Steps:"),
        (Kind.ITEM, "Steps: one"),
        (Kind.ITEM, "Steps: two"),
        (Kind.ITEM, "deep"),
        (Kind.TABLE_HEAD, "| Name | Age"),
        (Kind.ROW, "Name: Ann; Age: 7 \u2223 8"),
        (Kind.ROW, "Age: 9"),
        (Kind.CODE, "if x:\n    y()"),
    ]
    assert [(b.level, b.label) for b in parse(page).blocks[:2]] == [(1, "Top"), (2, "Sub")]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>if (a < b) alert('<p>no</p>')</script>",
        "<style>p {color: red}</style>",
        "<nav><ul><li>Home</li></ul></nav>",
        "<div role='navigation'>Home <div>deep</div></div>",
        "<div hidden>no</div>",
        "<span aria-hidden='true'>no</span>",
        "<div style='color: red; display: none'>no</div>",
        "<div id='cookie-banner'>We use cookies</div>",
        "<header>Site</header>",
        "<footer>Imprint</footer>",
        "<aside>Related</aside>",
        "<button>Send</button><label>Name</label><select><option>a</option></select>",
        "<!-- a comment with <p>text</p> -->",
    ],
)
def test_what_a_reader_does_not_see_is_no_text(hidden):
    assert words(f"<body><p>Before.</p>{hidden}<p>After.</p></body>") == ["Before.", "After."]


def test_a_hidden_part_that_is_not_closed_is_told():
    note = parse("<p>Before.</p><nav><p>After.</p>")
    assert note.warnings == (
        "<nav>, which is hidden, is not closed, so the rest of the page is left out",
    )


def test_a_header_and_an_aside_within_an_article_are_text():
    page = "<article><header><h1>Title</h1></header><aside>A note.</aside></article>"
    assert words(page) == ["Title", "A note."]


def test_a_long_hidden_part_keeps_what_is_around_it_apart():
    page = f"<p>Before.</p><nav>{'x ' * 300}</nav><p>After.</p>"
    assert [b.kind for b in parse(page).blocks] == [Kind.PARAGRAPH, Kind.COMMENT, Kind.PARAGRAPH]


def test_a_table_that_lays_a_page_out_is_text():
    page = "<table><tr><td>Menu</td><td><h1>Title</h1><p>Text.</p></td></tr></table>"
    assert said(page)[1:] == [(Kind.HEADING, "Title"), (Kind.PARAGRAPH, "Text.")]


def test_title_date_and_links_come_from_the_page():
    page = """<title>Wombats | A site</title><meta name="keywords" content="zoo">
    <meta property="article:published_time" content="2024-05-02T10:00:00Z"><h1>Wombats</h1>
    <p><a href="other%20page.html#x">o</a> <a href="https://a.b">w</a> <a href="#y">y</a></p>"""
    note = parse(page)
    assert (note.title, note.date) == ("Wombats", "2024-05-02")
    assert note.links == (Link("other page.html", wiki=False),)


def test_the_title_is_used_where_no_heading_repeats_it():
    assert parse("<title>Wombats</title><h1>Hello</h1>").title == "Wombats"
    assert parse("<p>Text.</p>").title == "page"


def test_a_page_in_its_own_encoding_is_decoded():
    page = "<meta charset='iso-8859-1'><p>Caf\u00e9</p>"
    assert FORMATS["html"].decode(page.encode("latin-1")) == page


BROKEN = ["<a \"'", "<!--", "<![CDATA[", "<p", "&", "<p hidden>", "<ul><li>", '<a" ', "<title>"]


@pytest.mark.parametrize("piece", [*BROKEN, "<table><tr><td>"])
def test_a_page_of_nothing_but_broken_markup_is_read(piece, monkeypatch):
    monkeypatch.setattr(html_tags, "MAX_WASTED", 10_000)
    assert len(parse(piece * 20_000).text) == len(piece) * 20_000


@pytest.mark.parametrize("gap", ["\n", "", "\n\n  "])
def test_a_paragraph_after_a_list_is_not_part_of_it(gap):
    text = f"<ul><li>one</li><li>two</li></ul>{gap}<p>After the list.</p>"
    read = parse_note("page.html", text, "0" * 64, Stamp(0, 0)).text
    layout = Layout.of(read, passages_of(text, path="page.html"))
    assert layout.quote(layout.block(len(layout.pieces) - 1)) == "After the list."
