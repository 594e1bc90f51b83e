"""A note as HTML: its headings, images, callouts and footnotes."""

import re

import pytest

from ragqa.notes.links import NoteNames
from ragqa.serving import note
from ragqa.serving.note import LinkedNotes, note_html, slugs

IMAGES = {"cup.png": "attachments/cup.png", "attachments/cup.png": "attachments/cup.png"}


LINKS = LinkedNotes({}, NoteNames({"pot": ["pot.md"]}), None, lambda: IMAGES)


def html(text, path="tea/green.md", **how):
    return note_html(text, (), path=path, links=LINKS, **how)


def test_the_outline_leads_to_every_heading_also_to_two_of_one_name():
    text = "# Tea\n\n## Notes\n\n## Of [green](x.md) `tea`\n\n## Notes\n"
    ids = re.findall(r'<h\d id="([^"]+)"', html(text))
    assert ids == slugs(["Tea", "Notes", "Of green tea", "Notes"])
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "written",
    ["![[cup.png]]", "![a cup](/attachments/cup.png)", "![a cup](../attachments/cup.png)"],
)
def test_an_image_is_found_by_its_name_from_the_top_and_beside_the_note(written):
    assert 'src="/image/attachments/cup.png"' in html(written)


@pytest.mark.parametrize(
    ("written", "title"),
    [("[!tip] Steam *it*", "Steam <em>it</em>"), ("[!tip]", "Tip"), ("[!TIP]- Steam", "Steam")],
)
def test_a_callout_has_its_own_title_or_that_of_its_kind(written, title):
    shown = html(f"> {written}\n> Put water in.\n")
    assert f'<blockquote class="callout">\n<p class="kind">{title}</p>\n' in shown
    assert "<p>Put water in.</p>" in shown


def test_what_a_note_highlights_is_told_apart_from_what_is_cited():
    text = "Keep it at ==20 *degrees*== if a == b, `if ==x==`, and ==not ==.\n"
    shown = html(text, marks=[(0, 4)])
    assert shown == (
        '<p><mark id="cited">Keep</mark> it at <mark class="own">20 <em>degrees</em></mark> if '
        "a == b, <code>if ==x==</code>, and ==not ==.</p>\n"
    )


def test_a_link_shows_its_words_and_leads_to_its_heading_or_block():
    text = (
        "[[pot#Use#Care]] [[pot#^rim|rim]] [[#Tea]] [[#^one]] [[cup|a cup]]\n\n**The last.** ^one\n"
    )
    shown = html(text, "tea.md")
    assert '<a href="/note/pot.md#h-care">pot &gt; Use &gt; Care</a>' in shown
    assert '<a href="/note/pot.md#b-rim">rim</a>' in shown
    assert '<a href="/note/tea.md#h-tea">Tea</a>' in shown
    assert '<a href="/note/tea.md#b-one">^one</a>' in shown
    assert '<span class="missing">a cup</span>' in shown
    assert '<strong>The last.</strong><a id="b-one"></a></p>' in shown


def test_lines_that_a_person_broke_stay_lines_and_wrapped_ones_are_joined():
    assert html("Bulk: 35 min\n*Starter*: 1:5:5") == (
        "<p>Bulk: 35 min<br />\n<em>Starter</em>: 1:5:5</p>\n"
    )
    wrapped = "A paragraph whose lines an editor wrapped is joined, also before\n[a link](x.md)."
    assert "<br" not in html(wrapped)
    part = html("a part.\nIt is.", lines=False)
    assert part == "<p>a part.\nIt is.</p>\n"


def test_a_line_right_below_a_table_is_a_paragraph():
    assert "<p>Below.</p>" in html("| a | b |\n|---|---|\n| 1 | 2 |\nBelow.\n")


@pytest.mark.parametrize(
    ("cited", "rows"),
    [
        ("| oak | 4 m |", [' class="cited" id="cited"', ""]),
        ("oak | 4 m |\n| elm | 3 m", [' class="cited" id="cited"', ' class="cited"']),
    ],
)
def test_a_row_that_is_cited_is_marked_and_no_cell(cited, rows):
    text = "| tree | height |\n| --- | --- |\n| oak | 4 m |\n| elm | 3 m |\n\nBelow.\n"
    start = text.index(cited)
    marks = [(start, start + len(cited)), (text.index("Below"), len(text))]
    shown = html(text, marks=marks)
    assert re.findall(r"<tr([^>]*)>\n<td>", shown) == rows
    assert re.findall(r"<mark.*?</mark>", shown) == ["<mark>Below.</mark>"]


def test_in_a_row_what_is_cited_alone_is_marked():
    text = "| tree | height |\n| --- | --- |\n| oak | 4 m |\n"
    shown = html(text, marks=[(text.index("4 m"), text.index("4 m") + 3)])
    assert '<td><mark id="cited">4 m</mark></td>' in shown


def test_tasks_have_boxes_and_a_cited_one_stays_one():
    text = "- [x] Descale the kettle.\n- [ ] Buy *tea*.\n"
    shown = html(text, marks=[(0, 25)])
    done, to_do = re.findall("<input ([^>]*)>(.*)</li>", shown)
    assert 'checked=""' in done[0]
    assert done[1].strip() == '<mark id="cited">Descale the kettle.</mark>'
    assert "checked=" not in to_do[0]
    assert to_do[1].strip() == "Buy <em>tea</em>."


def test_what_takes_too_long_to_render_is_shown_as_its_source(monkeypatch):
    monkeypatch.setattr(note, "_RENDERED_S", -1)
    shown = html("A *pot*.", marks=[(2, 7)])
    assert '<pre class="source">' in shown
    assert '<mark id="cited">*pot*</mark>' in shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("![x](http://[foo.png)", '<span class="missing">image: x</span>'),
        ("![[//[a.png]]", "![[//[a.png]]"),
        ("[x](http://[b)", '<a href="http://%5Bb" rel="noopener noreferrer" target="_blank">x</a>'),
        ("[x](//far.example/a.md)", "<a>x</a>"),
        ("[x](x-thing:a.md)", "<a>x</a>"),
    ],
)
def test_a_link_that_is_no_address_of_a_note_leads_to_none(written, shown):
    assert html(written) == f"<p>{shown}</p>\n"
