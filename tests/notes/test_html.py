"""HTML: what of a page is text, and of which kind."""

from html import unescape

import pytest
from saying import blocks_said

from ragqa.notes import parse_note
from ragqa.notes.formats import FORMATS, Unfit
from ragqa.types import Kind, Link, Stamp

pytest.importorskip("html_to_markdown")


def document_of(page):
    return FORMATS["html"].convert(page.encode())


def parse(page):
    return parse_note("page.html", document_of(page), "", Stamp(0, 0))


def said(page):
    return blocks_said(parse(page), without=())


def words(text):
    return [shown for _, shown in said(text)]


def test_tags_are_gone_and_entities_are_decoded():
    page = "<p>Tom &amp; <b>J</b>erry&rsquo;s caf&eacute; (<a href='x'>here</a>), 5&nbsp;km.</p>"
    assert words(page) == ["Tom & Jerry\u2019s caf\u00e9 (here), 5 km."]


def test_what_looks_like_markup_is_shown_as_it_is():
    assert words("<p>Use <code>__init__</code>, not &lt;div&gt; or &#42;x&#42;.</p>") == [
        "Use __init__, not <div> or *x*."
    ]


@pytest.mark.parametrize(
    "words",
    [
        "&lt;!-- gone",
        "a %% b %% c",
        "~~c~~",
        "#tag and # head",
        "&gt; quoted",
        "[[link]] [^1]",
        "*x* _y_ `z`",
        "1. one",
        "&amp;lt;",
        "---",
    ],
)
def test_text_that_markdown_takes_for_markup_is_text(words):
    note = parse(f"<p>{words}</p><p>After.</p>")
    assert said(f"<p>{words}</p><p>After.</p>")[0][1] == unescape(words)
    assert not note.tags
    assert not note.links


def test_a_place_is_named_by_its_paragraph():
    page = "<h1>A</h1><p>b<br>c</p><ul><li>d</li></ul><table><tr><th>e</th><th>f</th></tr>"
    document = document_of(page + "<tr><td>g</td><td>h</td></tr></table><pre>i\n\nj</pre><p>k</p>")

    def place(words):
        return document.locate((document.text.index(words), document.text.index(words) + 1))

    found = [place(words) for words in ("A", "b", "c", "d", "e", "h", "j", "k")]
    assert found == [f"paragraph {n}" for n in (1, 2, 2, 3, 4, 5, 6, 7)]
    start, end = document.span_at("paragraphs 5-6")
    assert document.text[start:end] == "| g | h |\n\n```\ni\n\nj\n```\n\n"


def test_a_definition_stands_below_its_term():
    page = "<dl><dt>Wombat</dt><dd><p>It digs.</p></dd></dl>"
    assert document_of(page).text == "Wombat\n: It digs.\n"


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
        (Kind.TABLE_HEAD, "| Name | Age | | --- | --- |"),
        (Kind.ROW, "Name: Ann; Age: 7 | 8"),
        (Kind.ROW, "Age: 9"),
        (Kind.CODE, "```\nif x:\n    y()\n```"),
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


@pytest.mark.parametrize("cell", ["<pre>dig</pre>", "<h4>dig</h4>", "<ul><li>dig</li></ul>"])
def test_a_table_whose_columns_have_names_is_one_whatever_its_cells_hold(cell):
    note = parse(f"<table><tr><th>Who<th>What<tr><td>wombat<td>{cell}</table>")
    assert [b.labels for b in note.blocks if b.kind is Kind.ROW] == [("Who", "What")]


def rows(table):
    note = parse(f"<table>{table}</table>")
    return [(note.text[b.start : b.end], b.labels) for b in note.blocks if b.kind is Kind.ROW]


@pytest.mark.parametrize(
    "head",
    [
        "<thead><tr><td>Shop<td colspan=2>2024<tr><td><td>Q1<td>Q2</thead>",
        "<tr><th rowspan=2>Shop<th colspan=2>2024<tr><th>Q1<th>Q2",
        "<tr><th>Shop<th colspan=2>2024<tr><td><td>Q1<td>Q2",
        "<tr><th colspan=3>Sales</th></tr><tr><th>Shop<th>2024 / Q1<th>2024 / Q2",
    ],
)
def test_several_rows_of_names_are_one_that_says_both(head):
    labels = ("Shop", "2024 / Q1", "2024 / Q2")
    assert rows(f"{head}<tr><td>North<td>5<td>6") == [("| North | 5 | 6 |", labels)]


def test_a_row_of_values_below_a_name_of_two_columns_is_no_row_of_names():
    table = "<tr><th>Shop<th colspan=2>2024<tr><td>North<td>5<td>6<tr><td>South<td>7<td>8"
    assert [labels for _, labels in rows(table)] == [("Shop", "2024", "2024")] * 2


