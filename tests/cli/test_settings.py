"""`ragqa config` and the settings that hold, by the real command line."""

from pathlib import Path

import pytest
from support import write_notes


@pytest.fixture
def home(tmp_path):
    """Settings and data of its own: the environment that names them."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def own(tmp_path):
    return write_notes(tmp_path / "own", {"a.md": "# Tea\n\nTea steeps for four minutes.\n"})


@pytest.fixture
def clone(tmp_path):
    """A folder with a `corpus` in it, as a clone of ragqa is."""
    write_notes(tmp_path / "clone" / "corpus", {"b.md": "# Rain\n\nRain falls in April.\n"})
    return tmp_path / "clone"


@pytest.mark.parametrize("command", [["ask", "when does rain fall?"], ["status"], ["index"]])
def test_in_a_clone_the_first_line_on_stderr_says_which_notes_were_used(
    quick, home, own, clone, command
):
    told = quick("config", "set", "corpus", own, cwd=clone, env=home).err
    line = (
        f"Using the notes in ./corpus, not those of your setting corpus "
        f"({home['XDG_CONFIG_HOME']}/ragqa/config.toml): {own}; to use those: --corpus {own}"
    )
    assert line in told
    quick("index", cwd=clone, env=home)
    assert quick(*command, cwd=clone, env=home).err.splitlines()[0] == line
    assert "Using the notes" not in quick(*command, cwd=own, env=home).err
    assert "Using the notes" not in quick(*command, "--corpus", own, cwd=clone, env=home).err


def test_a_corpus_that_is_not_there_is_not_set(quick, home, tmp_path):
    run = quick("config", "set", "corpus", tmp_path / "nowhere", env=home)
    assert run.code == 2
    assert f"there is no folder {tmp_path / 'nowhere'}" in run.err
    settings = quick("config", "--json", env=home, cwd=tmp_path).document["settings"]
    assert settings["corpus"]["value"] == []


def test_an_unknown_setting_in_a_file_warns_once_and_stops_nothing(quick, home, own, tmp_path):
    settings = tmp_path / "config" / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'corpus = "{own}"\ntopk = 3\n', encoding="utf-8")
    for command in (["ask", "how long does tea steep?"], ["config"], ["verify", "--help"]):
        run = quick(*command, env=home, cwd=own)
        assert run.code in (0, 1)
        assert run.err.count("unknown settings") == ("--help" not in command)
    on_the_command_line = quick("config", "set", "topk", "3", env=home)
    assert on_the_command_line.code == 2
    assert "unknown setting 'topk'" in on_the_command_line.err


@pytest.mark.parametrize("group", [[], ["llm"], ["store"]])
def test_a_group_of_commands_alone_gives_its_help_in_lines(quick, group):
    run = quick(*group)
    assert run.code == 2
    assert run.err.startswith(f"Usage: {' '.join(['ragqa', *group])} ")
    assert run.err == quick(*group, "--help").out
    assert "\\n" not in run.err


def test_an_unknown_setting_can_be_removed_and_a_misspelt_one_is_told_the_nearest(quick, home):
    settings = Path(home["XDG_CONFIG_HOME"]) / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("topk = 3\n", encoding="utf-8")
    assert quick("config", "unset", "topk", env=home).code == 0
    assert settings.read_text(encoding="utf-8") == ""
    again = quick("config", "unset", "topk", env=home)
    assert again.code == 2
    assert "(did you mean top_k?)" in again.err
