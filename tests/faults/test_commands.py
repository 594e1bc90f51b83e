"""A fault of each kind as the command line tells it."""

import resource

import pytest
from support import write_notes

LAMPS = {f"{n}.md": f"# Note {n}\n\nLamp {n} was lit in {1800 + n}.\n" for n in range(40)}
ASK = ("ask", "When was lamp 7 lit?", "--no-refresh")


@pytest.fixture
def places(tmp_path):
    return "--corpus", tmp_path / "notes", "--index", tmp_path / "index"


@pytest.fixture
def ragqa_here(quick, places, tmp_path):
    """The command line on an index of one note, while there are forty."""

    def run(*args, **kwargs):
        return quick(*args, *places, **kwargs)

    write_notes(tmp_path / "notes", {"7.md": LAMPS["7.md"]})
    assert run("index").code == 0
    write_notes(tmp_path / "notes", LAMPS)
    return run


def test_a_full_disk_ends_a_build_with_4_and_the_old_index_answers(
    ragqa_here, apart, places, tmp_path
):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    run = apart("index", *places, preexec_fn=limit)
    assert run.code == 4
    assert run.err.startswith("error: disk full: a new generation of the index in")
    assert "Traceback" not in run.err
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [
        "CURRENT",
        "LOCK",
        "gen-000001",
    ]
    assert "Lamp 7 was lit in 1807." in ragqa_here(*ASK).out
