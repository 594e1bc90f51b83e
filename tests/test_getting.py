"""Notes and parts of them, by address, and the notes near one."""

import json

import pytest
from offices import docx, said
from pdfs import line, pdf
from support import QUICK, run_ragqa, write_notes

NOTEBOOK = [
    {"cell_type": "markdown", "source": "# Zoo\n\nThe okapi came in 2019."},
    {
        "cell_type": "code",
        "source": "okapis = 3\nkeepers = 7  # keepers of the okapi house",
        "outputs": [{"output_type": "stream", "text": "the okapi total is 1234"}],
    },
]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    pytest.importorskip("xberg")
    folder = tmp_path_factory.mktemp("documents")
    notes = folder / "notes"
    write_notes(notes, {"plan.ipynb": json.dumps({"cells": NOTEBOOK, "nbformat": 4})})
    (notes / "report.pdf, p. 2.pdf").write_bytes(pdf(line("The tapir eats leaves.")))
    (notes / "report.pdf").write_bytes(
        pdf(
            line("A preface about animals."),
            line("The wombat digs burrows."),
            line("The numbat survey ran in 2019."),
            line("The quokka weighs three kilos."),
        )
    )
    (notes / "minutes.docx").write_bytes(docx(said("Minutes."), said("The lemur sleeps at noon.")))
    places = ("--corpus", notes, "--index", folder / "index")
    return lambda *args: run_ragqa(*args, *places, env=QUICK)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("what does the tapir eat", "tapir eats leaves"),
        ("when did the numbat survey run", "ran in 2019"),
        ("what is the okapi total", "total is 1234"),
        ("when does the lemur sleep", "sleeps at noon"),
    ],
)
def test_a_place_that_ask_prints_is_one_that_get_and_why_take(documents, question, words):
    asked = documents("ask", question, "--json").document["citations"][0]
    place = f"{asked['path']}, {asked['locator']}"
    printed = documents("ask", question).out
    assert place in printed
    got = documents("get", place, "--json").document
    assert got["path"] == asked["path"]
    assert words in got["text"]
    told = documents("why", question, "--target", place, "--json").document
    lines = {"lines": got["lines"], "locator": asked["locator"]}
    assert told["target"] == {"path": asked["path"], **lines}
    assert told["stage"] == "said"


def test_a_place_stands_beside_the_text_of_a_document_where_it_begins(documents):
    beside = {
        "report.pdf": {"p. 1": "A preface", "p. 3": "The numbat survey"},
        "plan.ipynb": {"cell 1": "# Zoo", "cell 2": "```", "output": "```"},
        "minutes.docx": {"1": "Minutes.", "2": "The lemur"},
    }
    heads = {
        "report.pdf": "report.pdf, pp. 1-4",
        "plan.ipynb": "plan.ipynb, cells 1-2",
        "minutes.docx": "minutes.docx, paragraphs 1-2",
    }
    for path, parts in beside.items():
        head, *lines = documents("get", path, "--numbers").out.splitlines()
        assert head.startswith(heads[path])
        for place, text in parts.items():
            assert any(line.strip().startswith(f"{place} {text}") for line in lines), lines
    told = documents("get", "minutes.docx, paragraph 2", "--numbers")
    assert told.out.startswith("minutes.docx, paragraph 2  ")
    assert documents("get", "minutes.docx, paragraph 2").out == "The lemur sleeps at noon.\n"


def test_a_place_that_a_document_lacks_is_one_sentence_with_one_that_it_has(documents):
    assert "numbat" in documents("get", "report.pdf, pages 3-4").out
    failed = documents("get", "report.pdf, p. 9")
    assert failed.code == 2
    assert "report.pdf has no 'p. 9'" in failed.err
    assert "'report.pdf, p. 4'" in failed.err


def test_once_notes_are_indexed_those_near_one_are_found_without_parsing_any(tmp_path, monkeypatch):
    near = {"tea.md": "# Tea\n\nSee [[pot]].\n", "pot.md": "# Pot\n\nBack to [[Tea]].\n"}
    write_notes(tmp_path / "notes", near)
    places = ("--corpus", tmp_path / "notes", "--index", tmp_path / "index")
    assert run_ragqa("search", "tea", *places, env=QUICK).code == 0
    monkeypatch.setattr("ragqa.notes.read.parse_note", None)
    near = run_ragqa("search", "--related", "tea", "--json", *places, env=QUICK).document
    assert near["related"][0]["why"][:2] == ["links here", "linked from here"]
