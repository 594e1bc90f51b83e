"""`ragqa eval --grounding` by the real command line."""

import json

import pytest

PASSAGE = {"path": "labs.md", "heading": "Labs", "text": "Google bought DeepMind in 2014."}


@pytest.fixture
def rows(tmp_path):
    """A file with one sentence of each label in each half."""
    sentences = [("Google bought DeepMind in 2014.", True), ("Google bought it in 2011.", False)]
    path = tmp_path / "labs.jsonl"
    given = [
        {
            "id": f"{half}{supported}",
            "sentence": sentence,
            "passages": [PASSAGE],
            "supported": supported,
            "kind": "\x1b[31mred" if supported else "date",
            "half": half,
        }
        for half in ("tune", "test")
        for sentence, supported in sentences
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    return path


def test_what_was_flagged_is_shown_by_label_and_kind(quick, rows):
    run = quick("eval", "--grounding", rows)
    assert run.code == 0
    assert "labs (test): 2 sentences, hashed:64" in run.out
    assert "unsupported                     1        1  1.00 [" in run.out
    assert "supported                       1        0  0.00 [" in run.out
    assert "AUROC (more is better): 1.000" in run.out
    assert "date" in run.out
    assert "\x1b" not in run.out


def test_json_has_each_sentence_with_what_speaks_against_it(quick, rows):
    run = quick("eval", "--grounding", rows, "--half", "all", "--json")
    assert run.code == 0
    assert run.document["sentences"] == 4
    assert run.document["half"] == ""
    assert {row["id"]: row["flagged"] for row in run.document["rows"]} == {
        "tuneTrue": False, "tuneFalse": True, "testTrue": False, "testFalse": True,
    }  # fmt: skip
    assert run.document["rows"][1]["against"] == ["the date 2011"]


def test_no_notes_are_needed(quick, rows, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert quick("eval", "--grounding", rows, "--half", "tune", cwd=folder).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--half", "third"], "--half is tune, test or all, not 'third'"),
        (["--corpus", "."], "--grounding and --corpus cannot go together"),
        (["--fail-under", "auroc=0.9"], "--grounding and --fail-under cannot go together"),
    ],
)
def test_what_does_not_go_together_is_said(quick, rows, options, said):
    run = quick("eval", "--grounding", rows, *options)
    assert run.code == 2
    assert said in run.err


def test_a_file_that_is_not_there_is_one_sentence(quick, tmp_path):
    run = quick("eval", "--grounding", tmp_path / "none.jsonl")
    assert run.code == 2
    assert "none.jsonl cannot be read: No such file or directory" in run.err
    assert "Traceback" not in run.err
