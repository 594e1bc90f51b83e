"""`ragqa index --list` and `--remove`."""

import io
import sys

import pytest
from support import write_notes

from ragqa.cli import run as run_command


@pytest.fixture
def home(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def built(quick, home, tmp_path):
    """The index of a folder of notes, in the data folder."""
    notes = write_notes(tmp_path / "tea", {"a.md": "# Tea\n\nTea is hot.\n"})
    assert quick("index", notes, env=home).code == 0
    (folder,) = (tmp_path / "data" / "ragqa" / "indexes").iterdir()
    return folder


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("typing", "code"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_a_person_is_asked_and_only_yes_removes(home, built, monkeypatch, typing, code):
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", Terminal(typing))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert run_command(["index", "--remove", built.name]) == code
    assert "Remove this index? [y/N]" in sys.stderr.getvalue()
    assert built.exists() is (code == 1)
