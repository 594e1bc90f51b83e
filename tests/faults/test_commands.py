"""A fault of each kind as the command line tells it."""

import os
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


def largest_file(folder):
    files = (path for path in folder.rglob("gen-*/**/*") if path.is_file())
    return max(files, key=lambda path: path.stat().st_size)


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def refused(run, path):
    assert run.code == 4
    assert "Traceback" not in run.err
    told = "".join((run.out + run.err).split())
    assert str(path) in told
    assert "ragqadoctor--repair" in told or "ragqaindex--rebuild" in told
    return True


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


def test_a_damaged_file_ends_commands_with_4_and_is_mended_by_a_rebuild(ragqa_here, tmp_path):
    damaged = largest_file(tmp_path / "index")
    os.truncate(damaged, 100)
    for command in (ASK, ("index",), ("doctor",)):
        assert refused(ragqa_here(*command), damaged)
    assert ragqa_here("index", "--rebuild").code == 0
    assert "Lamp 7 was lit in 1807." in ragqa_here(*ASK).out


def test_damage_that_no_time_gives_away_is_found_by_doctor_and_by_building(ragqa_here, tmp_path):
    damaged = largest_file(tmp_path / "index")
    status = damaged.stat()
    flip_a_bit(damaged)
    os.utime(damaged, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "Traceback" not in ragqa_here(*ASK).err
    for command in (("index",), ("doctor",)):
        assert refused(ragqa_here(*command), damaged)
