"""The command line with a real server of language models on this machine.

The models are made here: one says what it is told to, some without end, and one has random weights.
"""

import json
import os
import signal
import subprocess

import pytest
from llms.serving import RealServer
from llms.terminal import Terminal
from llms.tiny import make_babbling, make_saying
from support import QUICK, command, run_apart, write_notes

from ragqa.llms import Prompt, llm_for

pytestmark = [pytest.mark.alone, pytest.mark.integration]

QUESTION = "What is the capital of France?"
NOTES = {"france.md": "# France\n\nThe capital of France is Paris. It lies on the Seine.\n"}
SAID = "The capital of France is Paris. [1]"
OWN = "The capital of France is Paris. It lies on the Seine. [1]"
"""What the server says, and the answer in the notes' own words."""
PIECES = ("The capital of France", " is Paris", " [1].", " ")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Starts a server where none is running, and ends the last."""
    started = []

    def running():
        if not started or not started[-1].is_running:
            started.append(RealServer(tmp_path_factory.mktemp("server")))
        return started[-1]

    yield running
    for server in started:
        server.kill()


@pytest.fixture
def server(servers):
    return servers()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "saying": make_saying(folder / "saying", *PIECES),
        "endless": make_saying(folder / "endless", *PIECES, endless=True),
        "elsewhere": make_saying(folder / "elsewhere", "Bananas", " are blue."),
        "babbling": make_babbling(folder / "babbling"),
    }


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    notes = write_notes(folder, NOTES)
    found = ["--corpus", str(notes), "--index", str(folder / "index")]
    built = run_apart("index", *found, env=QUICK)
    assert built.code == 0, built.err
    return found


@pytest.fixture
def ask(apart, server, models, places):
    def run(model, *options, **settings):
        args = ["ask", QUESTION, *places, "--llm", f"openai:{models[model]}", *options]
        return apart(*args, env=server.environment | settings)

    return run


def test_a_grounded_answer_comes_from_the_server(ask, models):
    asked = ask("saying", "--json")
    assert asked.code == 0, asked.err
    assert asked.document["answer"] == SAID
    assert asked.document["backend"] == f"openai:{models['saying']}"


def test_it_arrives_in_pieces(server, models, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    llm = llm_for(f"openai:{models['babbling']}")
    pieces = llm.stream(Prompt("Answer.", QUESTION), max_tokens=20_000)
    assert all(next(pieces).strip().isalpha() for _ in range(20))
    pieces.close()


def test_on_a_pipe_it_is_printed_once(ask):
    asked = ask("saying")
    assert asked.code == 0, asked.err
    assert asked.out.count(SAID) == 1


def test_where_nothing_is_cited_the_notes_own_sentence_is_the_answer(ask):
    asked = ask("elsewhere", "--json")
    assert asked.code == 1
    assert asked.document["answer"] == OWN
    assert asked.document["backend"] == "extractive"
    assert asked.document["warnings"]


def test_random_weights_babble_up_to_the_limit_and_the_notes_answer(ask):
    asked = ask("babbling", RAGQA_LLM_ANSWER_TOKENS="50")
    assert asked.code == 5
    assert OWN in asked.out
    assert "token limit" in asked.err
    assert "llm_answer_tokens" in asked.err


@pytest.fixture
def writing(server, models, places):
    """A command that is printing an answer without end: a sentence of it can be seen."""
    with Terminal(
        *("ask", QUESTION, *places, "--llm", f"openai:{models['endless']}"),
        env=server.environment | {"RAGQA_LLM_ANSWER_TOKENS": "20000"},
    ) as terminal:
        terminal.read_until(SAID)
        assert terminal.process.poll() is None
        yield terminal


def test_ctrl_c_ends_the_answer_in_one_line(writing, ask):
    writing.process.send_signal(signal.SIGINT)
    _, err = writing.finish()
    assert writing.process.returncode == 130
    assert err.splitlines() == ["Interrupted; nothing half-written is left."]
    assert ask("saying").code == 0


def test_a_server_killed_midway_costs_one_line_and_not_the_answer(writing, server):
    server.kill()
    out, err = writing.finish()
    assert writing.process.returncode == 5
    error, hint = err.splitlines()
    assert error.startswith("error: the openai server 127.0.0.1:")
    assert "broke off" in error
    assert hint.startswith("try: ")
    answer = out.rpartition(SAID)[2]
    assert "france.md:3" in answer
    assert "Written by" not in answer


def test_a_server_killed_midway_does_not_cost_the_document(server, models, places):
    before = server.requests
    with subprocess.Popen(
        [command(), "ask", QUESTION, *places, "--json", "--llm", f"openai:{models['endless']}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | QUICK | server.environment,
    ) as asking:
        server.await_more(before)
        server.kill()
        document = json.load(asking.stdout)
    assert asking.returncode == 5
    assert document["backend"] == "extractive"
    assert document["answer"] == OWN
    assert any("broke off" in warning for warning in document["warnings"])
