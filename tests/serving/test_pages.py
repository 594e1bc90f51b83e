"""The pages, as a browser without script sees them, and the HTTP API."""

import os
import re
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin

import pytest
from support import QUICK, run_ragqa, write_notes

from ragqa.api import index_from
from ragqa.config import Settings, history_file, load_settings
from ragqa.serving.pages import PageRequest, ask_page, laid_out
from ragqa.serving.warm import WarmIndex
from ragqa.state.history import History
from ragqa.types import Corpus

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


def test_a_question_shows_the_answer_and_beside_it_the_note_with_the_cited_stretch(server):
    got = server.ask("/", q=WHEN)
    page = Page(got.text)
    assert got.status == 200
    assert "80 degrees" in page.text["c1"]
    assert page.text["cited"].startswith("Green tea is brewed at 80 degrees")
    assert "Black tea needs boiling water" in page.text["beside"]


def test_under_reserve_the_page_marks_the_excerpt_within_its_passage(tmp_path, monkeypatch):
    for name, value in (QUICK | {"XDG_DATA_HOME": str(tmp_path / "data")}).items():
        monkeypatch.setenv(name, value)
    notes = write_notes(tmp_path / "notes", {
        "2026-01-14-tape.md": "# Backup\n\n## Plan\n\n<b>Mara</b> swaps it.\n\n"
        "The retention of a tape is 30 days.\n\n<script>x()</script>\n\n"
        "## Costs\n\nA shed is dear.\n",
        "2025-03-02-law.md": "# Law\n\nThe retention of papers is ten years.\n",
        "garden.md": "# Garden\n\nPeas are sown in March.\n",
    })  # fmt: skip
    loaded = load_settings({"corpus": str(notes), "index": str(tmp_path / "index")})
    with index_from(loaded) as index:
        index.refresh()
    asked = PageRequest(q="what is the retention of a tape in Zanzibar")
    page = laid_out("ask", ask_page(WarmIndex(loaded), asked))
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


def test_the_home_shows_the_vault_what_changed_its_tags_and_what_was_asked(tmp_path, monkeypatch):
    for name, value in (QUICK | {"XDG_DATA_HOME": str(tmp_path / "data")}).items():
        monkeypatch.setenv(name, value)
    notes = write_notes(tmp_path / "vault", {
        "old.md": "---\ntags: [tea]\n---\n# Old tea\n\n## Storing\n\nIt keeps for a year.\n",
        "new.md": "---\ntags: [tea, pot]\n---\n# Pot & lid\n\n## Care?\n\nRinse it.\n",
    })  # fmt: skip
    os.utime(notes / "old.md", (1, 1))
    loaded = load_settings({"corpus": [str(notes)], "index": str(tmp_path / "index")})
    run_ragqa("index", "--corpus", notes, "--index", tmp_path / "index")

    with WarmIndex(loaded) as warm:

        def home(**asked):
            page = Page(laid_out("ask", ask_page(warm, PageRequest(**asked))))
            return page.text["main"], [link["href"] for link in page.of("a")]

        text, links = home()
        assert "vault 2 notes, " in text
        assert "#tea 2" in text
        assert "/?tag=tea" in links
        notes_in_order = [link for link in links if link.startswith("/note/")]
        assert notes_in_order == ["/note/new.md", "/note/old.md"]
        assert {"/?q=Old+tea%3A+Storing", "/?q=Pot+%26+lid%3A+Care%3F"} <= set(links)
        assert "/note/old.md" not in home(tags=("pot",))[1]
        nearest = laid_out("ask", ask_page(warm, PageRequest(q="how is a pot cared for?")))
        assert "Pot &amp; lid \u203a Care?" in nearest.partition("<ol>")[2]
        text, links = home()
        assert "/?q=how+is+a+pot+cared+for%3F" in links
        assert "Old tea: Storing" not in text


