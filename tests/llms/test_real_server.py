"""The command line with a real server of language models on this machine.

The models are made here: they say what they are told to, one of them without end.
"""

import signal

import pytest
from llms.serving import RealServer
from llms.terminal import Terminal
from llms.tiny import make_saying
from support import QUICK, run_apart, write_notes

pytestmark = [pytest.mark.alone, pytest.mark.integration]

QUESTION = "What is the capital of France?"
NOTES = {"france.md": "# France\n\nThe capital of France is Paris. It lies on the Seine.\n"}
SAID = "The capital of France is Paris. [1]"
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
    def run(model, *options):
        args = ["ask", QUESTION, *places, "--llm", f"openai:{models[model]}", *options]
        return apart(*args, env=server.environment)

    return run


def test_a_grounded_answer_comes_from_the_server(ask, models):
    asked = ask("saying", "--json")
    assert asked.code == 0, asked.err
    assert asked.document["answer"] == SAID
    assert asked.document["backend"] == f"openai:{models['saying']}"


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
