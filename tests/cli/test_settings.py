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


def test_config_get_prints_the_value_alone(quick, home, own):
    quick("config", "set", "corpus", own, env=home)
    assert quick("config", "get", "corpus", env=home, cwd=own).out == f"{own}\n"
    assert quick("config", "get", "top_k", env=home | {"RAGQA_TOP_K": "9"}).out == "9\n"
    unknown = quick("config", "get", "colour", env=home)
    assert unknown.code == 2
    assert "unknown setting 'colour'" in unknown.err


def test_a_corpus_that_is_not_there_is_not_set(quick, home, tmp_path):
    run = quick("config", "set", "corpus", tmp_path / "nowhere", env=home)
    assert run.code == 2
    assert f"there is no folder {tmp_path / 'nowhere'}" in run.err
    assert quick("config", "get", "corpus", env=home, cwd=tmp_path).out == "\n"


def test_an_unknown_setting_in_a_file_warns_once_and_stops_nothing(quick, home, own, tmp_path):
    settings = tmp_path / "config" / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'corpus = "{own}"\ntopk = 3\n', encoding="utf-8")
    for command in (["ask", "how long does tea steep?"], ["config"], ["verify", "--help"]):
        run = quick(*command, env=home, cwd=own)
        assert run.code in (0, 1)
        assert run.err.count("unknown setting") == ("--help" not in command)
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


@pytest.fixture
def site(tmp_path):
    """A folder with a note and a built page."""
    page = "<h1>Rain</h1><p>Rain falls in April.</p>"
    return write_notes(tmp_path / "site", {"a.md": "# Tea\n\nTea is hot.\n", "b.html": page})


def formats_of(quick, home, *more):
    return quick("config", "--json", *more, env=home).document["settings"]["formats"]


@pytest.mark.parametrize("before", [False, True])
def test_formats_set_for_a_folder_hold_for_it_alone(quick, home, site, own, before):
    place = ["--corpus", site]
    words = ["config", *place, "set"] if before else ["config", "set"]
    told = quick(*words, "formats", "html", *([] if before else place), env=home)
    assert f"formats = html for {site} in {home['XDG_CONFIG_HOME']}/ragqa/config.toml" in told.err
    assert formats_of(quick, home, *place) == {
        "value": ["html"],
        "origin": f"user settings for {site}",
    }
    assert formats_of(quick, home, "--corpus", own) == {"value": [], "origin": "default"}
    assert quick("config", "get", "formats", *place, env=home).out == "html\n"
    assert "2 notes" in quick("index", site, env=home).out
    assert quick("config", "unset", "formats", *place, env=home).code == 0
    assert "1 removed" in quick("index", site, env=home).out


def test_formats_set_without_a_folder_hold_for_every_folder_but_those_with_their_own(
    quick, home, site, own
):
    quick("config", "set", "formats", "html", "--corpus", site, env=home)
    quick("config", "set", "formats", "pdf", env=home)
    assert formats_of(quick, home, "--corpus", site)["value"] == ["html"]
    assert formats_of(quick, home, "--corpus", own) == {"value": ["pdf"], "origin": "user settings"}
    by_environment = home | {"RAGQA_FORMATS": "docx"}
    assert formats_of(quick, by_environment, "--corpus", site)["value"] == ["docx"]


def test_several_folders_have_formats_of_their_own_in_whatever_order(quick, home, site, own):
    quick("config", "set", "formats", "html", "--corpus", site, "--corpus", own, env=home)
    assert formats_of(quick, home, "--corpus", own, "--corpus", site)["value"] == ["html"]
    assert formats_of(quick, home, "--corpus", site)["value"] == []


def test_the_file_of_a_folder_sets_its_formats_wherever_ragqa_is_called(
    quick, home, site, tmp_path
):
    own_file = site / "ragqa.toml"
    own_file.write_text('formats = ["html"]\ntop_k = 2\nllm = "scripted:/x"\n', encoding="utf-8")
    settings = quick("config", "--json", "--corpus", site, env=home, cwd=tmp_path).document
    settings = settings["settings"]
    assert settings["formats"] == {"value": ["html"], "origin": str(own_file)}
    assert settings["top_k"]["origin"] == settings["llm"]["origin"] == "default"
    quick("config", "set", "formats", "pdf", "--corpus", site, env=home)
    assert formats_of(quick, home, "--corpus", site)["value"] == ["pdf"]


def test_only_formats_can_be_set_for_a_folder(quick, home, site):
    for command in (["set", "top_k", "3"], ["unset", "top_k"]):
        run = quick("config", *command, "--corpus", site, env=home)
        assert run.code == 2
        assert "top_k cannot be set for a folder, only formats can" in run.err
    missing = quick("config", "set", "formats", "html", "--corpus", site / "gone", env=home)
    assert missing.code == 2
    assert f"there is no folder {site / 'gone'}" in missing.err


def test_a_settings_file_whose_folders_are_no_tables_is_named(quick, home, site):
    settings = Path(home["XDG_CONFIG_HOME"]) / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("folder = 3\n", encoding="utf-8")
    run = quick("ask", "tea", "--corpus", site, env=home)
    assert run.code == 2
    assert f"{settings} cannot be read: folder must be tables" in run.err
