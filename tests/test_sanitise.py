"""The sanitiser: notes, names, files and errors that try to steer a terminal are shown as text."""

import io
import json
import os
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from support import QUICK, run_ragqa, write_notes

from ragqa.config import Settings
from ragqa.render import emit, stdout
from ragqa.safe import safe_line, safe_text
from ragqa.types import Corpus
from ragqa.user_data.asked import last_asked

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e007f]|(?<![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b"
)
SELECTORS = "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
LINKED = "[link=https://evil.example]"
EVIL = "\x1b]52;c;aGk=\x07\x1b[31m\x9b5m\u202e\U000e0041 [red]x[/red] [x] 1:100:2 :smile:"
NASTY = st.lists(
    st.sampled_from(
        [
            *("\x1b]52;c;aGk=\x07", "\x9b31m", "\u202e", "\U000e0041", "[x]", "[red]", "[/]"),
            *("[2\u200b]", "\u0e01", "\u2060", "\u2064", "\ufeff"),
            *(":smile:", "\r", "\n", "\t", "\x00", "\ufffd", "a", "\u200d", LINKED),
        ]
    ),
    max_size=12,
).map("".join)


# The pure functions.


@given(st.text(alphabet=st.characters(), max_size=60) | NASTY)
def test_no_control_character_gets_through(text):
    assert not UNSAFE.search(safe_text(text))
    assert not UNSAFE.search(safe_line(text))
    assert "\n" not in safe_line(text)


@given(
    st.text(
        st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters=SELECTORS),
        max_size=60,
    )
)
def test_ordinary_text_is_left_alone(text):
    assert safe_text(text) == text
    assert safe_line(text) == text


@pytest.mark.parametrize(
    "text",
    [
        # Joiners, direction marks and spaces without width that scripts need.
        "نمی\u200cخواهم \u200f👩\u200d💻",
        "ភាសា\u200bខ្មែរ",
        # Variation selectors where they mean something.
        "1\ufe0f\u20e3 \u2764\ufe0f \u00a9\ufe0f 👁\ufe0f\u200d🗨\ufe0f 葛\U000e0100城 \u2229\ufe00",
    ],
)
def test_what_a_script_needs_is_kept(text):
    assert safe_text(text) == text


@given(st.binary(min_size=1, max_size=20), st.sampled_from(["", "a", " ", "\u00e9", "\u3002"]))
def test_bytes_hidden_in_variation_selectors_are_written_out(data, carrier):
    hidden = "".join(SELECTORS[byte] for byte in data)
    kept = 1 if carrier == "\u3002" else 0
    assert not any(one in safe_text(f"{carrier}{hidden}.")[1 + kept :] for one in SELECTORS)


def test_what_is_replaced_stays_visible():
    assert safe_text("a\x1b[31mb") == "a\\x1b[31mb"
    assert safe_line("one\ntwo\x9b\u202e") == "one\\ntwo\\x9b\\u202e"
    assert safe_line("caf\udce9.md") == "caf\\xe9.md"
    assert safe_line("[2\u200b] \u2062") == "[2\\u200b] \\u2062"


@given(NASTY)
def test_emitted_text_keeps_brackets_and_holds_no_control_byte(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.StringIO())
        emit(stdout(), Text(safe_text(text)), indent=3)
        printed = sys.stdout.getvalue()
    assert not UNSAFE.search(printed)
    for mark in ("[x]", "[red]", ":smile:", LINKED):
        assert printed.count(mark) == safe_text(text).count(mark)


