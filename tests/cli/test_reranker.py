"""A reranker of the user's own, from setting it to what it changes, by the real command line."""

import pytest

from ragqa.rerankers import CrossEncoder

QUESTION = "when do figs ripen?"
NOTES = {"figs.md": "# Figs\n\nFigs are red.\n\nThey ripen in August.\n\nBirds eat figs.\n"}


@pytest.fixture
def home(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "RAGQA_CACHE": str(tmp_path / "cache")}


def test_one_command_has_a_cross_encoder_read_but_have_no_say_in_the_confidence(
    quick, places, home, reranker_folder, monkeypatch
):
    read, score = [], CrossEncoder.score
    monkeypatch.setattr(CrossEncoder, "score", lambda *args: read.append(args[1]) or score(*args))
    quick("index", *places, env=home)
    alone = quick("ask", QUESTION, "--json", *places, env=home).document
    assert read == []
    quick("config", "set", "reranker", reranker_folder, env=home)
    helped = quick("ask", QUESTION, "--json", *places, env=home)
    assert [said for said in read if said == QUESTION] == [QUESTION]
    assert helped.document["confidence"] == alone["confidence"]
    assert "reranker" not in helped.err
    assert quick("status", "--json", *places, env=home).document["problems"] == []


def test_a_reranker_that_is_gone_stops_nothing_and_is_named(quick, places, home, tmp_path):
    gone = home | {"RAGQA_RERANKER": str(tmp_path / "gone")}
    quick("index", *places, env=gone)
    asked = quick("ask", QUESTION, *places, "--json", env=gone)
    assert "there is no folder" in asked.document["warnings"][0]
    assert quick("config", "set", "reranker", tmp_path, env=home).code == 2
    settings = quick("config", "--json", env=home).document["settings"]
    assert settings["reranker"]["value"] == "neutral"
    assert quick("search", QUESTION, *places, env=gone).err == ""
