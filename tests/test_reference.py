"""docs/reference.md is what its script makes of the code."""

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "reference.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "make_reference.py"))


def test_the_page_is_what_the_script_makes(script):
    assert script["reference"]() == PAGE, "run python docs/make_reference.py"


def test_every_command_of_the_command_line_is_in_it(quick):
    listed = quick("--help").out.partition("Commands:")[2].partition("\n\n")[0]
    commands = set(re.findall(r"^  (\w+)", listed, flags=re.MULTILINE))
    assert commands
    assert commands == set(re.findall(r"^### ragqa (\w+)$", PAGE, flags=re.MULTILINE))


def test_every_exit_code_is_in_it(script):
    section = PAGE.partition("## Exit codes")[2]
    documented = {int(code) for code in re.findall(r"^\| (\d+) ", section, flags=re.MULTILINE)}
    assert documented == script["exit_codes"]()
    assert {0, 1, 2, 70, 130} <= documented
