"""Labelled sentences: read from a file, and judged."""

import json

import pytest

from ragqa.config import load_settings
from ragqa.errors import UsageError
from ragqa.evaluation.grounding import evaluate_grounding, idf_of, read_grounding
from ragqa.evaluation.questions import Chosen

PASSAGE = {"path": "labs.md", "heading": "Labs", "text": "Google bought DeepMind in 2014."}


def row(number, sentence="Google bought DeepMind in 2014.", **more):
    given = {"supported": True, "kind": "quote", "half": "test", "passages": [PASSAGE]}
    return {"id": f"r{number}", "sentence": sentence} | given | more


def write(path, *rows):
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows)
    path.write_text(text, encoding="utf-8")
    return path


def evaluate(rows, **more):
    settings = load_settings({"embedder": "hashed:64"}).settings
    return evaluate_grounding(Chosen("labs", rows, **more), rows, settings, lambda *_: None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 is not a JSON object"),
        ({"id": "x"}, "line 2 has no passages"),
        (row(2, passages=[]), "line 2 has no passages"),
        (row(2, passages=["text"]), "line 2: a passage is not a JSON object"),
        (row(2, passages=[{"path": "a.md"}]), "line 2 has no 'text'"),
        (row(2, passages="text"), "line 2: 'passages' is not a list"),
        (row(2, supported="yes"), "line 2: 'supported' must be true or false"),
        (row(2, half="both"), "line 2: half must be tune or test, not 'both'"),
        (row(2, sentence=None), "line 2 has no 'sentence'"),
        (row(1), "line 2: the id 'r1' appears twice"),
    ],
)
def test_an_odd_line_is_named_with_its_number(tmp_path, line, said):
    path = write(tmp_path / "rows.jsonl", row(1), line)
    with pytest.raises(UsageError, match=said):
        read_grounding(path)


def test_a_file_without_sentences_is_no_file_to_measure_on(tmp_path):
    with pytest.raises(UsageError, match="there are no sentences in"):
        read_grounding(write(tmp_path / "rows.jsonl", ""))


def test_kind_half_path_and_heading_may_be_left_out(tmp_path):
    given = {"id": 1, "sentence": "s", "passages": [{"text": "t"}], "supported": False}
    (read,) = read_grounding(write(tmp_path / "rows.jsonl", given))
    assert (read.id, read.kind, read.half, read.paths, read.supported) == (
        "1",
        "",
        "",
        ("",),
        False,
    )
    assert list(read.cited) == [1]


def test_flags_are_counted_by_label_and_kind(tmp_path):
    wrong = {"supported": False, "kind": "date"}
    rows = read_grounding(
        write(
            tmp_path / "rows.jsonl",
            row(1),
            row(2, "Google bought DeepMind in 2011.", **wrong),
            row(3, "In 1999 Google bought DeepMind.", **wrong),
            row(4, "Google bought DeepMind in 2014.", **wrong),
        )
    )
    document = evaluate(rows, half="test")
    assert (document["half"], document["sentences"]) == ("test", 4)
    assert document["flagged"]["supported"]["flagged"] == 0
    assert document["flagged"]["unsupported"]["flagged"] == 2
    assert document["flagged"]["unsupported"]["share"] == pytest.approx(2 / 3)
    low, high = document["flagged"]["unsupported"]["interval"]
    assert 0 <= low <= 2 / 3 <= high <= 1
    kinds = [(found["kind"], found["supported"], found["flagged"]) for found in document["kinds"]]
    assert kinds == [("date", False, 2), ("quote", True, 0)]
    assert document["auroc"] == pytest.approx(5 / 6)
    judged = document["rows"][1]
    assert judged["against"] == ["the date 2011"]
    assert judged["evidence"] == {"1": [PASSAGE["text"]]}


def test_without_both_labels_there_is_no_auroc(tmp_path):
    document = evaluate(read_grounding(write(tmp_path / "rows.jsonl", row(1))))
    assert "auroc" not in document
    assert document["flagged"]["unsupported"] == {"sentences": 0, "flagged": 0}


def test_a_word_of_few_passages_is_rarer_than_one_of_many(tmp_path):
    other = PASSAGE | {"text": "Meta opened FAIR in 2013."}
    rows = read_grounding(write(tmp_path / "rows.jsonl", row(1), row(2, passages=[other])))
    found = idf_of(rows)(["fair", "lab", "unheard"])
    assert found["unheard"] > found["fair"] > found["lab"] > 0
