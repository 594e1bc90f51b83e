"""A chat in which an LLM writes: what it is sent and when, and what is kept of an answer."""

import json

import pytest
from support import write_notes
from terminals import Terminal

NOTES = {
    "cats.md": "# Cats\n\nCats sleep for sixteen hours a day.\n\n## Food\n\nA cat eats mice.\n",
    "dogs.md": "# Dogs\n\nDogs bark at the postman.\n",
}
SLEEP = "how long do cats sleep?"
EAT = "and what do they eat?"
BARK = "what do dogs bark at?"
ROSES = "quidditch zygote quorum?"


@pytest.fixture
def places(tmp_path, quick):
    found = [
        "--corpus",
        write_notes(tmp_path / "notes", NOTES),
        "--index",
        tmp_path / "index",
    ]
    quick("index", *found)
    return found


@pytest.fixture
def server(stub):
    stub.requests.clear()
    stub.client_left.clear()
    return stub


@pytest.fixture
def chat(quick, places, server):
    """A chat by a pipe with the LLM of the stub server in a mode."""

    def say(mode, *lines, args=()):
        env = server.environment("openai", mode) | {"OPENAI_API_KEY": "k"}
        text = "".join(f"{line}\n" for line in lines)
        return quick("chat", *places, "--llm", "openai:gpt", *args, input=text.encode(), env=env)

    return say


def test_x(chat, server):
    for lines in ([SLEEP, EAT], [SLEEP, BARK], [ROSES, EAT], [SLEEP, ROSES, "why?"]):
        server.requests.clear()
        run = chat("404", *lines)
        print(lines, run.code, len(server.requests), run.out, run.err)
        print([r[2]["messages"][-1]["content"][:100] for r in server.requests])
    assert 0
