"""What a person sees in a terminal: width, colour, links."""

import re

import pytest
from support import on_terminal

LINK = re.compile(r"\x1b\]8;[^;]*;([^\x1b]*)\x1b\\")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
NOTES = {
    "cats and more.md": "---\ntitle: Cats\n---\n\n# Cats\n\n## What cats do all day\n\n"
    "Cats sleep for most of the day, and what is left of it they spend on washing, on looking out "
    "of the window, and on being somewhere else than where they are looked for.\n"
}


@pytest.fixture(autouse=True)
def built(quick, places):
    quick("index", *places)  # or a slow machine would show progress before the first line


def plain(printed):
    return COLOUR.sub("", LINK.sub("", printed)).replace("\r", "")


def test_no_line_is_wider_than_the_terminal(places):
    printed = plain(on_terminal("search", "what do cats do", *places, columns=40))
    assert "Cats sleep for most of the day" in " ".join(printed.split())
    assert max(map(len, printed.splitlines())) <= 40


def test_a_source_is_a_link_to_its_file_and_line_in_the_format_that_is_set(places, tmp_path):
    path = tmp_path / "notes" / "cats%20and%20more.md"
    printed = on_terminal("search", "cats", *places)
    assert f"file://{path}" in LINK.findall(printed)
    editor = {"RAGQA_LINK_FORMAT": "vscode://file{path}:{line}"}
    printed = on_terminal("search", "cats", *places, env=editor)
    assert f"vscode://file{path}:5" in LINK.findall(printed)


def test_no_color_means_no_colour(places):
    assert "\x1b[1;36m" in on_terminal("search", "cats", *places)
    printed = on_terminal("search", "cats", *places, env={"NO_COLOR": "1"})
    colours = [code for code in COLOUR.findall(printed) if re.search(r"\b(3\d|4\d)\b", code)]
    assert colours == []


def test_a_pipe_gets_neither_colour_nor_links_nor_wrapped_lines(quick, places):
    out = quick("search", "cats", *places).out
    assert "\x1b" not in out
    assert any(line.strip().endswith("looked for.") for line in out.splitlines())


def test_what_is_wrapped_keeps_the_indent_of_its_label(places, tmp_path, quick):
    deep = tmp_path / "notes" / ("a name that is long " * 4).strip()
    deep.mkdir()
    (deep / "dogs.md").write_text("# Dogs\n\nDogs bark at noon.\n", encoding="utf-8")
    for command, label in (
        (["status"], "index       "),
        (["search", "dogs bark at noon", "--top-k", "1"], " 1 "),
    ):
        if command[0] == "search":
            quick("index", *places)  # or a slow machine would show progress before the first line
        lines = plain(on_terminal(*command, *places, columns=50)).splitlines()
        at = next(n for n, line in enumerate(lines) if line.startswith(label))
        below = lines[at + 1]
        assert len(below) - len(below.lstrip()) == len(label), command
        assert max(map(len, lines)) <= 50


def test_get_numbers_lines_on_a_terminal_or_if_asked(quick, places):
    address = "cats and more.md:5-7"
    assert "    7 ## What cats do all day" in plain(on_terminal("get", address, *places))
    assert quick("get", address, *places).out == "# Cats\n\n## What cats do all day\n"
    assert "    7 ## What" in quick("get", address, "--numbers", *places).out
