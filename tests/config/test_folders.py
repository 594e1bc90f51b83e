"""A corpus of several folders, as flags, the environment and settings files name it."""

import os
from unittest.mock import patch

import pytest

from ragqa.config import load_settings, set_user_setting, user_settings_file
from ragqa.errors import UsageError
from ragqa.types import Corpus, Folder


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two folders of notes, one of them deep; the current folder has no corpus."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("notes", "work/wiki"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path.resolve() / "notes", tmp_path.resolve() / "work/wiki"


def corpus(flags=(), environ=None):
    with patch.dict(os.environ, environ or {}):
        return load_settings({"corpus": tuple(flags) or None}).places.corpus


def write_settings(text):
    file = user_settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_several_folders_are_called_as_they_are_on_disk_wherever_they_are_named(folders):
    found = corpus(["notes", "work/wiki"])
    assert found == Corpus.of(*folders)
    assert found.inside("wiki/a/b.md") == (folders[1], "a/b.md")
    assert str(found) == f"{folders[0]} and {folders[1]}"
    assert corpus(environ={"RAGQA_CORPUS": os.pathsep.join(["notes", "work/wiki"])}) == found
    set_user_setting("corpus", ["notes", "work/wiki"])
    assert corpus() == found


def test_a_settings_file_gives_folders_names_and_contexts(folders):
    write_settings(
        f'corpus = ["{folders[0]}", '
        f'{{path = "{folders[1]}", name = "team", context = "minutes of the data team"}}]'
    )
    found = corpus()
    assert found.folders[1] == Folder(folders[1], "team", "minutes of the data team")
    assert found.context("team/a.md") == "minutes of the data team"
    assert not found.context("notes/a.md")


def test_folders_that_cannot_be_used_together_are_not_set(folders):
    for twice in (["notes", "notes"], ["work", "work/wiki"]):
        with pytest.raises(UsageError, match="would be read twice"):
            set_user_setting("corpus", twice)
    assert not user_settings_file().exists()


def test_one_folder_keeps_its_paths_and_its_index_whatever_it_is_called(folders):
    alone = load_settings({"corpus": ("notes",)}).places
    assert alone.corpus.inside("a/b.md") == (folders[0], "a/b.md")
    write_settings(f'corpus = {{path = "{folders[0]}", name = "mine"}}')
    assert load_settings({}).places.index == alone.index.with_name(alone.index.name)


@pytest.mark.parametrize(
    "setting",
    [
        "3",
        '[{path = "notes", name = "a/b"}]',
        '[{path = "notes", name = "a\\u001b[0m"}]',
        '[{path = "notes", colour = "red"}]',
        f'[{{path = "notes", context = "{"x" * 301}"}}]',
    ],
)
def test_what_names_no_folder_is_an_error_that_says_what_does(folders, setting):
    write_settings(f"corpus = {setting}")
    with pytest.raises(UsageError, match=r"must be a folder, or a list of folders"):
        corpus()


def test_folders_of_one_name_must_be_told_apart(folders):
    (folders[0] / "wiki").mkdir()
    with pytest.raises(UsageError, match="2 folders of notes are called wiki") as caught:
        corpus(["notes/wiki", "work/wiki"])
    assert "name = " in caught.value.hint
