"""Tables of cases: `data/NAME.jsonl` has one a line, as an object."""

import json
from pathlib import Path

import pytest


def rows(name):
    """The cases of a table, in order."""
    text = Path(__file__).with_name("data").joinpath(f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def cases(name, *fields):
    """The cases of a table as parameters: these fields of each, None where it has none, or all.

    A case may say which rule it is about.
    """
    return [
        pytest.param(
            *([case.get(field) for field in fields] or [case]),
            id=case.get("rule", f"{name}-{number}"),
        )
        for number, case in enumerate(rows(name), 1)
    ]


def each_of(name):
    """Run a test with each case of a table, whose fields are its arguments."""
    table = rows(name)
    return pytest.mark.parametrize(list(table[0]), [tuple(row.values()) for row in table])
