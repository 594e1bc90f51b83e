"""How well follow-up questions are understood."""

import json

import pytest
from support import QUICK, run_ragqa, write_notes

from ragqa.api import open_index
from ragqa.errors import UsageError
from ragqa.evaluation.follow_ups import evaluate_follow_ups, read_follow_ups
from ragqa.evaluation.questions import Chosen

NOTES = {
    "cats.md": "# Cats\n\nCats sleep all day.\n\n## Food\n\nThey eat mice.\n",
    "dogs.md": "# Dogs\n\nDogs bark at night.\n\n## Food\n\nThey eat bones.\n",
}
ROW = {
    "id": "f1",
    "turns": ["why do cats sleep?"],
    "question": "and what do they eat?",
    "alone": "what do cats eat?",
    "kind": "pronoun",
    "half": "test",
    "gold": [{"path": "cats.md", "quote": "They eat mice."}],
}
SHIFT = ROW | {
    "id": "f2",
    "question": "when do dogs bark?",
    "alone": "when do dogs bark?",
    "kind": "shift",
    "gold": [{"path": "dogs.md", "quote": "bark at night"}],
}


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return write_notes(folder, NOTES)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "follow-ups.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in (ROW, SHIFT)), encoding="utf-8")
    return path


def evaluate(notes, file, **kwargs):
    settings = {"embedder": "hashed:64"}
    with open_index(notes, index=notes.parent / "index", settings=settings) as index:
        chosen = Chosen("set", read_follow_ups(file), **kwargs)
        return evaluate_follow_ups(index, chosen, lambda *_: None)


def test_each_follow_up_is_asked_in_three_ways(notes, file):
    document = evaluate(notes, file)
    first, second = document["questions"]
    assert first["asked"] == ROW["question"]
    assert first["rule"].startswith(f"{ROW['question']} (cats")
    assert first["hand"] == ROW["alone"]
    assert second["rule"] == second["asked"]
    assert set(first["recall@5"]) == {"asked", "rule", "hand"}
    assert document["groups"]["leaning"]["follow_ups"] == 1
    assert document["groups"]["shift"]["gain"] == 0
    assert document["warnings"] == []


def test_a_quote_that_is_not_in_its_note_counts_as_not_found_and_is_told(notes, tmp_path):
    path = tmp_path / "gone.jsonl"
    gold = [{"path": "cats.md", "quote": "They eat birds."}]
    path.write_text(json.dumps(ROW | {"gold": gold}), encoding="utf-8")
    document = evaluate(notes, path)
    assert document["groups"]["all"]["hand"] == 0
    assert any("f1" in warning for warning in document["warnings"])


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        json.dumps(ROW | {"gold": []}),
        json.dumps(ROW | {"turns": []}),
        json.dumps(ROW | {"alone": ""}),
        json.dumps(ROW | {"half": "third"}),
        json.dumps({key: value for key, value in ROW.items() if key != "alone"}),
        f"{json.dumps(ROW)}\n{json.dumps(ROW)}",
        "",
    ],
)
def test_a_line_that_is_no_follow_up_is_told(tmp_path, line):
    path = tmp_path / "bad.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.jsonl"):
        read_follow_ups(path)


def test_kind_and_half_may_be_left_out(tmp_path):
    path = tmp_path / "short.jsonl"
    path.write_text(json.dumps({k: v for k, v in ROW.items() if k not in ("kind", "half")}))
    [dialog] = read_follow_ups(path)
    assert (dialog.kind, dialog.half) == ("", "")


def test_the_command_prints_a_table_or_a_document(notes, file):
    args = ["eval", "--follow-ups", file, "--corpus", notes, "--index", notes.parent / "index"]
    table = run_ragqa(*args, env=QUICK)
    assert table.code == 0, table.err
    assert "by the rule" in table.out
    assert "all but shift" in table.out
    document = run_ragqa(*args, "--limit", "1", "--json", env=QUICK).document
    assert document["partial"] is True
    assert document["half"] == "test"
    assert run_ragqa(*args, "--half", "tune", env=QUICK).code == 2
    assert run_ragqa(*args, "--half", "third", env=QUICK).code == 2
    assert run_ragqa(*args, "--failures", env=QUICK).code == 2
