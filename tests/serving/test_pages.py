"""The pages, as a browser without script sees them, and the HTTP API."""

import os
import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin

import pytest
from served import Guarded
from served_mcp import built
from support import QUICK, run_ragqa, write_notes

from ragqa.config import Settings, history_file
from ragqa.serving.web import web_app
from ragqa.types import Corpus
from ragqa.user_data import QuestionHistory

WHEN = "at how many degrees is green tea brewed?"


class Page(HTMLParser):
    """The elements of a page, each with its attributes, and the text of those with an id."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self._inside = []
        self.text = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("img", "input", "meta", "link", "br", "hr"):
            self._inside.append(dict(attrs).get("id"))

    def handle_endtag(self, _):
        self._inside.pop()

    def handle_data(self, data):
        for name in self._inside:
            if name:
                self.text[name] = self.text.get(name, "") + data

    def of(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture
def site_of(tmp_path, monkeypatch):
    """Return a function that makes the pages over notes that it is given."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def make(notes):
        write_notes(tmp_path / "notes", notes)
        return Guarded(web_app(built(tmp_path)))

    return make


def test_a_question_shows_the_answer_and_beside_it_the_note_with_the_cited_stretch(site):
    got = site.ask("/", q=WHEN)
    page = Page(got.text)
    assert got.status == 200
    assert "80 degrees" in page.text["c1"]
    assert page.text["cited"].startswith("Green tea is brewed at 80 degrees")
    assert "Black tea needs boiling water" in page.text["beside"]
    refusal = site.ask("/", q="who won the cup in 1954?").text
    assert 'class="verdict not_in_notes"' in refusal
    assert 'id="beside"' not in refusal


def test_under_reserve_the_page_marks_the_excerpt_within_its_passage(site_of):
    site = site_of({
        "2026-01-14-tape.md": "# Backup\n\n## Plan\n\n<b>Mara</b> swaps it.\n\n"
        "The retention of a tape is 30 days.\n\n<script>x()</script>\n\n"
        "## Costs\n\nA shed is dear.\n",
        "2025-03-02-law.md": "# Law\n\nThe retention of papers is ten years.\n",
        "garden.md": "# Garden\n\nPeas are sown in March.\n",
    })  # fmt: skip
    page = site.ask("/", q="what is the retention of a tape in Zanzibar").text
    (passage,) = re.findall(r'<div class="quote within">(.*?)</div>', page, re.DOTALL)
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", passage) == [
        "The retention of a tape is 30 days."
    ]
    assert "&lt;b&gt;Mara&lt;/b&gt; swaps it." in passage
    assert "<script>x" not in page
    assert Page(page).text["c1"].count("Plan") == 1
    law = page.partition('id="c2"')[2].partition("</article>")[0]
    assert "<time>2025-03-02</time>" in law
    assert "<details>" not in law
    assert '<div class="quote">' in law


def test_an_item_without_the_sentence_above_its_list_has_that_sentence_beside_it(site_of):
    long = "**Chunked prefill** splits a long prompt into pieces that it mixes with steps. " * 9
    text = f"Two remedies are common:\n\n- {long}\n- **Disaggregation** runs prefill apart.\n"
    site = site_of({"serving.md": f"# Serving\n\nPrefill stalls others. {text}"})
    page = site.ask("/", q="disaggregation runs prefill apart").text
    assert '<p class="context">Two remedies are common</p>' in page


