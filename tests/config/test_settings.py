"""Settings: where each value comes from, and what a folder of notes may not decide."""

import contextlib
import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from cases import cases
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from support import trying

from ragqa.config import load_settings, set_user_setting, unset_user_setting, user_settings_file
from ragqa.config.settings import SETTINGS
from ragqa.errors import NoCorpus, UsageError
from ragqa.types import Corpus


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, so that the settings of whoever runs the tests play no part."""
    for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def load(folder, flags=None, environ=None):
    with contextlib.chdir(folder), patch.dict(os.environ, environ or {}):
        return load_settings(flags or {})


def test_a_flag_beats_environment_user_and_default(project):
    set_user_setting("top_k", "4")
    environ = {"RAGQA_TOP_K": "7"}
    assert load(project, {"top_k": 8}, environ).settings.top_k == 8
    assert load(project, {"top_k": None}, environ).settings.top_k == 7
    assert load(project).settings.top_k == 4
    assert load(project).origins["top_k"] == "user settings"
    unset_user_setting("top_k")
    assert load(project).settings.top_k == 5
    assert load(project).origins["top_k"] == "default"


def write_user(text):
    user_settings_file().parent.mkdir(parents=True, exist_ok=True)
    user_settings_file().write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "line",
    [
        *('top_k = "many"', "top_k = 0", "top_k = ", 'llm_url = "http://evil.example/v1"'),
        *(f"top_k = {'[' * 20_000}", f"top_k = {'9' * 5000}"),
    ],
)
def test_a_bad_line_of_the_settings_file_is_an_error_that_names_the_file(project, line):
    write_user(f"{line}\n")
    with pytest.raises(UsageError, match=str(user_settings_file())):
        load(project)


def test_a_former_ragqa_toml_above_sets_nothing_and_is_named_once(project):
    (project / "ragqa.toml").write_text("top_k = 6\nllm = 'openai:x'\n= nonsense\n")
    below = project / "below"
    below.mkdir()
    loaded = load(below)
    assert loaded.settings == load(project.parent).settings
    (warning,) = loaded.warnings
    assert warning.startswith(f"{project / 'ragqa.toml'} is not read: ragqa config set ")


def test_the_index_cannot_be_the_folder_of_notes_itself(project):
    with pytest.raises(UsageError, match="folder of notes"):
        load(project, {"corpus": "wiki", "index": "wiki"})


@pytest.mark.parametrize("llm", ["bogus", " "])
def test_what_names_no_backend_is_told_with_where_it_is_set_and_what_there_is(project, llm):
    with pytest.raises(UsageError, match="llm in RAGQA_LLM must be KIND:MODEL") as caught:
        load(project, environ={"RAGQA_LLM": llm})
    assert caught.value.hint == "change it in RAGQA_LLM, or remove it"
    with pytest.raises(UsageError) as caught:
        set_user_setting("llm", llm)
    assert caught.value.hint == "ragqa config --all"
    assert load(project).settings.llm == ""


def test_unknown_and_former_settings_in_the_file_are_one_warning(project):
    write_user("topk = 3\nexcerpts = 2\n[colour]\nred = 1\n")
    warning, of_variable = load(project, environ={"RAGQA_EXCERPTS": "2"}).warnings
    assert of_variable == "RAGQA_EXCERPTS is not read: an answer has at most 3 excerpts"
    assert warning == (
        f"{user_settings_file()} has unknown settings, which are ignored: 'topk' (did you mean "
        "top_k?), 'excerpts' (an answer has at most 3 excerpts), 'colour'"
    )


def test_a_folder_called_corpus_is_asked_only_where_nothing_else_names_notes(project, tmp_path):
    (project / "corpus").mkdir()
    loaded = load(project)
    assert loaded.places.corpus == Corpus.of((project / "corpus").resolve())
    assert (loaded.origins["corpus"], loaded.origins["index"]) == ("current folder", "default")
    set_user_setting("corpus", str(tmp_path / "notes"))
    set_user_setting("index", str(tmp_path / "mine"))
    (tmp_path / "mine").mkdir()
    loaded = load(project)
    assert loaded.places.corpus == Corpus.of((tmp_path / "notes").resolve())
    assert loaded.places.index == (tmp_path / "mine").resolve()
    assert (loaded.origins["corpus"], loaded.origins["index"]) == ("user settings",) * 2
    by_variable = load(project, environ={"RAGQA_CORPUS": str(tmp_path / "third")})
    assert by_variable.origins["corpus"] == "environment"
    by_option = load(project, {"corpus": str(tmp_path / "other")})
    assert (by_option.origins["corpus"], by_option.origins["index"]) == ("flag", "default")


def test_a_link_called_corpus_brings_no_notes_from_elsewhere(project, tmp_path, monkeypatch):
    monkeypatch.chdir(project)
    (tmp_path / "elsewhere").mkdir()
    (project / "wiki").mkdir()
    link = project / "corpus"
    link.symlink_to("wiki")
    assert load(project).places.corpus == Corpus.of((project / "wiki").resolve())
    for target in (tmp_path / "elsewhere", Path("..")):
        link.unlink()
        link.symlink_to(target)
        with pytest.raises(NoCorpus) as caught:
            load(project).places  # noqa: B018 - the property raises
        assert f"corpus is a link that leads out of {Path.cwd()}" in caught.value.message


def test_an_index_that_nobody_names_is_in_the_data_folder_one_for_each_corpus(project, tmp_path):
    (project / "corpus").mkdir()
    (project / "indexes" / "default").mkdir(parents=True)
    by_flag = [str(tmp_path / "a/notes"), str(tmp_path / "b/notes")]
    places = [load(project, {"corpus": folder}).places for folder in (*by_flag, None)]
    set_user_setting("corpus", str(tmp_path / "notes"))
    places.append(load(project).places)
    assert len({place.index for place in places}) == 4
    assert all(place.index.is_relative_to(tmp_path / "data") for place in places)


def test_setting_and_unsetting_keeps_the_rest_of_the_users_file(project):
    path = user_settings_file()
    write_user("# my own comment\ntop_k = 3\n")
    set_user_setting("passage_tokens", "90")
    assert "# my own comment" in path.read_text()
    assert load(project).settings.top_k == 3
    assert load(project).settings.passage_tokens == 90
    assert unset_user_setting("passage_tokens")
    assert not unset_user_setting("passage_tokens")
    assert "# my own comment" in path.read_text()


@pytest.mark.parametrize(("name", "given", "kept"), cases("kept_settings", "name", "given", "kept"))
def test_a_path_that_is_set_becomes_absolute_and_what_is_none_stays(
    home, monkeypatch, name, given, kept
):
    folder = home.resolve()
    monkeypatch.chdir(folder)
    assert set_user_setting(name, given) == kept.format(folder)
    assert load(Path("/")).settings == load(folder).settings


@pytest.mark.parametrize(("name", "value"), [("llm", "scripted:./s.jsonl"), ("store", "notes.db")])
def test_what_an_llm_is_told_or_says_or_an_index_is_no_file_of_the_current_folder(
    project, name, value
):
    variable = f"RAGQA_{name.upper()}"
    with pytest.raises(UsageError, match=f"{name} in {variable} must be an absolute path"):
        load(project, environ={variable: value})
    write_user(f'{name} = "{value}"\n')
    with pytest.raises(UsageError, match="absolute path") as by_file:
        load(project)
    assert str(user_settings_file()) in by_file.value.hint


@pytest.mark.parametrize(
    "uri",
    [
        *("http://root:hush@h", "http://h:19530/notes?token=hush", "http://h:19530/notes/hush"),
        *("http://h:hush", "http://h\n/hush", "hush:19530", "root:hush@h"),
    ],
)
def test_what_is_no_address_or_file_of_a_store_is_refused_and_not_repeated(project, uri):
    with pytest.raises(UsageError, match="store in the command") as by_flag:
        load(project, {"store": uri})
    write_user(f"store = [{json.dumps(uri)}]\n")
    with pytest.raises(UsageError, match="store in /") as by_file:
        load(project)
    for caught in (by_flag, by_file):
        assert "hush" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("name", ["1st", "a-b", "a" * 61, "\u00e9", "team_p12", "x_n1"])
def test_a_name_that_milvus_would_not_take_is_refused(project, name):
    with pytest.raises(UsageError, match="store_name"):
        load(project, environ={"RAGQA_STORE_NAME": name})


@pytest.mark.parametrize("path", ["~no-such-user/notes", "loop", "a\0b"])
def test_a_path_that_leads_nowhere_is_a_usage_error(project, path):
    (project / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="leads nowhere"):
        load(project, {"corpus": path})


VALUES = st.one_of(
    st.integers().map(str),
    st.sampled_from(["9" * 400, "9" * 5000, "nan", "-inf", "1e999", "[]", "{}", "2024-01-01", "="]),
    st.text(st.characters(codec="utf-8"), max_size=10).map(json.dumps),
    st.sampled_from(["a\0b", "~", "~nobody", "..", "/", "a/" * 3000]).map(json.dumps),
)


@given(lines=st.dictionaries(st.sampled_from([*SETTINGS, "more"]), VALUES, max_size=3))
@trying(
    80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # a file there is written over
)
def test_any_settings_file_is_read_or_is_a_usage_error(project, lines):
    text = "".join(f"{name} = {value}\n" for name, value in lines.items())
    write_user(text)
    with contextlib.suppress(UsageError):
        load(project)
