"""What ragqa must survive: the trials of `eval/bench/faults.py`, fewer of each kind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import HANGS_S

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[2] / "eval" / "bench" / "faults.py"

WRITERS = {"write terms", "write catalogue.sqlite", "write vectors.faiss"}
"""The steps after which tantivy, SQLite and we ourselves, with what FAISS gave us, write."""


@pytest.fixture
def try_out(tmp_path):
    """Make the trials of one kind; gives the outcomes, counted, by case."""

    def run(kind):
        out = tmp_path / "found.json"
        done = subprocess.run(
            [sys.executable, SCRIPT, "--quick", "--only", kind, "--out", out],
            capture_output=True,
            text=True,
            timeout=HANGS_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(out.read_text())
        assert found["failures"] == []
        return {row["case"]: row["outcomes"] for row in found["rows"]}

    return run


def test_whatever_stops_a_build_at_a_step_the_old_index_answers_or_the_new_one(try_out):
    found = try_out("steps")
    faults = {case.removesuffix(" at each step of a build") for case in found}
    assert faults >= {"SIGKILL", "SIGTERM", "Ctrl-C", "ENOSPC", "EIO", "EACCES", "lasting ENOSPC"}
    assert found["SIGKILL at each step of a build"]["old index"] > 20
    assert found["SIGKILL at each step of a build"]["new index"] > 0


def test_a_full_disk_is_told_whoever_writes_and_the_old_index_stays(try_out):
    found = try_out("full")
    limited, full = (
        {where.removeprefix("failed at ") for where in found[case]}
        for case in ("limit on the size of a file", "full disk")
    )
    # The terms take least: other files meet a limit before theirs.
    assert limited >= WRITERS - {"write terms"} | {"built"}
    if not any("skipped" in outcome for outcome in full):
        assert full >= WRITERS | {"built"}


def test_a_damaged_file_is_never_answered_from_and_is_told_with_what_mends_it(try_out):
    found = try_out("damage")
    silent = found.pop("a bit flipped, time kept")
    assert sum(silent.values()) == 30
    assert "another answer" not in silent
    built_upon = found.pop("a bit flipped, time kept, and a build")
    assert built_upon.keys() == {"exit code 4", "built, and found by doctor"}
    for case, outcomes in found.items():
        assert outcomes.keys() == {"refused"}, case
    assert found.keys() >= {"truncated", "zeroed tail", "missing", "a bit flipped"}
