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


def test_a_terminal_gets_colours_and_links_unless_they_are_set_otherwise_and_a_pipe_neither(
    quick, places, tmp_path
):
    path = tmp_path / "notes" / "cats%20and%20more.md"
    printed = on_terminal("search", "cats", *places)
    assert f"file://{path}" in LINK.findall(printed)
    assert "\x1b[1;36m" in printed
    env = {"RAGQA_LINK_FORMAT": "vscode://file{path}:{line}", "NO_COLOR": "1"}
    printed = on_terminal("search", "cats", *places, env=env)
    assert f"vscode://file{path}:5" in LINK.findall(printed)
    assert not any(re.search(r"\b[34]\d\b", code) for code in COLOUR.findall(printed))
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