# The command line.


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The places of notes that try it, which are indexed."""
    folder = tmp_path_factory.mktemp("hostile") / "notes"
    folder.mkdir()
    title = "title \\e[31m \\u202E [bold]zebra[/bold]"
    (folder / "evil.md").write_text(
        f'---\ntitle: "{title}"\ntags: ["a\\e]0;b"]\n---\n\n# Zebra {EVIL}\n\n'
        f"The zebra says {EVIL} to everyone. {LINKED}zebra[/link]\n\n- [x] feed the zebra\n",
        encoding="utf-8",
    )
    for name in (
        b"zebra\nnew\tline.md",
        b"zebra\x1b[31mred.md",
        b"[red]zebra[slash].md",
        b"zebra-\xff-latin.md",
        "zebra-caf\u00e9.md".encode(),
        "zebra-cafe\u0301.md".encode(),
    ):
        with open(os.path.join(os.fsencode(folder), name), "w", encoding="utf-8") as file:  # noqa: PTH118, PTH123 - names of raw bytes
            file.write(f"# A zebra\n\nThe zebra of {len(name)} stripes.\n")
    places = ["--corpus", folder, "--index", folder.parent / "index"]
    assert run_ragqa("index", *places, env=QUICK).code == 0
    return places


@pytest.mark.parametrize(
    "args",
    [
        ["search", "zebra says", "--top-k", "9"],
        ["ask", "what does the zebra say?"],
        ["why", "what does the zebra say?", "--target", "evil.md"],
        ["why", "what does the zebra say?", "--target", "zebra\nnew\tline.md:3"],
        ["why", "what does the zebra say?", "--target", "\x1b[31m\u202e.md"],
        ["status"],
        ["config"],
        ["search", "zebra", "--tag", "\x1b[31m"],
        ["--\x1b[31m"],
        ["search", "zebra", "--index", "/dev/null/\x1b[31m\u202e"],
    ],
)
def test_no_control_character_reaches_stdout_or_stderr(quick, places, args):
    options = places if args[0] not in ("config", "--\x1b[31m") else []
    run = quick(*args, *(options if "--index" not in args else places[:2]))
    assert run.code in (0, 1, 2, 3, 4)
    assert "Traceback" not in run.err
    assert not UNSAFE.search(run.out + run.err)


def test_json_is_ascii_and_exact_and_brackets_are_text_and_not_markup(quick, places):
    run = quick("search", "zebra says", "--json", "--top-k", "9", *places)
    assert run.out.isascii()
    assert any(EVIL in hit["text"] for hit in run.document["hits"])
    assert "[red]x[/red] [x] 1:100:2 :smile:" in quick("search", "zebra says everyone", *places).out
    out = quick("search", "link evil example", "--top-k", "1", *places).out
    assert f"{LINKED}zebra[/link]" in out


def test_every_file_name_is_indexed_apart_and_shown_on_one_line(quick, places):
    document = quick("search", "zebra", "--json", "--top-k", "20", *places).document
    paths = {hit["path"] for hit in document["hits"]}
    assert len(paths) == 7
    assert {"zebra-caf\u00e9.md", "zebra-cafe\u0301.md", "zebra\nnew\tline.md"} <= paths
    out = quick("search", "zebra", "--top-k", "20", *places).out
    assert "zebra\\nnew\\tline.md:" in out
    assert "zebra-\\xff-latin.md" in out


def test_a_note_whose_name_is_no_utf8_can_be_opened_saved_and_verified(quick, tmp_path):
    name, holds = "caf\udce9.md", "how much does the teapot hold?"
    notes = write_notes(tmp_path / "notes", {name: "# Teapot\n\nThe teapot holds 2 litres.\n"})
    places = ["--corpus", notes, "--index", tmp_path / "index"]
    assert quick("ask", holds, *places, "--format", "text").out.count("caf\\xe9.md:3") == 1
    assert quick("open", "1", *places, env={"VISUAL": "", "EDITOR": "cat"}).code == 0
    assert last_asked(Settings(), Corpus.of(notes)).source(1) == (name, 3)
    saved = tmp_path / "chat.md"
    lines = "\n".join([holds, "/open 1", "/next", "/sources", f"/save {saved}"]).encode()
    assert quick("chat", *places, input=lines, env={"VISUAL": "cat"}).code == 0
    assert "1 intact" in quick("verify", saved, *places[:2]).out


def test_what_a_saved_answer_says_is_shown_and_not_obeyed(quick, places, tmp_path):
    citation = {"n": 1, "path": EVIL, "lines": [3, 3], "chars": [0, 9], "quote": EVIL}
    citation["note_sha256"] = "0" * 64
    answer = {"version": 1, "question": EVIL, "backend": "extractive", "citations": [citation]}
    saved = tmp_path / "answer.json"
    saved.write_text(json.dumps(answer), encoding="utf-8")
    checked = quick("verify", saved, *places[:2])
    assert checked.code == 1
    assert not UNSAFE.search(checked.out)
    assert "[red]x[/red]" in checked.out


@pytest.mark.parametrize("key", ["gold", "excerpts"])
def test_hostile_questions_of_an_evaluation_steer_nothing(quick, places, tmp_path, key):
    wanted = [{"note": "evil.md", "quote": f"{EVIL} <b>when</b>"}]
    wanted.append({"note": "\x1b[1m.md", "quote": "\x1b", "part": 2})
    row = {"id": EVIL, "question": f"zebra {EVIL} ripen?", "kind": "\x1b[2J", key: wanted}
    row |= {"answer": ["nothing", "of the sort"]} if key == "gold" else {}
    (tmp_path / "hostile.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    page = tmp_path / "page.html"
    run = quick("eval", "--questions", tmp_path / "hostile.jsonl", "--report", page, *places)
    assert run.code == 0
    assert not UNSAFE.search(run.out + run.err + page.read_text(encoding="utf-8"))
    assert "<b>" not in page.read_text(encoding="utf-8")