def test_the_home_shows_the_notes_what_changed_tags_and_what_was_asked(site_of, tmp_path):
    edited = tmp_path / "notes" / "old.md"
    write_notes(tmp_path / "notes", {
        "old.md": "---\ntags: [tea]\ndate: 2024-12-24\n---\n# Old tea\n\n## Storing\n\nIt keeps.\n",
        "a/2025-04-02-new.md": "---\ntags: [tea, pot]\n---\n# Pot & lid\n\n## Care?\n\nRinse it.\n",
    })  # fmt: skip
    os.utime(edited, (1_705_300_000, 1_705_300_000))
    site = site_of({})

    def home(**asked):
        text = site.ask("/", **asked).text
        return text, Page(text).text["main"], [link["href"] for link in Page(text).of("a")]

    page, text, links = home()
    assert "notes 2 notes, " in text
    assert "#tea 2" in text
    assert "/?tag=tea" in links
    lately = page.partition('id="lately"')[2].partition("</ul>")[0]
    assert re.findall(r'href="/note/([^"]+)".*?<time[^>]*>([^<]+)', lately) == [
        ("old.md", "2024-01-15"), ("a/2025-04-02-new.md", "2023-11-14"),
    ]  # fmt: skip
    listed = page.partition('id="all"')[2].partition("</section>")[0]
    assert re.findall(r"<summary>(.*?) <|href=\"/note/(.*?)\"", listed) == [
        ("notes", ""), ("", "old.md"), ("a", ""), ("", "a/2025-04-02-new.md"),
    ]  # fmt: skip
    assert {"/?q=Old+tea%3A+Storing", "/?q=Pot+%26+lid%3A+Care%3F"} <= set(links)
    assert "/note/old.md" not in home(tag="pot")[2]
    nearest = site.ask("/", q="how is a pot cared for?").text
    assert "Pot &amp; lid \u203a Care?" in nearest.partition("<ol>")[2]
    _, text, links = home()
    assert "/?q=how+is+a+pot+cared+for%3F" in links
    assert "Old tea: Storing" not in text


@pytest.mark.parametrize(
    ("asked", "said", "leads_to"),
    [
        ("q=tea&tag=Ofice", "No note has the tag ofice; nearest: office.", "/?q=tea&tag=office"),
        ("q=tea&since=banana&tag=a", "'banana' is not a date", None),
    ],
)
def test_what_cannot_be_asked_stays_in_the_form_and_is_not_remembered(site, asked, said, leads_to):
    got = site.ask(f"/?{asked}")
    page = Page(got.text)
    assert got.status == 400
    assert said in page.text["main"]
    assert (
        dict(parse_qsl(asked)).items()
        <= {one["name"]: one["value"] for one in page.of("input") if one.get("value")}.items()
    )
    assert leads_to is None or leads_to in [link["href"] for link in page.of("a")]
    assert "tea" not in [one["value"] for one in Page(site.ask("/").text).of("option")]


@pytest.mark.parametrize(
    ("path", "why"),
    [("nope.md", "in the index."), ("a/Plan.canvas", "it is a canvas, which is not read.")],
)
def test_a_note_that_is_missing_is_not_found(site, path, why):
    got = site.ask(f"/note/{path}")
    shown = Page(got.text).text["main"]
    assert got.status == 404
    assert "There is no such note" in shown
    assert f"There is no note {path}" in shown
    assert why in shown
    assert "Back to the question" not in shown


@pytest.mark.parametrize(("name", "shown"), [("caf\udce9.md", "caf\\xe9"), ("a\nb.md", "a b")])
def test_a_note_of_any_name_opens_from_its_link(site_of, name, shown):
    site = site_of({name: "The teapot holds 2 litres.\n"})
    page = Page(site.ask("/", q="how much does the teapot hold?").text)
    (link,) = {link["href"] for link in page.of("a") if link.get("href", "").startswith("/note/")}
    got = site.ask(link)
    assert got.status == 200
    assert shown in got.text
    assert "The teapot holds 2 litres." in got.text


def test_an_answer_is_copied_with_its_sources_and_saved_with_its_record(site):
    page = Page(site.ask("/", q=WHEN).text)
    (save,) = [link["href"] for link in page.of("a") if link["href"].startswith("/save")]
    (copy,) = [one["data-copy"] for one in page.of("button") if "data-copy" in one]
    saved, copied = site.ask(save), site.ask(copy)
    name = 'filename="at-how-many-degrees-is-green-tea-brewed.md"'
    assert name in saved.headers["content-disposition"]
    assert site.ask("/api/verify", method="POST", answer=saved.text).document["sound"] is True
    assert saved.text.startswith(copied.text.rstrip())
    assert "[tea.md:3](tea.md)" in copied.text
    assert "```json" not in copied.text


