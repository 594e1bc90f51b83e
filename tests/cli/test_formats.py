"""Notes in other formats, from the index to the citation."""

import json
import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace
from support import write_notes

from ragqa.notes import formats
from ragqa.notes.formats import Unfit

NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": "# Numbats\n\nThe numbat survey ran in 2019."},
            {"cell_type": "code", "source": "threshold = 0.75  # numbat detection threshold"},
        ],
        "metadata": {},
        "nbformat": 4,
    }
)
NOTES = {
    "wombats.html": "<title>Zoo</title><nav>Home</nav>\n<h1>Wombats</h1>\n<p>The wombat &amp; its "
    "<b>burrow</b> (<a href='x'>see</a>) are 30&nbsp;metres long.</p>\n",
    "quokkas.org": "* TODO Quokkas :zoo:\nThe quokka budget is =4200= euros, see [[a][here]].\n",
    "numbats.ipynb": NOTEBOOK,
    "kangaroos.md": "# Kangaroos\n\nKangaroos weigh 85 kg.\n",
}
ON = {"RAGQA_FORMATS": "html, ipynb"}
QUESTIONS = {
    "wombats.html": "how long is the wombat burrow",
    "quokkas.org": "what is the quokka budget",
    "numbats.ipynb": "where did the numbat survey run in 2019",
}
SHOWN = {
    "wombats.html": "The wombat & its burrow (see) are 30 metres long.",
    "quokkas.org": "The quokka budget is 4200 euros, see here.",
    "numbats.ipynb": "The numbat survey ran in 2019.",
}
QUOTES = SHOWN | {
    "wombats.html": "The wombat & its **burrow** ([see](x)) are 30 metres long.",
    "quokkas.org": "The quokka budget is `4200` euros, see [here](<a>).",
}
PLACES = {
    "wombats.html": "wombats.html, paragraph 2",
    "quokkas.org": "quokkas.org:2",
    "numbats.ipynb": "numbats.ipynb, cell 1",
}


@pytest.fixture
def places(tmp_path):
    notes = write_notes(tmp_path / "notes", NOTES)
    return ["--corpus", str(notes), "--index", str(tmp_path / "index")]


def test_org_is_read_at_once_and_the_rest_is_counted_with_the_setting(quick, places):
    assert "2 notes" in quick("index", *places).out
    told = " ".join(quick("status", *places).out.split())
    assert "1 .html, 1 .ipynb; to read them: ragqa config set formats html,ipynb" in told
    counted = quick("status", "--json", *places).document
    assert counted["switched_off"] == {".html": 1, ".ipynb": 1}


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_shown_without_markup_and_cited_by_its_place(quick, places, name):
    asked = quick("ask", QUESTIONS[name], *places, env=ON)
    assert SHOWN[name] in asked.out
    assert PLACES[name] in asked.out
    cited = quick("ask", QUESTIONS[name], "--json", *places, env=ON).document["citations"][0]
    assert cited["path"] == name
    assert cited["quote"] == QUOTES[name]
    assert cited.get("locator", "") == PLACES[name].partition(", ")[2]
    got = quick("get", PLACES[name], *places, env=ON)
    assert QUOTES[name] in got.out


