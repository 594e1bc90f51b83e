"""A chat in which an LLM writes: what it is sent and when, and what is kept of an answer."""

import pytest
from terminals import Terminal

NOTES = {
    "cats.md": "# Cats\n\nCats sleep for sixteen hours a day.\n\n## Food\n\nA cat eats mice.\n",
    "dogs.md": "# Dogs\n\nDogs bark at the postman.\n",
}
SLEEP = "cats sleep hours a day"
EAT = "and what mice do they eat?"
BARK = "what do dogs bark at?"


@pytest.fixture
def server(stub):
    """The stub server, which has not been asked anything yet."""
    stub.requests.clear()
    return stub


@pytest.fixture
def chat(quick, places, server):
    """A chat by a pipe with the LLM of the stub server in a mode."""

    def say(mode, *lines, args=()):
        text = "".join(f"{line}\n" for line in lines)
        return quick(
            *("chat", *places, "--llm", "openai:gpt", *args),
            input=text.encode(),
            env=server.environment("openai", mode),
        )

    return say


def sent(server):
    """What the server was sent, each as one text."""
    return [str(body["messages"]) for _, _, body in server.requests]


def test_a_follow_up_is_sent_once_as_the_rule_completed_it_and_nothing_said_before(chat, server):
    run = chat("404", SLEEP, EAT, BARK)
    _, second, third = sent(server)
    assert EAT not in third
    assert "Question: and what mice do they eat? (cats" in second
    assert SLEEP not in second + third
    assert run.err.count("error: ") == 3
    assert "A cat eats mice." in run.out
    assert "Asked as: and what mice do they eat? (cats" in run.out


def test_nothing_is_sent_where_the_notes_do_not_answer_nor_later(chat, server):
    run = chat("404", SLEEP, "who painted the Mona Lisa?", "and why did Leonardo?", BARK)
    assert run.err.count("was not asked") == 2
    assert "Asked as: " not in run.out
    requests = sent(server)
    assert len(requests) == 2
    assert not any("Mona" in one or "Leonardo" in one for one in requests)
    assert SLEEP not in requests[-1]


def test_why_says_that_it_is_not_about_what_an_llm_wrote(quick, places, tmp_path):
    script = tmp_path / "script.jsonl"
    script.write_text('{"when": "cats sleep", "say": "Cats sleep for sixteen hours a day [1]."}\n')
    lines = f"{SLEEP}\n/why cats.md\n".encode()
    run = quick("chat", *places, "--llm", f"scripted:{script}", input=lines)
    told = "This is about the answer in your notes' own words, which the LLM's answer replaced.\n"
    assert f"{told}cats.md: in the answer" in run.out
    assert "own words" not in quick("chat", *places, input=lines).out


def test_an_answer_that_was_stopped_is_known_in_the_notes_own_words(places, server, tmp_path):
    env = server.environment("openai", "waits_after_one_piece")
    chat = Terminal([*places, "--llm", "openai:gpt"], env)
    chat.until(">")
    for question in (SLEEP, EAT):
        chat.type(f"{question}\r")
        chat.until("Waiting for the LLM")
        chat.type("\x03")
        chat.until("Stopped.")
    chat.type("/why cats.md\r")
    chat.until("cats.md: in the answer")
    saved = tmp_path / "chat.md"
    chat.type(f"/save {saved}\r")
    chat.until("ragqa verify")
    assert "```\nCats sleep for sixteen hours a day.\n```" in saved.read_text(encoding="utf-8")
    chat.type("/quit\r")
    assert chat.end() == 0
    chat.close()
