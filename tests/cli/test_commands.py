"""Every command of the command line; what only a process has, such as pipes, in one of its own."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
from hashed import COMMAND, KNOWS_HASHED
from support import HANGS_S, QUICK, on_terminal, write_notes

NOTES = {
    "cats.md": "# Cats\n\nCats sleep for most of the day. A cat purrs when it is content.\n",
    "garden/roses.md": "# Roses\n\nRoses need pruning in late winter. Feed roses in spring.\n",
    "zebra.md": "\ufeff# Zebra\r\n\r\nÜber zebras: a zebra has 16 stripes.\r\n",
}


def exact(corpus, citation):
    raw = (corpus / citation["path"]).read_bytes()
    text = raw.decode("utf-8-sig")
    start, end = citation["chars"]
    assert text[start:end] == citation["quote"]
    assert citation["lines"] == [text.count("\n", 0, start) + 1, text.count("\n", 0, end - 1) + 1]
    assert citation["note_sha256"] == hashlib.sha256(raw).hexdigest()
    if short := citation["short_answer"]:
        start, end = short["chars"]
        assert text[start:end] == short["text"] != ""


def test_ask_gives_an_answer_whose_every_citation_can_be_checked(quick, places, notes):
    document = quick("ask", "how many stripes has a zebra?", "--json", *places).document
    assert (document["answered"], document["backend"]) == (True, "extractive")
    assert document["citations"][0]["short_answer"]["text"] == "16 stripes"
    for citation in document["citations"]:
        exact(notes, citation)
        assert f"[{citation['n']}]" in document["answer"]


def test_without_a_question_a_terminal_is_not_read_from(places):
    said = on_terminal("ask", *map(str, places))
    assert "no question was given" in said
    assert "ragqa chat" in said


@pytest.mark.parametrize("question", ["roses in winter", "\u732b\uff1f"])
def test_a_question_in_place_of_a_command_is_asked(quick, places, question):
    options = ["--top-k", "1", "--json", *places]
    asked, alone = quick("ask", question, *options), quick(question, *options)
    documents = [asked.document, alone.document]
    for document in documents:
        del document["timings_ms"]
    assert documents[0] == documents[1]
    assert asked.code == alone.code


def test_folders_and_debug_may_stand_before_a_question_without_a_command(quick, places):
    run = quick("--debug", *places[:2], "what do cats do?", *places[2:])
    assert "```\nCats sleep for most of the day. A cat purrs when it is content.\n```" in run.out


def test_what_follows_a_question_without_a_command_is_an_option_of_ask(quick):
    assert quick("what do cats do?", "--help").out == quick("ask", "--help").out


def test_ragqa_alone_gives_its_help_in_lines(quick):
    run = quick()
    assert run.code == 2
    assert run.err.startswith("Usage: ragqa ")
    assert run.err == quick("--help").out
    assert "\\n" not in run.err


@pytest.mark.parametrize(
    "rest", ['| head -c 1; exit "${PIPESTATUS[0]}"', ">&-", "2>&- <&-"], ids=repr
)
def test_a_reader_that_goes_away_and_a_closed_stream_are_no_errors(places, quick, rest):
    quick("index", *places)
    done = subprocess.run(
        ["bash", "-c", f'"$@" {rest}', "-", *COMMAND, "search", "cats", *map(str, places)],
        capture_output=True,
        env=os.environ | QUICK,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"error" not in done.stderr


QUERIES = ["猫 睡觉", "🐈 cats", "قطط", "cafe\u0301"]
SEARCHING = """
import sys
from ragqa.cli import run
for query in sys.argv[-4:]:
    code = run(["search", query, *sys.argv[1:-4]])
    assert code in (0, 1), code
    print(end="\\f", flush=True)
"""
"""Searches for each of four queries with the same options, in a process that started once."""


def test_any_script_works_in_any_locale(quick, places, notes):
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    (notes / "中文.md").write_text("# 猫\n\n猫每天睡觉 🐈。\n", encoding="utf-8")
    quick("index", *places)
    done = subprocess.run(
        [sys.executable, "-c", KNOWS_HASHED + SEARCHING, "--json", *map(str, places), *QUERIES],
        capture_output=True,
        env=os.environ | QUICK | env,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    found = done.stdout.decode("utf-8").split("\f")[:-1]
    assert [json.loads(each)["query"] for each in found] == QUERIES


def test_an_exact_search_finds_the_phrase_wherever_it_ranks_and_nothing_else(quick, tmp_path):
    near = "A door, green, a door: a green-door"
    many = {f"doors/{n}.md": f"# Door {n}\n\n{near} {n}.\n" for n in range(240)}
    own = {"far.md": "# Far\n\nLast year the house got a **Green**\ndoor.\n"}
    notes = write_notes(tmp_path / "notes", many | own)
    places = ["--corpus", notes, "--index", tmp_path / "index", "--json"]
    found = quick("search", "--exact", "a  green DOOR.", *places)
    assert [hit["path"] for hit in found.document["hits"]] == ["far.md"]
    assert len(quick("search", "a green door.", *places).document["hits"]) == 5
    none = quick("search", "--exact", "blue door", *places)
    assert (none.code, none.document["hits"]) == (1, [])
