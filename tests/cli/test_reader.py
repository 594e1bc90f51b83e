"""A reader of the user's own, from setting it to what it changes, by the real command line."""

import pytest
from tiny_readers import NLI, RANKER, save_reader

from ragqa.claims.lacks import grounding_of
from ragqa.claims.sources import CitedPassage, read_sources
from ragqa.embedders import embedder_for
from ragqa.readers import reader_for

QUESTION = "when do figs ripen?"
NOTES = {"figs.md": "# Figs\n\nFigs are red.\n\nThey ripen in August.\n\nBirds eat figs.\n"}


@pytest.fixture(scope="session")
def models(own_home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "ranking": save_reader(folder / "ranking", RANKER),
        "judging": save_reader(folder / "judging", NLI),
    }


@pytest.fixture
def home(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "RAGQA_CACHE": str(tmp_path / "cache")}


def signals(quick, places, env):
    """What adds to the score of the cited sentence."""
    asked = quick("why", QUESTION, "--target", "figs.md", "--json", *places, env=env)
    return asked.document["citations"][0]["parts"]


def test_one_command_has_a_ranking_model_read_question_and_sentences(quick, places, home, models):
    quick("index", *places, env=home)
    assert "reader" not in signals(quick, places, home)
    quick("config", "set", "reader", models["ranking"], env=home)
    assert "reader" in signals(quick, places, home)
    assert "reader" not in quick("ask", QUESTION, *places, env=home).err
    doctor = " ".join(quick("doctor", *places, env=home).out.split())
    assert f"the reader is {models['ranking']}" in doctor


def test_a_ranking_model_has_no_say_in_the_confidence(quick, places, home, models):
    quick("index", *places, env=home)
    alone, read = (
        quick("why", QUESTION, "--target", "figs.md", "--json", *places, env=home | setting)
        for setting in ({}, {"RAGQA_READER": str(models["ranking"])})
    )
    assert "reader" in read.document["citations"][0]["parts"]
    assert read.document["confidence"] == alone.document["confidence"]


def test_a_reader_that_is_gone_stops_nothing_and_is_named(quick, places, home, tmp_path):
    gone = home | {"RAGQA_READER": str(tmp_path / "gone")}
    quick("index", *places, env=gone)
    asked = quick("ask", QUESTION, *places, "--json", env=gone)
    assert "there is no folder" in asked.document["warnings"][0]
    doctor = " ".join(quick("doctor", *places, env=gone).out.split())
    assert "no reader is used" in doctor
    assert "ragqa config set reader neutral" in doctor
    assert quick("search", QUESTION, *places, env=gone).err == ""


def test_a_judging_model_changes_no_answer_and_names_the_line_that_contradicts_a_sentence(
    quick, places, home, models, monkeypatch
):
    quick("index", *places, env=home)
    env = home | {"RAGQA_READER": str(models["judging"])}
    assert "reader" not in signals(quick, places, env)
    monkeypatch.setenv("RAGQA_CACHE", home["RAGQA_CACHE"])
    embedder = embedder_for("hashed:64", building=False)

    def differs(reader, likely):
        monkeypatch.setattr(type(reader), "contradicts", lambda *_: [likely])
        sources = read_sources([CitedPassage("Figs", "Figs are red.")], embedder, reader=reader)
        found = grounding_of("Figs are red.", [1], sources, lambda terms: dict.fromkeys(terms, 2))
        return found.differs

    judging = reader_for(str(models["judging"]))
    assert differs(judging, 0.9) == ('"Figs are red.", which contradicts it',)
    assert differs(judging, 0.1) == ()


def test_a_folder_without_such_a_model_is_refused_and_the_setting_stays(quick, home, tmp_path):
    done = quick("config", "set", "reader", tmp_path, env=home)
    assert done.code == 2
    assert "lacks config.json" in done.err
    settings = quick("config", "--json", env=home).document["settings"]
    assert settings["reader"]["value"] == "neutral"
