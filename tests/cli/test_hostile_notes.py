"""Notes, names and errors that try to steer the terminal or the markup are shown, not obeyed."""

import os
import re

import pytest
from support import QUICK, run_ragqa, write_notes

from ragqa.config import Settings
from ragqa.state.asked import last_asked
from ragqa.types import Corpus

HOLDS = "how much does the teapot hold?"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
EVIL = "\x1b]52;c;aGk=\x07\x1b[31m\x9b5m\u202e\U000e0041 [red]x[/red] [x] 1:100:2 :smile:"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The places of notes that try it, which are indexed."""
    folder = tmp_path_factory.mktemp("hostile") / "notes"
    folder.mkdir()
    title = "title \\e[31m \\u202E [bold]zebra[/bold]"
    (folder / "evil.md").write_text(
        f'---\ntitle: "{title}"\ntags: ["a\\e]0;b"]\n---\n\n# Zebra {EVIL}\n\n'
        f"The zebra says {EVIL} to everyone. [link=https://evil.example]zebra[/link]\n\n"
        "- [x] feed the zebra\n",
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
    assert not UNSAFE.search(run.out)
    assert not UNSAFE.search(run.err)


def test_json_is_ascii_and_exact_and_brackets_are_text_and_not_markup(quick, places):
    run = quick("search", "zebra says", "--json", "--top-k", "9", *places)
    assert run.out.isascii()
    assert any(EVIL in hit["text"] for hit in run.document["hits"])
    out = quick("search", "zebra says everyone", *places).out
    assert "[red]x[/red] [x] 1:100:2 :smile:" in out
    out = quick("search", "link evil example", "--top-k", "1", *places).out
    assert "[link=https://evil.example]zebra[/link]" in out


def test_every_file_name_is_indexed_apart_and_shown_on_one_line(quick, places):
    document = quick("search", "zebra", "--json", "--top-k", "20", *places).document
    paths = {hit["path"] for hit in document["hits"]}
    assert len(paths) == 7
    assert {"zebra-caf\u00e9.md", "zebra-cafe\u0301.md", "zebra\nnew\tline.md"} <= paths
    out = quick("search", "zebra", "--top-k", "20", *places).out
    assert "zebra\\nnew\\tline.md:3" in out or "zebra\\nnew\\tline.md:1" in out
    assert "zebra-\\xff-latin.md" in out


NO_UTF8 = "caf\udce9.md"


@pytest.fixture
def teapot(quick, tmp_path):
    """The places of a note whose name is no UTF-8, of which a question was asked."""
    notes = write_notes(tmp_path / "notes", {NO_UTF8: "# Teapot\n\nThe teapot holds 2 litres.\n"})
    places = ["--corpus", notes, "--index", tmp_path / "index"]
    asked = quick("ask", HOLDS, *places, "--format", "text")
    assert (asked.code, asked.out.count("caf\\xe9.md:3")) == (0, 1)
    return places


def test_a_note_whose_name_is_no_utf8_can_be_opened_saved_and_verified(quick, teapot, tmp_path):
    opened = quick("open", "1", *teapot, env={"VISUAL": "", "EDITOR": "cat"})
    assert opened.code == 0
    assert last_asked(Settings(), Corpus.of(teapot[1])).source(1) == (NO_UTF8, 3)
    saved = tmp_path / "chat.md"
    lines = [HOLDS, "/open 1", "/next", "/sources", f"/save {saved}"]
    chat = quick("chat", *teapot, input="\n".join(lines).encode(), env={"VISUAL": "cat"})
    assert chat.code == 0
    assert "1 intact" in quick("verify", saved, *teapot[:2]).out
