"""What ragqa must survive: the trials of `eval/bench/faults.py`, fewer of each kind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import HANGS_S

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[2] / "eval" / "bench" / "faults.py"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each case, counted, if nothing was otherwise than promised."""
    out = tmp_path_factory.mktemp("trials") / "found.json"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--only", "kills", "--only", "full", "--quick", "--out", out],
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {row["case"]: row["outcomes"] for row in json.loads(out.read_text())["rows"]}


@pytest.mark.parametrize("kind", ["first build", "refresh", "rebuild"])
def test_whenever_a_build_is_killed_the_old_index_answers_or_the_new_one(outcomes, kind):
    found = outcomes[f"{kind} killed"].keys()
    assert found <= {"index of before", "index of after", "already done"}


@pytest.mark.parametrize("place", ["Limit on the size of files", "Full disk"])
def test_a_full_disk_is_told_whoever_writes_and_the_old_index_stays(outcomes, place):
    found = outcomes.get(place)
    if found is None:
        pytest.skip("no file system can be mounted here")
    assert found.keys() == {"disk full", "built"}