@pytest.mark.parametrize("form", ["--json", "--format=markdown"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_a_saved_answer_is_verified_in_the_source(quick, places, tmp_path, name, form):
    saved, note = tmp_path / "saved", tmp_path / "notes" / name
    saved.write_text(quick("ask", QUESTIONS[name], form, *places, env=ON).out)
    check = ("verify", str(saved), *places[:2])
    done = quick(*check, env=ON)
    assert done.code == 0
    assert f"intact  {PLACES[name]}" in done.out
    note.write_text(note.read_text().replace("The ", "Once the ", 1))
    changed = quick(*check, env=ON)
    assert changed.code == 1
    assert "changed" in changed.out


def test_why_says_that_a_format_is_switched_off(quick, places):
    quick("index", *places)
    told = quick("why", "wombats", "--target", "wombats.html", *places)
    assert "the setting formats does not name it" in told.out + told.err


def test_a_new_version_of_a_reader_reads_only_its_own_files_anew(quick, places, monkeypatch):
    from ragqa.notes import formats

    quick("index", *places, env=ON)
    newer = replace(formats.FORMATS["html"], version=99)
    monkeypatch.setitem(formats._BY_SUFFIX, ".html", newer)
    assert "0 added, 1 changed, 0 removed, 3 unchanged" in quick("index", *places, env=ON).out


def test_a_rebuild_tries_again_what_could_not_be_read(quick, places, monkeypatch, tmp_path):
    from ragqa.notes.formats import ipynb

    env = ON | {"RAGQA_CACHE": str(tmp_path / "cache")}
    with monkeypatch.context() as patch:
        patch.setattr(ipynb, "convert", refuse)
        assert "3 notes" in quick("index", *places, env=env).out
    assert "3 notes" in quick("index", *places, env=env).out
    assert "4 notes" in quick("index", "--rebuild", *places, env=env).out


def refuse(data):
    raise Unfit("reading it crashed the process that reads it")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "odt",
            "html, ipynb, pdf, docx; Markdown, text and org need not be named",
        ),
        ("html,", ""),
        ("", ""),
    ],
)
def test_the_setting_is_a_list_of_known_names(quick, given, told):
    done = quick("config", "set", "formats", given)
    assert (done.code == 0) == (not told)
    assert told in done.err
    if not told:
        kept = quick("config", "--json").document["settings"]["formats"]["value"]
        assert kept == [one for one in given.split(",") if one]
        quick("config", "unset", "formats")


LEFT_OUT = "3 files (1 .html, 1 .ipynb, 1 .pdf) were left out; to read them: "
SET = "ragqa config set formats html,ipynb,pdf"


@pytest.fixture
def with_pdf(places):
    """The same notes with a PDF, none of whose formats but Markdown and org is switched on."""
    notes = Path(places[1])
    (notes / "paper.pdf").write_bytes(b"%PDF-1.4")
    return notes


@pytest.mark.parametrize("missing", [True, False])
def test_where_nothing_is_found_it_is_said_once_what_was_left_out_and_how_to_read_it(
    quick, places, with_pdf, monkeypatch, missing
):
    monkeypatch.setattr(formats, "find_spec", lambda _: None if missing else object())
    install = "pip install 'ragqa[html,pdf]', then " if missing else ""
    told = f"{LEFT_OUT}{install}{SET}"
    asked = quick("ask", "who wrote Hamlet?", "--json", *places)
    assert asked.code == 1
    assert asked.document["warnings"].count(told) == 1
    printed = quick("ask", "who wrote Hamlet?", *places)
    assert printed.err.count(told) == 1
    found = quick("search", "zorbing", "--since", "2099", "--json", *places)
    assert told in found.document["warnings"]
    assert told in quick("ask", "who wrote Hamlet?", "--no-refresh", *places).err
    chat = quick("chat", *places, input=b"who wrote Hamlet?\n")
    assert told in chat.err


def test_the_command_that_is_named_reads_what_was_left_out(quick, places, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    told = quick("ask", "who wrote Hamlet?", *places, env=env).err.strip().rpartition("ragqa ")[2]
    assert quick(*shlex.split(told), env=env).code == 0
    asked = quick("ask", QUESTIONS["wombats.html"], *places, env=env)
    assert SHOWN["wombats.html"] in asked.out


def test_where_all_files_have_formats_that_are_not_read_the_error_names_the_setting(
    quick, tmp_path
):
    write_notes(tmp_path / "built", {"a.html": "<p>Walruses sleep on ice.</p>"})
    run = quick("ask", "where do walruses sleep?", "--corpus", tmp_path / "built")
    assert run.code == 3
    assert "ragqa config set formats html\n" in run.err


def test_the_notes_may_be_named_before_the_command(quick, tmp_path):
    notes = write_notes(tmp_path / "built", {"a.md": "Walruses sleep on ice.\n"})
    assert quick("--corpus", notes, "ask", "where do walruses sleep?").code == 0
