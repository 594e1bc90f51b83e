"""`ragqa llm`, and what `doctor` and `status` say of LLMs: where data would go, before it goes."""

import io
import json
import sys

import pytest
from terminals import Terminal

from ragqa.cli import run as run_here
from ragqa.diagnosis import PROMPT
from ragqa.state.consent import consent_file

GOOD = "The bridge of Aldmoor was built in 1871 [1]."
ELSEWHERE = {
    "RAGQA_LLM_URL": "https://llm.example:8443/v1",
    "OPENAI_API_KEY": "sk-none",
    "HTTPS_PROXY": "http://proxy.example:3128",
}


NOTES = {"cats.md": "# Cats\n\nCats sleep most of the day.\n"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Settings, consent and keys of its own, and no server's address from outside."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for kind in ("OPENAI", "ANTHROPIC", "OLLAMA"):
        for name in ("API_KEY", "BASE_URL", "HOST"):
            monkeypatch.delenv(f"{kind}_{name}", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(stub):
    """The stub server, which has not been asked anything yet."""
    stub.requests.clear()
    return stub


@pytest.fixture
def elsewhere(monkeypatch):
    """A server that is elsewhere; gives what it was sent."""
    heard = []

    class Reply:
        def __init__(self, llm, body):
            if not llm.server.is_loopback:
                heard.append("models" if body is None else body["messages"][1]["content"])
            self._pieces = iter(["The bridge was built ", "in 1871 [1]."])

        def __iter__(self):
            return self._pieces

    monkeypatch.setattr("ragqa.llms.http.Reply", Reply)
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    return heard


def kinds(run):
    return {kind["kind"]: kind for kind in run.document["kinds"]}


@pytest.mark.parametrize(
    ("mode", "models", "says"),
    [
        ("ok", ["tiny", "odd\x1b[31m"], "its server answers; its models: tiny, odd\\x1b[31m\n"),
        ("no_models", [], "its server answers; its models: none yet\n"),
        ("401", [], "does not answer: the ollama server 127.0.0.1:PORT answered 401"),
        ("no_headers", [], "does not answer: ollama's server did not finish in time"),
    ],
)
def test_list_says_whether_a_server_answers_and_which_models_it_has(
    quick, server, monkeypatch, mode, models, says
):
    if mode == "no_headers":
        monkeypatch.setattr("ragqa.diagnosis._LISTING_S", 0.5)
    env = server.environment("ollama", mode)
    found = kinds(quick("llm", "list", "--json", env=env))["ollama"]
    assert found["answers"] is (mode in ("ok", "no_models"))
    assert found["models"] == models
    assert found["usable"] is found["answers"]
    assert says.replace("PORT", str(server.port)) in quick("llm", "list", env=env).out
    assert {path.partition("/v1")[2] for path, *_ in server.requests} == {"/models"}


def test_list_asks_no_server_elsewhere_before_it_was_allowed(quick, elsewhere):
    run = quick("llm", "list")
    assert "can be used; data goes to llm.example:8443, through the proxy" in run.out
    assert "was not asked for its models, since you have not allowed this host" in run.out
    assert kinds(quick("llm", "list", "--json"))["openai"]["models"] is None
    assert "models" not in elsewhere
    quick("llm", "allow", "llm.example:8443")
    assert kinds(quick("llm", "list", "--json"))["openai"]["answers"] is True
    assert "models" in elsewhere


def test_llm_url_is_a_setting_of_the_users_own_and_of_no_folder_of_notes(
    quick, server, places, tmp_path, monkeypatch
):
    url = server.environment("openai", "not_streamed")["OPENAI_BASE_URL"]
    assert quick("config", "set", "llm_url", url).code == 0
    run = quick("llm", "check", "openai:tiny", "--json")
    assert (run.document["said"], run.document["local"]) == ("The capital is Paris [1].", True)
    (tmp_path / "notes" / "ragqa.toml").write_text('llm_url = "https://evil.example/v1"\n')
    monkeypatch.chdir(tmp_path / "notes")
    refused = quick("llm", "check", "openai:tiny")
    assert refused.code == 2
    assert "may not set llm_url: a folder of notes must not decide that" in refused.err


def test_a_check_that_fails_says_what_to_look_at(quick, server):
    run = quick("llm", "check", "ollama:tiny", "--json", env=server.environment("ollama", "404"))
    assert (run.code, run.out) == (5, "")
    error, hint = run.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("try: ")
    assert "llm check" not in hint


def test_check_sends_its_own_prompt_and_no_more_and_tells_an_answer_that_is_not_streamed(
    quick, server
):
    env = server.environment("openai", "not_streamed")
    document = quick("llm", "check", "openai:tiny", "--json", env=env).document
    assert (document["pieces"], document["streams"]) == (1, False)
    [(_, _, body)] = server.requests
    sent = json.dumps(body)
    for text in (PROMPT.instructions, PROMPT.message):
        assert json.dumps(text)[1:-1] in sent


def test_yes_allows_a_host_until_it_is_forgotten(quick, elsewhere):
    assert quick("llm", "check", "openai:gpt", "--yes").code == 0
    assert elsewhere == [PROMPT.message]
    assert quick("llm", "check", "openai:gpt").code == 0
    assert "no longer allowed" in quick("llm", "forget", "llm.example:8443").err
    assert quick("llm", "check", "openai:gpt").code == 2


def test_a_no_at_the_terminal_leaves_the_notes_own_words(elsewhere, places, monkeypatch, capsys):
    monkeypatch.setenv("RAGQA_EMBEDDER", "hashed:64")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    assert run_here(["ask", "what do cats do?", "--llm", "openai:gpt", *map(str, places)]) == 0
    printed = capsys.readouterr()
    assert "Cats sleep most of the day. [1]" in printed.out
    not_asked = "was not asked, since you did not allow sending to llm.example:8443"
    assert not_asked in " ".join(printed.err.split())
    assert elsewhere == []


def test_a_chat_asks_once_and_says_what_goes_along(places):
    env = ELSEWHERE | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    chat = Terminal([*places, "--llm", "openai:gpt"], env)
    try:
        chat.until(">")
        chat.type("how do I prune roses?\r")
        assert "[y/N]" not in chat.until("do not seem to answer")
        chat.type("what do cats do?\r")
        said = " ".join(chat.until("[y/N]").split())
        assert "what you ask and up to 5 passages of your notes" in said
        chat.type("n\r")
        chat.until("cats.md")
        chat.until(">")
        chat.type("do cats sleep?\r")
        assert "[y/N]" not in chat.until("cats.md")
        chat.type("/quit\r")
        assert chat.end() == 0
    finally:
        chat.close()
    assert not consent_file().exists()
