"""A misspelt word of a question, in each command that asks the notes."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support import write_notes

SCHEMAS = Path(__file__).parent.parent.parent / "docs" / "schema"
NOTES = {
    "memory.md": "# Memory\n\nIn a model quantization makes the weights smaller.\n",
    "birds.md": "# Birds\n\nThe penguin is a bird that cannot fly.\n",
}
TYPED = "what does quantisaton do to weights?"
RIGHT = "what does quantization do to weights?"
TOLD = "Looked for quantization instead of quantisaton."
CORRECTED = [{"from": "quantisaton", "to": "quantization"}]


@pytest.fixture
def places(tmp_path):
    return ["--corpus", write_notes(tmp_path / "notes", NOTES), "--index", tmp_path / "index"]


@pytest.mark.parametrize("command", ["ask", "search"])
def test_one_line_says_what_was_looked_for_and_the_rest_is_as_if_it_had_been_typed_so(
    quick, places, command
):
    run, right = quick(command, TYPED, *places), quick(command, RIGHT, *places)
    assert run.code == right.code == 0
    assert run.out == f"{TOLD}\n{right.out}"
    assert "Looked for" not in right.out


@pytest.mark.parametrize(("command", "key"), [("ask", "question"), ("search", "query")])
def test_the_json_document_has_the_words_and_the_question_as_it_was_typed(
    quick, places, command, key
):
    document = quick(command, TYPED, "--json", *places).document
    schema = json.loads((SCHEMAS / f"{command}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(document)
    assert (document[key], document["corrected"]) == (TYPED, CORRECTED)
    assert quick(command, RIGHT, "--json", *places).document["corrected"] == []


def test_a_saved_answer_tells_it_and_can_be_verified(quick, places, tmp_path):
    saved = tmp_path / "answer.md"
    saved.write_text(quick("ask", TYPED, "--format", "markdown", *places).out, encoding="utf-8")
    assert f"# {TYPED}\n\n{TOLD}\n" in saved.read_text("utf-8")
    assert quick("verify", saved, *places[:2]).code == 0


def test_why_asks_the_same_question(quick, places):
    why = ["why", TYPED, "--target", "memory.md", *places]
    assert quick(*why).out.startswith(f"{TOLD}\n")
    document = quick(*why, "--json").document
    assert document["corrected"] == CORRECTED
    assert document["stage"] == "said"


def test_a_follow_up_in_a_chat_leans_on_the_question_as_it_was_read(quick, places):
    run = quick("chat", *places, input=f"{TYPED}\nand why?\n".encode())
    assert run.out.startswith(f"> {TYPED}\n{TOLD}\n")
    asked_as = next(line for line in run.out.splitlines() if line.startswith("Asked as: "))
    assert "quantization" in asked_as
