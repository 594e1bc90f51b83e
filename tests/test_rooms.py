"""Each room of the package keeps to its number of lines, the table in pyproject.toml."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import ragqa

PACKAGE = Path(ragqa.__file__).parent
PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
CHANGELOG = PROJECT.with_name("CHANGELOG.md")
SLACK = 100
"""A room this far below its number has shrunk, and its number is to be lowered."""


def rooms():
    return tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["ragqa"]["rooms"]


def room_of(module):
    """The room of a module: that of the longest path that leads to it."""
    paths = {path: name for name, room in rooms().items() for path in room["holds"]}
    parts = module.relative_to(PACKAGE).with_suffix("").parts
    leading = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    return next((paths[path] for path in leading if path in paths), None)


def lines_by_room():
    lines = Counter()
    for module in PACKAGE.rglob("*.py"):
        lines[room_of(module)] += module.read_text(encoding="utf-8").count("\n")
    return lines


def test_every_module_is_in_a_room_and_every_room_has_modules():
    assert set(lines_by_room()) == set(rooms())


def test_no_room_has_more_lines_than_it_may():
    found = lines_by_room()
    grown = {name: found[name] for name, room in rooms().items() if found[name] > room["lines"]}
    assert grown == {}, (
        "a feature pays for its lines: fold or remove, and raise the number only with the reason"
    )


def test_all_rooms_together_have_no_more_lines_than_the_house():
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["ragqa"]
    assert sum(room["lines"] for room in project["rooms"].values()) <= project["lines"]


def test_the_house_has_no_more_lines_than_the_changelog_says():
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["ragqa"]
    said = re.search(r"at most ([\d,]+) lines", CHANGELOG.read_text(encoding="utf-8"))
    assert project["lines"] <= int(said[1].replace(",", "")), "say there why there are more"


def test_the_number_of_a_room_that_shrank_is_lowered():
    found = lines_by_room()
    shrunk = {
        name: found[name] for name, room in rooms().items() if found[name] < room["lines"] - SLACK
    }
    assert shrunk == {}, "lower these in pyproject.toml, rounded up to 50"