def test_a_merged_cell_is_said_in_each_row_and_column_that_it_spans():
    table = """<tr><th>Ship<th>Deck<th>Crew<th>Note<tr><td rowspan=2>Milo<td>aft<td>5<td rowspan=3>x
        <tr><td colspan=2>fore<tr><td>Nele<tr><td colspan=4>All at sea"""
    assert [words for words, _ in rows(table)] == [
        "| Milo | aft | 5 | x |",
        "| Milo | fore | fore | x |",
        "| Nele |  |  | x |",
        "| All at sea |  |  |  |",
    ]


@pytest.mark.parametrize("span", ["colspan='99999'", "rowspan='99999'", "colspan=-1", "rowspan=x"])
def test_spans_may_be_anything(span):
    assert rows(f"<tr><td>a<td>b<tr><td {span}>c<td>d")[1][0].startswith("| c |")


def test_copies_of_merged_cells_have_a_limit():
    with pytest.raises(Unfit, match="40,000,000 characters"):
        document_of("<table><tr><td>a<td>b" + f"<tr><td colspan=200>{'x' * 250}<td>d" * 1000)


def test_a_table_that_lays_a_page_out_is_text():
    page = "<table><tr><td>Menu</td><td><h1>Title</h1><p>Text.</p></td></tr></table>"
    assert said(page)[1:] == [(Kind.HEADING, "Title"), (Kind.PARAGRAPH, "Text.")]


def test_a_table_whose_first_row_names_no_columns_has_no_labels():
    born = "<table><tr><th>Born</th><td>1912</td></tr><tr><th>Died</th><td>1954</td></tr></table>"
    assert [words for kind, words in said(born) if kind is Kind.ROW] == ["Born; 1912", "Died; 1954"]


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
    page = "<meta charset='iso-8859-1'><p>Caf\u00e9</p>".encode("latin-1")
    assert FORMATS["html"].convert(page).text == "Caf\u00e9\n"


BROKEN = ["<a \"'", "<!--", "<![CDATA[", "<p", "&", "<p hidden>", "<ul><li>", '<a" ', "<title>"]


@pytest.mark.parametrize("piece", [*BROKEN, "<table><tr><td>", "<div>", "<b>", "<p a=b "])
def test_a_page_of_nothing_but_broken_markup_is_read_and_the_next_one_too(piece):
    document_of(piece * 20_000)
    assert document_of("<p>Said.</p>").text == "Said.\n"


def test_what_is_nested_too_deeply_is_told():
    assert any("left out" in warning for warning in parse("<div>" * 5_000 + "x").warnings)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("10<sup>6</sup> stars", "10\u2076 stars"),
        ("10<sup><b>\u22126</b></sup> m<sup>2</sup>", "10\u207b\u2076 m\u00b2"),
        ("10<sup>1.5</sup> bar", "10^1.5 bar"),
        ("101<sub>2</sub> is 5", "101_2 is 5"),
        ("the 1<sup>st</sup> H<sub>2</sub>O", "the 1st H2O"),
        ("40<sup><a href='#f1'>7</a></sup> frames", "40 [7] frames"),
        ("40<sup> <a href='#f1'>[7]</a></sup> frames", "40 [7] frames"),
        ("40<sup><a href='notes.html'>7</a></sup> frames", "40 7 frames"),
        ("40<sup> 7 frames", "40 7 frames"),
    ],
)
def test_a_raised_or_lowered_figure_is_not_part_of_the_number_before_it(html, shown):
    assert words(f"<p>{html}</p>") == [shown]


def test_a_row_of_names_below_values_begins_another_table():
    def table(middle):
        rows = "<tr><th>Yacht<th>Mast<tr><td>Gull<td>11 m" + middle + "<tr><td>Swift<td>5"
        return document_of(f"<table>{rows}</table>").text

    gull, swift = "| Yacht | Mast |\n| --- | --- |\n| Gull | 11 m |\n", "| Swift | 5 |\n"
    crew = f"{gull}\n| Yacht | Crew |\n| --- | --- |\n{swift}"
    assert table("<tr><th>Yacht<th>Crew") == crew
    assert table("<tr><th>Yacht<th>Crew<tr><th>Yacht<th>hands").count("---") == 4
    assert table("<tr><th colspan=2>Small ones") == f"{gull}| Small ones |  |\n{swift}"
    assert table("<tr><th>Lark<td>8 m") == f"{gull}| Lark | 8 m |\n{swift}"
    assert table("<tr><th><th>") == f"{gull}|  |  |\n{swift}"
