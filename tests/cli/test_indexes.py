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


def test_the_list_has_each_index_with_its_folders_size_and_last_use(quick, home, built, tmp_path):
    (listed,) = quick("index", "--list", "--json", env=home).document["indexes"]
    assert listed["name"] == built.name
    assert (listed["notes"], listed["folders"]) == (1, [str(tmp_path / "tea")])
    assert listed["bytes"] > (built / "index.sqlite").stat().st_size
    assert listed["last_used"] > "2026-01-01"
    shown = quick("index", "--list", env=home).out
    assert f"1 note in {tmp_path / 'tea'}" in shown
    (tmp_path / "tea").rename(tmp_path / "gone")
    assert "(no longer there)" in quick("index", "--list", env=home).out


@pytest.mark.parametrize("by", ["name", "path"])
def test_an_index_is_removed_by_its_name_or_path_if_told_and_its_notes_stay(
    quick, home, built, tmp_path, by
):
    named = built.name if by == "name" else built
    unasked = quick("index", "--remove", named, env=home)
    assert (unasked.code, "--yes" in unasked.err, built.exists()) == (2, True, True)
    assert quick("index", "--remove", named, "--yes", env=home).code == 0
    assert not built.exists()
    assert (tmp_path / "tea" / "a.md").is_file()


def test_a_damaged_index_is_listed_and_can_be_removed(quick, home, built):
    (built / "index.sqlite").write_bytes(b"no database")
    assert "cannot be read" in quick("index", "--list", env=home).out
    assert quick("index", "--remove", built.name, "--yes", env=home).code == 0
    assert not built.exists()


@pytest.mark.parametrize("name", ["..", ".", "", "../indexes", "plain", "linked"])
def test_what_is_no_index_of_the_data_folder_is_never_removed(quick, home, built, tmp_path, name):
    plain = write_notes(built.with_name("plain"), {"a.md": "mine"})
    built.with_name("linked").symlink_to(built)
    run = quick("index", "--remove", name, "--yes", env=home)
    assert run.code == 2
    assert "there is no index called" in run.err
    assert (plain / "a.md").is_file()
    assert (built / "index.sqlite").is_file()
    again = quick("index", "--remove", tmp_path / "tea", "--yes", env=home)
    assert (again.code, (tmp_path / "tea" / "a.md").is_file()) == (2, True)


def test_an_index_with_files_of_the_users_own_is_not_removed(quick, home, built):
    (built / "thesis.md").write_text("mine")
    run = quick("index", "--remove", built.name, "--yes", env=home)
    assert run.code == 2
    assert "also holds thesis.md, which is no part of an index" in run.err
    assert (built / "thesis.md").read_text() == "mine"


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
