"""A reader of the user's own, from setting it to what it changes, by the real command line."""

import pytest
from tiny_readers import save_reader

QUESTION = "when do figs ripen?"
NOTES = {"figs.md": "# Figs\n\nFigs are red.\n\nThey ripen in August.\n\nBirds eat figs.\n"}


@pytest.fixture(scope="session")
def model(own_home, tmp_path_factory):
    return save_reader(tmp_path_factory.mktemp("models") / "ranking")


@pytest.fixture
def home(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "RAGQA_CACHE": str(tmp_path / "cache")}


def signals(quick, places, env):
    """What adds to the score of the cited sentence."""
    asked = quick("why", QUESTION, "--target", "figs.md", "--json", *places, env=env)
    return asked.document["citations"][0]["parts"]


def test_one_command_has_a_cross_encoder_read_question_and_sentences(quick, places, home, model):
    quick("index", *places, env=home)
    assert "reader" not in signals(quick, places, home)
    quick("config", "set", "reader", model, env=home)
    assert "reader" in signals(quick, places, home)
    assert "reader" not in quick("ask", QUESTION, *places, env=home).err
    assert quick("status", "--json", *places, env=home).document["problems"] == []


def test_a_cross_encoder_has_no_say_in_the_confidence(quick, places, home, model):
    quick("index", *places, env=home)
    alone, read = (
        quick("why", QUESTION, "--target", "figs.md", "--json", *places, env=home | setting)
        for setting in ({}, {"RAGQA_READER": str(model)})
    )
    assert "reader" in read.document["citations"][0]["parts"]
    assert read.document["confidence"] == alone.document["confidence"]


def test_a_reader_that_is_gone_stops_nothing_and_is_named(quick, places, home, tmp_path):
    gone = home | {"RAGQA_READER": str(tmp_path / "gone")}
    quick("index", *places, env=gone)
    asked = quick("ask", QUESTION, *places, "--json", env=gone)
    assert "there is no folder" in asked.document["warnings"][0]
    [problem] = quick("status", *places, "--json", env=gone).document["problems"]
    assert "there is no folder" in problem["what"]
    assert problem["fix"] == "ragqa config set reader neutral"
    assert quick("search", QUESTION, *places, env=gone).err == ""


def test_a_folder_without_such_a_model_is_refused_and_the_setting_stays(quick, home, tmp_path):
    done = quick("config", "set", "reader", tmp_path, env=home)
    assert done.code == 2
    assert "lacks config.json" in done.err
    settings = quick("config", "--json", env=home).document["settings"]
    assert settings["reader"]["value"] == "neutral"
