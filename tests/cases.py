"""Tables of cases: `data/NAME.jsonl` has one a line, an object of a test's arguments."""

import json
from pathlib import Path

import pytest


def rows(name):
    """The cases of a table, in order."""
    lines = Path(__file__).with_name("data").joinpath(f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in lines.split("\n") if line]


def cases(name):
    """Run a test with each case of a table; all of them have the same fields."""
    table = rows(name)
    return pytest.mark.parametrize(list(table[0]), [tuple(row.values()) for row in table])
