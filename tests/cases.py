"""Tables of cases: a line of JSON for each in `tests/data`."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).with_name("data")


def cases(name, *fields):
    """The cases of a table as parameters: these fields of each, None where it has none, or all.

    A case may say which rule it is about.
    """
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    table = [json.loads(line) for line in lines]
    return [
        pytest.param(
            *([case.get(field) for field in fields] or [case]),
            id=case.get("rule", f"{name}-{number}"),
        )
        for number, case in enumerate(table, 1)
    ]
