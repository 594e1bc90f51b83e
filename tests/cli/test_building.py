"""What is told of an index that another process is writing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hashed import COMMAND
from support import HANGS_S, QUICK, write_notes

HOLDER = """
import sys
from pathlib import Path
from ragqa.index.disk import locked
with locked(Path(sys.argv[1]), wait=False) as report:
    report(512)
    print("locked", flush=True)
    sys.stdin.read()
"""
NOTES = {"cats.md": "# Cats\n\nCats nap at noon.\n"}


@pytest.fixture
def held(places):
    """Another process that writes the index until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, places[3]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"locked\n"
        yield holder
        if not holder.stdin.closed:
            holder.stdin.close()


def test_a_build_beside_an_index_is_in_its_status(quick, places, request):
    quick("index", *places)
    assert quick("status", "--json", *places).document["building"] is None
    holder = request.getfixturevalue("held")
    assert "512 passages embedded so far" in quick("status", *places).out
    assert quick("status", "--json", *places).document["building"]["embedded"] == 512
    busy = quick("index", "--rebuild", *places)
    assert busy.code == 6
    assert "512 passages embedded so far" in busy.err
    write_notes(Path(places[1]), {"dogs.md": "# Dogs\n\nDogs bark.\n"})
    with (places[1] / "cats.md").open("a") as file:
        file.write("\nThey purr.\n")
    asked = quick("search", "cats", "--json", *places)
    assert asked.code == 0
    (warning,) = asked.document["warnings"]
    assert "could not bring the index up to date" in warning
    assert asked.document["hits"][0]["text"].endswith("They purr.")
    holder.kill()
    holder.wait(timeout=HANGS_S)
    assert quick("status", "--json", *places).document["building"] is None
    assert quick("index", *places).code == 0


def test_index_wait_says_what_it_waits_for_and_then_builds(places, held):
    with subprocess.Popen(
        [*COMMAND, "index", "--wait", *places],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | QUICK,
    ) as waiting:
        line = waiting.stderr.readline().decode()
        assert line.startswith("Waiting for another process that is writing the index since 20")
        assert "512 passages embedded so far" in line
        held.stdin.close()
        assert waiting.stdout.read().startswith(b"1 note, 1 passage: 1 added")
        assert waiting.wait(timeout=HANGS_S) == 0