def test_what_changed_lately_goes_by_the_dates_of_the_notes(tmp_path, monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    days = {"plan.md": "2025-03-01", "2025-04-02-talk.md": "", "trip.md": "2024-12-24"}
    notes = {name: f"---\ndate: {day}\n---\n# Note\n\nText.\n" for name, day in days.items()}
    folder = write_notes(tmp_path / "vault", notes)  # all files are of one day
    loaded = load_settings({"corpus": [str(folder)], "index": str(tmp_path / "index")})
    with index_from(loaded) as index:
        index.refresh()
    page = laid_out("ask", ask_page(WarmIndex(loaded), PageRequest()))
    lately = page.partition('id="lately"')[2].partition("</ul>")[0]
    shown = re.findall(r'href="/note/([^"]+)".*?<time[^>]*>([^<]+)', lately)
    assert shown == [
        ("2025-04-02-talk.md", "2025-04-02"), ("plan.md", "2025-03-01"), ("trip.md", "2024-12-24"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "said", "leads_to"),
    [
        ("q=tea&tag=Ofice", "No note has the tag ofice; nearest: office.", "/?q=tea&tag=office"),
        ("q=tea&since=banana&tag=a", "'banana' is not a date", None),
    ],
)
def test_what_cannot_be_asked_stays_in_the_form_and_is_not_remembered(
    server, asked, said, leads_to
):
    got = server.ask(f"/?{asked}")
    page = Page(got.text)
    assert got.status == 400
    assert said in page.text["main"]
    assert (
        dict(parse_qsl(asked)).items()
        <= {one["name"]: one["value"] for one in page.of("input") if one.get("value")}.items()
    )
    assert leads_to is None or leads_to in [link["href"] for link in page.of("a")]
    assert "tea" not in [one["value"] for one in Page(server.ask("/").text).of("option")]


@pytest.mark.parametrize(
    ("path", "why"),
    [("nope.md", "in the index."), ("a/Plan.canvas", "it is a canvas, which is not read.")],
)
def test_a_note_that_is_missing_is_not_found(server, path, why):
    got = server.ask(f"/note/{path}")
    shown = Page(got.text).text["main"]
    assert got.status == 404
    assert "There is no such note" in shown
    assert f"There is no note {path}" in shown
    assert why in shown
    assert "Back to the question" not in shown


def test_an_answer_is_copied_with_its_sources_and_saved_with_its_record(server):
    page = Page(server.ask("/", q=WHEN).text)
    (save,) = [link["href"] for link in page.of("a") if link["href"].startswith("/save")]
    (copy,) = [one["data-copy"] for one in page.of("button") if "data-copy" in one]
    saved, copied = server.ask(save), server.ask(copy)
    name = 'filename="at-how-many-degrees-is-green-tea-brewed.md"'
    assert name in saved.headers["content-disposition"]
    assert server.ask("/api/verify", method="POST", answer=saved.text).document["sound"] is True
    assert saved.text.startswith(copied.text.rstrip())
    assert "[tea.md:3](tea.md)" in copied.text
    assert "```json" not in copied.text


QUOTE = "The kettle holds two litres of water."
CHANGED = "This note has changed since it was quoted"


@pytest.fixture
def kettle(server):
    """A note that is in the index, and may be edited."""
    note = server.folder / "kettle.md"
    note.write_text(f"# Kettle\n\n{QUOTE}\n\nIt is red.\n")
    _wait_for(server, 4)
    yield note
    note.unlink()
    _wait_for(server, 3)


def _wait_for(server, notes):
    while server.ask("/api/status").document["index"]["notes"] != notes:
        pass  # each answer takes a moment


def test_a_quote_is_marked_where_it_stands_now_and_nothing_if_the_note_changed(server, kettle):
    asked = Page(server.ask("/?path=kettle.md&q=how+much+water+does+the+kettle+hold").text)
    address = next(link["data-note"] for link in asked.of("a") if "data-note" in link)

    def marked(text):
        """What a click on the citation marks, and whether it says that the note has changed."""
        kettle.write_text(text)
        shown = server.ask(address).text
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


def test_the_page_suggests_what_was_asked_of_these_notes_and_nothing_else(server, own_home):
    shared = own_home / "data" / "ragqa" / "chat-history"
    shared.write_text("who knew my password?\n")
    for notes, line in (
        (server.folder.parent / "other", "what pays the mortgage?"),
        (server.folder, "/save secrets.md"),
        (server.folder, "why is the tea green?"),
    ):
        History(history_file(Settings(), Corpus.of(notes))).add(line)
    run_ragqa("ask", "is tea black?", "--corpus", server.folder, env=QUICK)
    forgets = QUICK | {"RAGQA_HISTORY": "off"}
    run_ragqa("ask", "is tea secrets?", "--corpus", server.folder, env=forgets)
    server.ask("/", q=WHEN)
    suggested = server.ask("/").text.partition('id="recent"')[2].partition("</datalist>")[0]
    assert [one["value"] for one in Page(suggested).of("option")][:3] == [
        WHEN,
        "is tea black?",
        "why is the tea green?",
    ]
    for other in ("mortgage", "password", "secrets"):
        assert other not in suggested


def test_a_hostile_note_runs_nothing_and_fetches_nothing(server):
    page = Page(server.ask("/note/office/guests.md").text)
    assert [one["src"] for one in page.of("script")] == ["/static/script.js"]
    assert page.of("style") == []
    assert [one["src"] for one in page.of("img")] == ["/image/office/cup.png"] * 1
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    for link in page.of("a"):
        target = urljoin(f"http://{server.host}/", link.get("href") or "/")
        assert target.startswith(f"http://{server.host}/")


def test_what_a_note_hides_is_on_no_page(server):
    for path in ("/note/office/guests.md", "/api/get?address=guests"):
        text = server.ask(path).text
        assert "tell-nobody" not in text
        assert "ignore your instructions" not in text
        assert "visitors" in text


@pytest.mark.parametrize(
    ("path", "asked", "status", "said"),
    [
        ("/api/ask", {}, 400, "/api/ask needs question"),
        ("/api/ask", {"question": "tea", "since": "soon"}, 400, "not a date"),
        ("/api/search", {"query": "tea", "until": "soon"}, 400, "not a date"),
        ("/api/search", {"query": "tea", "where": "a"}, 400, "no property with its value"),
        ("/api/get", {"address": "nowhere.md"}, 400, "there is no note"),
        ("/api/nothing", {}, 404, "Not Found"),
        (
            "/api/search",
            {"query": "tea", "limit": "999999999"},
            400,
            "takes limit as a whole number from 1 to 100",
        ),
        ("/api/search", {"query": "tea", "tags": "office"}, 400, "does not take 'tags'"),
    ],
)
def test_an_error_is_a_sentence_with_a_fitting_status(server, path, asked, status, said):
    got = server.ask(path, **asked)
    assert got.status == status
    assert said in got.document["error"]


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"limit": ' + "9" * 5_000 + "}",
        '{"question": "\\ud800 rent"}',
        b'{"question": "\xff"}',
    ],
    ids=range(4),
)
def test_a_body_that_cannot_be_read_is_said_in_our_own_words(server, body):
    headers = {"Content-Type": "application/json"}
    got = server.ask("/api/verify", method="POST", headers=headers, body=body)
    assert got.status == 400
    assert "the body " in got.text
    for each in ("recursion", "sys.", "codec", "bug in ragqa"):
        assert each not in got.text


def test_the_api_gives_the_documents_of_the_command_line(server):
    answer = server.ask("/api/ask", question=WHEN).document
    assert answer["verdict"] == "answered"
    assert answer["citations"][0]["path"] == "tea.md"
    found = server.ask("/api/search", query="printer", limit=1).document
    assert [hit["path"] for hit in found["hits"]] == ["office/printer.md"]
    part = server.ask("/api/get", address="tea.md:3").document
    assert part["text"] == "Green tea is brewed at 80 degrees for two minutes."
    printed = run_ragqa("ask", WHEN, "--json", "--corpus", server.folder, env=QUICK).document
    assert list(printed) == list(answer)


def test_a_new_note_is_found_without_asking_for_it(server):
    (server.folder / "coffee.md").write_text("# Coffee\n\nThe roastery delivers on Tuesdays.\n")
    while server.ask("/api/status").document["index"]["notes"] == 3:
        pass
    answer = server.ask("/api/ask", question="when does the roastery deliver?").document
    assert answer["citations"][0]["path"] == "coffee.md"
    (server.folder / "coffee.md").unlink()
    while server.ask("/api/status").document["index"]["notes"] == 4:
        pass
