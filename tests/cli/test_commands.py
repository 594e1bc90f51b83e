"""Every command of the command line; what only a process has, such as pipes, in one of its own."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
from support import CORPUS, HANGS_S, QUICK, command, on_terminal, write_notes

NOTES = {
    "cats.md": "---\ntitle: Cats\ntags: [animals, animals/pets]\ndate: 2024-05-01\n---\n\n"
    "# Cats\n\nCats sleep for most of the day. A cat purrs when it is content.\n",
    "garden/roses.md": "---\ntags: [plants]\ndate: 2023-01-01\n---\n\n# Roses\n\n"
    "Roses need pruning in late winter. Feed roses in spring.\n",
    "todo.txt": "Things to do\n\nBuy cat food and prune the roses before March.\n",
}


@pytest.fixture
def notes(tmp_path):
    """A small folder of notes with an index beside it: the options that name both."""
    return write_notes(tmp_path / "notes", NOTES)


@pytest.fixture
def places(notes, tmp_path):
    return ["--corpus", notes, "--index", tmp_path / "index"]


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


def test_ask_gives_an_answer_whose_every_citation_can_be_checked(ragqa, wiki_index):
    run = ragqa(
        "ask", "when should I fine-tune?", "--json", "--corpus", CORPUS, "--index", wiki_index
    )
    document = run.document
    assert run.code == 0
    assert document["answered"] is True
    assert document["backend"] == "extractive"
    assert document["citations"][0]["path"] == "fine-tuning/decision-framework.md"
    assert 1 <= len(document["citations"]) <= 3
    for citation in document["citations"]:
        exact(CORPUS, citation)
        assert f"[{citation['n']}]" in document["answer"]


def test_ask_says_so_when_the_notes_hold_no_answer_and_shows_the_nearest_passages(
    ragqa, wiki_index
):
    run = ragqa("ask", "how do I prune roses in winter?", "--corpus", CORPUS, "--index", wiki_index)
    assert run.code == 1
    assert run.out.startswith("Your notes do not seem to answer this")
    assert "Nearest passages" in run.out


@pytest.mark.parametrize("name", ["ask", "search"])
def test_a_question_that_is_piped_in_needs_no_argument(quick, places, name):
    run = quick(name, "--json", *places, input=b"what do cats do?\n")
    assert run.document["question" if name == "ask" else "query"] == "what do cats do?"


def test_without_a_question_a_terminal_is_not_read_from(places):
    said = on_terminal("ask", *map(str, places))
    assert "no question was given" in said
    assert "ragqa chat" in said


def test_asking_twice_gives_the_same_document(quick, places):
    first = quick("ask", "what do cats do?", "--json", *places).document
    second = quick("ask", "what do cats do?", "--json", *places).document
    for document in (first, second):
        del document["timings_ms"]
    assert first == second


def test_the_first_ask_builds_the_index_and_says_so(quick, places, tmp_path):
    run = quick("ask", "what do cats do?", *places)
    assert "No index yet" in run.err
    assert (tmp_path / "index" / "index.sqlite").is_file()
    assert "No index yet" not in quick("ask", "what do cats do?", *places).err


def test_ask_notices_an_edited_a_new_and_a_removed_note(quick, places, notes):
    quick("index", *places)
    (notes / "cats.md").write_text("# Cats\n\nCats adore zorbing at noon.\n", encoding="utf-8")
    (notes / "dogs.md").write_text("# Dogs\n\nDogs adore quaffing at dusk.\n", encoding="utf-8")
    (notes / "todo.txt").unlink()
    hits = quick("search", "zorbing", "--json", *places).document["hits"]
    assert hits[0]["path"] == "cats.md"
    assert "zorbing" in hits[0]["text"]
    assert quick("search", "quaffing", "--json", *places).document["hits"][0]["path"] == "dogs.md"
    assert quick("status", "--json", *places).document["index"]["notes"] == 3


def test_no_refresh_takes_the_index_as_it_is_and_never_quotes_a_changed_note(quick, places, notes):
    quick("index", *places)
    (notes / "cats.md").write_text("# Cats\n\nNothing of the old text.\n", encoding="utf-8")
    run = quick("search", "cats purr content", "--no-refresh", "--json", *places)
    assert all(hit["path"] != "cats.md" for hit in run.document["hits"])
    assert any("cats.md" in warning for warning in run.document["warnings"])


def test_no_refresh_without_an_index_is_an_error_that_names_the_command(quick, places):
    run = quick("ask", "what do cats do?", "--no-refresh", *places)
    assert run.code == 3
    assert "ragqa index" in run.err


def test_search_lists_as_many_passages_as_asked_for(quick, places):
    document = quick("search", "cats and roses", "--top-k", "2", "--json", *places).document
    assert len(document["hits"]) == 2
    keys = {"version", "query", "corrected", "hits", "warnings", "waiting", "timings_ms", "index"}
    assert set(document) == keys


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tag", "animals"], {"cats.md"}),
        (["--tag", "animals", "--tag", "plants"], set()),
        (["--path", "garden", "--path", "*.txt"], {"garden/roses.md", "todo.txt"}),
        (["--since", "2024"], {"cats.md"}),
        (["--where", "date >= 2024-01-01 or tags = none"], {"cats.md"}),
        (["--where", "not tags contains ANIMALS"], {"garden/roses.md", "todo.txt"}),
    ],
)
def test_filters_keep_exactly_the_notes_they_name(quick, places, options, expected):
    document = quick("search", "cats roses food", "--json", *options, *places).document
    assert {hit["path"] for hit in document["hits"]} == expected


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--tag", "animls"], "no note has the tag animls; nearest: animals"),
        (["--tag", "animals", "--tag", "zzz"], "no note has the tag zzz"),
        (["--path", "gardn"], "no note has a path like gardn; nearest: garden"),
        (["--path", "garden", "--path", "x*.txt"], "no note has a path like x*.txt"),
        (["--where", "titel = Cats"], "no note has the property titel; nearest: title"),
        (["--where", "x != 1"], "no note has the property x; there are title, tags, date"),
        (["--where", "date < "], "where is not understood at character 6: 'date '"),
    ],
)
def test_a_tag_or_path_that_no_note_has_is_named_with_the_nearest(quick, places, options, named):
    run = quick("search", "cats", *options, *places)
    assert run.code == 2
    assert f"error: {named}" in run.err


def test_notes_without_a_date_are_left_out_by_since_and_counted(quick, places):
    run = quick("search", "cats roses food", "--since", "2023", *places)
    assert "1 note without a date was left out by --since" in run.err


def test_index_counts_what_it_did_and_the_second_time_nothing_is_left_to_do(quick, places):
    first = quick("index", "--json", *places).document
    assert (first["notes"], first["added"], first["skipped"]) == (3, 3, [])
    second = quick("index", "--json", *places).document
    assert (second["added"], second["changed"], second["removed"]) == (0, 0, 0)
    assert second["unchanged"] == second["notes"] == 3
    assert second["index"]["generation"] == first["index"]["generation"]


def test_strict_fails_when_a_note_was_skipped_and_names_it(quick, places, notes):
    (notes / "binary.md").write_bytes(b"\x00\x01")
    assert quick("index", *places).code == 0
    run = quick("index", "--strict", *places)
    assert run.code == 7
    assert "binary.md" in run.err


def test_status_tells_what_is_pending_and_writes_nothing(quick, places, notes):
    quick("index", *places)
    assert quick("status", "--json", *places).document["fresh"] is True
    (notes / "new.md").write_text("# New\n\nSomething new.\n", encoding="utf-8")
    document = quick("status", "--json", *places).document
    assert document["fresh"] is False
    assert document["pending"] == {"added": 1, "changed": 0, "removed": 0}
    assert document["index"]["generation"] == 1


def test_doctor_finds_a_flipped_bit_and_names_the_file_and_the_command(quick, places, tmp_path):
    quick("index", *places)
    database = tmp_path / "index" / "index.sqlite"
    before, data = database.stat(), bytearray(database.read_bytes())
    data[data.rindex(b"A cat purrs")] ^= 4
    database.write_bytes(data)
    os.utime(database, ns=(before.st_atime_ns, before.st_mtime_ns))
    run = quick("doctor", *places)
    assert run.code == 4
    assert "index.sqlite" in run.out
    assert "ragqa doctor --repair" in run.out


@pytest.mark.parametrize(
    "command", ["ask", "search", "index", "status", "doctor", "config", "verify", "store"]
)
def test_every_command_has_help_with_an_example(quick, command):
    run = quick(command, "--help")
    assert run.code == 0
    assert f"Example: ragqa {command}" in run.out


def test_a_reader_that_goes_away_is_no_error(places, quick):
    quick("index", *places)
    pipeline = subprocess.run(
        [
            "bash",
            "-c",
            '"$0" "$@" | head -c 1; exit "${PIPESTATUS[0]}"',
            command(),
            "search",
            "cats",
            "--json",
            *map(str, places),
        ],
        capture_output=True,
        env=os.environ | QUICK,
        check=False,
        timeout=HANGS_S,
    )
    assert pipeline.returncode == 0
    assert pipeline.stderr == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_a_closed_stream_is_no_error(places, quick, closed):
    quick("index", *places)
    done = subprocess.run(
        ["bash", "-c", f'"$0" "$@" {closed}', command(), "search", "cats", *map(str, places)],
        capture_output=True,
        env=os.environ | QUICK,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stdout + done.stderr


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


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "text"])
def test_any_script_works_in_any_locale(quick, places, notes, env, options):
    (notes / "中文.md").write_text("# 猫\n\n猫每天睡觉 🐈。\n", encoding="utf-8")
    quick("index", *places)
    done = subprocess.run(
        [sys.executable, "-c", SEARCHING, *options, *map(str, places), *QUERIES],
        capture_output=True,
        env=os.environ | QUICK | env,
        check=False,
        timeout=HANGS_S,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    found = done.stdout.decode("utf-8").split("\f")[:-1]
    assert len(found) == len(QUERIES)
    if options:
        assert [json.loads(each)["query"] for each in found] == QUERIES


def test_what_a_vault_leaves_out_is_told_apart_from_what_cannot_be_read(quick, tmp_path):
    files = {
        ".obsidian/templates.json": '{"folder": "Templates"}',
        "Templates/day.md": "# A day\n",
        "plan.md": "# Plan\n\nDig the beds in autumn.\n",
    }
    where = [
        "--corpus",
        write_notes(tmp_path / "vault", files),
        "--index",
        tmp_path / "vault-index",
    ]
    built = quick("index", "--strict", *where)
    assert built.code == 0
    assert "Skipped" not in built.out
    assert "Left out: 1\n  Templates: .obsidian/templates.json leaves it out" in built.out
    (tmp_path / "vault/bad.md").write_bytes(b"\0")
    shown = quick("status", *where).out
    assert "skipped     1\n  bad.md: binary" in shown
    assert "left out    1, as your vault's settings say\n  Templates: " in shown
    document = quick("status", "--json", *where).document
    told = [[one["path"] for one in document[name]] for name in ("skipped", "left_out")]
    assert told == [["bad.md"], ["Templates"]]
    assert "Templates" not in quick("doctor", *where).out
    assert quick("index", "--strict", *where).code == 7


def test_rebuild_makes_a_new_generation_with_the_same_answers(quick, places):
    quick("index", *places)
    before = quick("search", "cats", "--json", *places).document
    assert quick("index", "--rebuild", "--json", *places).document["index"]["generation"] == 2
    after = quick("search", "cats", "--json", *places).document
    assert after["hits"] == before["hits"]
