"""What every LLM backend must do, run over each one in the table."""

import json

import pytest
from llms.stub import KINDS, SAYS

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import LLMS, Prompt, llm_for

INSTRUCTIONS = "Answer in one sentence."


def said(llm, message, *, max_tokens=50):
    return "".join(llm.stream(Prompt(INSTRUCTIONS, message), max_tokens=max_tokens))


def scripted(folder):
    script = folder / "script.jsonl"
    script.write_text(json.dumps({"when": "France", "say": SAYS}) + "\n")
    return script


@pytest.fixture(params=sorted(LLMS))
def llm(request, tmp_path, stub, monkeypatch):
    """Each backend, made ready to say where the capital of France is, and at most 100,000 tokens.

    Those that can be told so say nothing to anything else.
    """
    if request.param in KINDS:
        for name, value in stub.environment(request.param, "ok").items():
            monkeypatch.setenv(name, value)
        return llm_for(f"{request.param}:tiny")
    return llm_for(f"scripted:{scripted(tmp_path)}")


def test_the_pieces_add_up_to_the_completion(llm):
    assert said(llm, "The capital of France?") == SAYS


def test_it_says_where_data_goes_before_anything_is_sent(llm):
    assert llm.destination.backend.partition(":")[0] in LLMS
    assert llm.destination.is_local


def test_a_failure_is_a_backend_error(llm):
    with pytest.raises(BackendFailed):
        said(llm, "something else", max_tokens=100_001)


def test_it_can_be_ended_after_the_first_piece(llm):
    pieces = llm.stream(Prompt(INSTRUCTIONS, "The capital of France?"), max_tokens=50)
    assert next(pieces).startswith("The")
    pieces.close()
    assert list(pieces) == []


def test_a_script_that_is_not_there_is_told_in_the_words_of_the_system():
    with pytest.raises(UsageError) as caught:
        llm_for("scripted:/nonexistent")
    assert (
        caught.value.message == "cannot read replies from '/nonexistent': No such file or directory"
    )
    assert "when" not in caught.value.hint
    assert "scripted:FILE" in caught.value.hint


def test_a_broken_script_is_a_usage_error_that_shows_the_form(tmp_path):
    script = tmp_path / "script.jsonl"
    script.write_text("{}\n")
    with pytest.raises(UsageError) as caught:
        llm_for(f"scripted:{script}")
    assert "when" in caught.value.hint
