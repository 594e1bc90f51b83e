"""The notes near a note, on the real command line and from Python."""

import pytest
from support import QUICK, run_ragqa, write_notes

NOTES = {
    "tea.md": "# Tea\n\nGreen tea is steeped. See [[pot]] and [water](more/water.md).\n",
    "pot.md": "# Pot\n\nA pot of iron. Back to [[Tea#Tea|the tea]].\n",
    "more/water.md": "# Water\n\nIt boils. `[[tea]]`\n",
    "cup.md": "---\ntags: [ware]\n---\n# Cup\n\nFor the [[Tea]], from a [[pot]].\n",
    "leaf.md": "# Green tea\n\nGreen tea is steeped. Green tea is steeped briefly.\n",
    "gas.md": "# Gas\n\nHeats [[more/water]].\n",
    "car.md": "# Car\n\nFour wheels.\n",
}


@pytest.fixture
def search(tmp_path):
    write_notes(tmp_path / "notes", NOTES)
    places = ("--corpus", tmp_path / "notes", "--index", tmp_path / "index")
    return lambda *args: run_ragqa("search", *args, *places, env=QUICK)


def test_the_notes_near_a_note_are_listed_with_the_reasons(search):
    found = search("--related", "tea", "--top-k", 6, "--json").document
    why = {one["path"]: one["why"] for one in found["related"]}
    assert found["note"] == "tea.md"
    assert why["pot.md"][:3] == ["links here", "linked from here", "1 common link"]
    assert why["more/water.md"][0] == "linked from here"
    assert why["cup.md"][:2] == ["links here", "1 common link"]
    assert why["gas.md"][0] == "1 common link"
    assert any(reason.startswith("similar text (0.") for reason in why["leaf.md"])
    assert [one["path"] for one in found["related"]][:1] == ["pot.md"]
    scores = [one["score"] for one in found["related"]]
    assert scores == sorted(scores, reverse=True)


def test_filters_and_the_number_of_notes_apply(search):
    found = search("--related", "tea", "--tag", "ware", "--json").document
    assert [one["path"] for one in found["related"]] == ["cup.md"]
    assert len(search("--related", "tea", "--top-k", 2, "--json").document["related"]) == 2


def test_an_unknown_note_is_an_error_with_near_names(search):
    failed = search("--related", "teas")
    assert failed.code == 2
    assert "there is no note 'teas'" in failed.err
    assert "tea.md" in failed.err


def test_once_notes_are_indexed_those_near_one_are_found_without_parsing_any(search, monkeypatch):
    assert search("tea").code == 0
    monkeypatch.setattr("ragqa.related.parse_note", None, raising=False)
    monkeypatch.setattr("ragqa.notes.read.parse_note", None)
    related = search("--related", "tea", "--json").document["related"]
    assert related[0]["why"][:2] == ["links here", "linked from here"]