QUOTE = "The kettle holds two litres of water."
CHANGED = "This note has changed since it was quoted"


def test_a_quote_is_marked_where_it_stands_now_and_nothing_if_the_note_changed(site_of, tmp_path):
    site = site_of({"kettle.md": f"# Kettle\n\n{QUOTE}\n\nIt is red.\n"})
    kettle = tmp_path / "notes" / "kettle.md"
    asked = Page(site.ask("/?path=kettle.md&q=how+much+water+does+the+kettle+hold").text)
    address = next(link["data-note"] for link in asked.of("a") if "data-note" in link)

    versions = set()

    def marked(text):
        """What a click on the citation marks, and whether it says that the note has changed."""
        kettle.write_text(text)
        shown = site.ask(address).text
        versions.add(re.search('data-version="(.*?)"', shown)[1])
        marks = re.findall("<mark[^>]*>(.*?)</mark>", shown.partition("exact")[0])
        return "".join(marks), CHANGED in shown

    assert marked(kettle.read_text()) == (QUOTE, False)
    assert marked(f"# Kettle\n\nIt was bought in May.\n\n{QUOTE}\n") == (QUOTE, False)
    wrapped = QUOTE.replace(" holds ", "\nholds ")
    assert marked(f"# Kettle\n\nIt is old.\n{wrapped}\n") == (
        QUOTE.replace(" holds", "holds"),
        False,
    )
    for now in (QUOTE.replace("two", "three"), f"<!-- {QUOTE} -->", f"~~{QUOTE}~~", "It leaks."):
        assert marked(f"# Kettle\n\nIt is old, and green.\n\n{now}\n\nIt is red.\n") == ("", True)
    assert len(versions) == 7


def test_the_page_suggests_what_was_asked_of_these_notes_and_nothing_else(site, folder, own_home):
    notes = folder / "notes"
    shared = own_home / "data" / "ragqa" / "chat-history"
    shared.write_text("who knew my password?\n")
    for asked_of, line in (
        (folder / "other", "what pays the mortgage?"),
        (notes, "/save secrets.md"),
        (notes, "why is the tea green?"),
    ):
        QuestionHistory(history_file(Settings(), Corpus.of(asked_of))).add(line)
    run_ragqa("ask", "is tea black?", "--corpus", notes, env=QUICK)
    forgets = QUICK | {"RAGQA_HISTORY": "off"}
    run_ragqa("ask", "is tea secrets?", "--corpus", notes, env=forgets)
    site.ask("/", q=WHEN)
    suggested = site.ask("/").text.partition('id="recent"')[2].partition("</datalist>")[0]
    assert [one["value"] for one in Page(suggested).of("option")][:3] == [
        WHEN,
        "is tea black?",
        "why is the tea green?",
    ]
    for other in ("mortgage", "password", "secrets"):
        assert other not in suggested


def test_a_hostile_note_runs_nothing_fetches_nothing_and_shows_nothing_that_it_hides(site):
    text = site.ask("/note/office/guests.md").text
    assert "visitors" in text
    for hidden in ("tell-nobody", "ignore your instructions"):
        assert hidden not in text + site.ask("/api/get", address="guests").text
    page = Page(text)
    assert [one["src"] for one in page.of("script")] == ["/static/script.js"]
    assert page.of("style") == []
    assert [one["src"] for one in page.of("img")] == ["/image/office/cup.png"]
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    for link in page.of("a"):
        target = urljoin("http://127.0.0.1:1/", link.get("href") or "/")
        assert target.startswith("http://127.0.0.1:1/")


def test_a_body_that_cannot_be_read_is_said_in_our_own_words(site):
    bad = (
        b'{"limit": ' + b"9" * 5_000 + b"}",
        b'{"question": "\\ud800 rent"}',
        b'{"question": "\xff"}',
    )
    for body in (b"[" * 100_000, *bad):
        got = site.ask("/api/verify", method="POST", body=body)
        assert got.status == 400
        assert "the body " in got.text
        for each in ("recursion", "sys.", "codec", "bug in ragqa"):
            assert each not in got.text
