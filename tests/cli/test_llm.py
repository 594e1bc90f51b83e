"""`ragqa llm`, and what `doctor` and `status` say of LLMs: where data would go, before it goes."""

import io
import json
import sys

import pytest
from support import QUICK, Run, write_notes
from terminals import Terminal

from ragqa.cli import run as run_here
from ragqa.consent import consent_file
from ragqa.diagnosis import PROMPT

GOOD = "The bridge of Aldmoor was built in 1871 [1]."
ELSEWHERE = {
    "RAGQA_LLM_URL": "https://llm.example:8443/v1",
    "OPENAI_API_KEY": "sk-none",
    "HTTPS_PROXY": "http://proxy.example:3128",
}


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
def cli(capsys, monkeypatch):
    """The command line in this process, since there are many commands."""

    def run(*args, env=None):
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name, value in (QUICK | (env or {})).items():
                patch.setenv(name, value)
            code = run_here([*map(str, args)])
        return Run(code, *capsys.readouterr())

    return run


@pytest.fixture
def server(stub):
    """The stub server, which has not been asked anything yet."""
    stub.requests.clear()
    return stub


@pytest.fixture
def script(tmp_path):
    """A backend that says something to the prompt of `ragqa llm check`."""

    def says(text):
        path = tmp_path / "script.jsonl"
        path.write_text(json.dumps({"when": "Aldmoor", "say": text}))
        return f"scripted:{path}"

    return says


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


@pytest.fixture
def places(tmp_path, cli):
    """Notes and an index of them."""
    notes = write_notes(tmp_path / "notes", {"cats.md": "# Cats\n\nCats sleep most of the day.\n"})
    found = ["--corpus", notes, "--index", tmp_path / "index"]
    assert cli("index", *found).code == 0
    return found


def kinds(run):
    return {kind["kind"]: kind for kind in run.document["kinds"]}


# ragqa llm list


def test_list_says_which_kinds_can_be_used_and_what_mends_the_others(cli, server):
    found = kinds(cli("llm", "list", "--json", env=server.environment("ollama", "ok")))
    assert (found["ollama"]["usable"], found["ollama"]["local"]) == (True, True)
    assert (found["openai"]["usable"], found["openai"]["answers"]) == (False, None)
    assert "api.openai.com" in found["openai"]["problem"]
    assert "OPENAI_API_KEY" in found["openai"]["fix"]
    out = cli("llm", "list").out
    for form in ("openai:MODEL", "ollama:MODEL", "anthropic:MODEL", "scripted:FILE"):
        assert f"\n{form}\n" in out
    assert out.startswith("set         none: nothing leaves this machine\n")


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
    cli, server, monkeypatch, mode, models, says
):
    if mode == "no_headers":
        monkeypatch.setattr("ragqa.diagnosis._LISTING_S", 0.5)
    env = server.environment("ollama", mode)
    found = kinds(cli("llm", "list", "--json", env=env))["ollama"]
    assert found["answers"] is (mode in ("ok", "no_models"))
    assert found["models"] == models
    assert found["usable"] is found["answers"]
    assert says.replace("PORT", str(server.port)) in cli("llm", "list", env=env).out
    assert {path.partition("/v1")[2] for path, *_ in server.requests} == {"/models"}


def test_list_asks_no_server_elsewhere_before_it_was_allowed(cli, elsewhere):
    run = cli("llm", "list")
    assert "can be used; data goes to llm.example:8443, through the proxy" in run.out
    assert "was not asked for its models, since you have not allowed this host" in run.out
    assert kinds(cli("llm", "list", "--json"))["openai"]["models"] is None
    assert "models" not in elsewhere
    cli("llm", "allow", "llm.example:8443")
    assert kinds(cli("llm", "list", "--json"))["openai"]["answers"] is True
    assert "models" in elsewhere


def test_list_shows_what_is_set_and_by_what_and_the_hosts_that_were_allowed(cli, elsewhere):
    cli("llm", "allow", "llm.example:8443")
    cli("config", "set", "llm", "openai:gpt")
    chosen = cli("llm", "list", "--json").document
    assert chosen["allowed"] == ["llm.example:8443"]
    assert chosen["set"] == {
        "llm": "openai:gpt",
        "origin": "your own settings",
        "local": False,
        "host": "llm.example:8443",
        "proxy": "proxy.example:3128",
        "allowed": True,
        "problem": None,
        "fix": None,
    }
    by_environment = cli("llm", "list", "--json", env={"RAGQA_LLM": "anthropic:x"}).document["set"]
    assert by_environment["origin"] == "RAGQA_LLM in the environment"
    assert "ANTHROPIC_API_KEY" in by_environment["fix"]


# llm_url


def test_llm_url_is_a_setting_of_the_users_own_and_of_no_folder_of_notes(
    cli, server, places, tmp_path, monkeypatch
):
    url = server.environment("openai", "not_streamed")["OPENAI_BASE_URL"]
    assert cli("config", "set", "llm_url", url).code == 0
    run = cli("llm", "check", "openai:tiny", "--json")
    assert (run.document["said"], run.document["local"]) == ("The capital is Paris [1].", True)
    (tmp_path / "notes" / "ragqa.toml").write_text('llm_url = "https://evil.example/v1"\n')
    monkeypatch.chdir(tmp_path / "notes")
    refused = cli("llm", "check", "openai:tiny")
    assert refused.code == 2
    assert "may not set llm_url: a folder of notes must not decide that" in refused.err


# ragqa llm check


@pytest.mark.parametrize("said", ["The bridge was built in 1781 [1].", "I do not know.", "Paris."])
def test_check_compares_the_answer_with_what_was_asked(cli, script, said):
    run = cli("llm", "check", script(said))
    assert run.code == 1
    assert "right       no: the passages say 1871\n" in run.out
    assert cli("llm", "check", script(said), "--json").document["right"] is False


def test_check_without_a_name_tries_the_one_that_is_set(cli, script):
    assert cli("llm", "check", env={"RAGQA_LLM": script(GOOD)}).code == 0
    for none in ({}, {"RAGQA_LLM": "none"}):
        run = cli("llm", "check", env=none)
        assert run.code == 2
        assert "ragqa llm list" in run.err


@pytest.mark.parametrize("mode", ["404", "malformed"])
def test_a_check_that_fails_says_what_to_look_at(cli, server, mode):
    run = cli("llm", "check", "ollama:tiny", "--json", env=server.environment("ollama", mode))
    assert (run.code, run.out) == (5, "")
    error, hint = run.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("try: ")
    assert "llm check" not in hint


def test_check_sends_its_own_prompt_and_no_more_and_tells_an_answer_that_is_not_streamed(
    cli, server
):
    env = server.environment("openai", "not_streamed")
    document = cli("llm", "check", "openai:tiny", "--json", env=env).document
    assert (document["pieces"], document["streams"]) == (1, False)
    [(_, _, body)] = server.requests
    sent = json.dumps(body)
    for text in (PROMPT.instructions, PROMPT.message):
        assert json.dumps(text)[1:-1] in sent


# Setting one


@pytest.mark.parametrize("llm", ["bogus", "oracle:delphi", "none:x"])
def test_a_kind_that_there_is_not_cannot_be_set(cli, llm):
    run = cli("config", "set", "llm", llm)
    assert run.code == 2
    assert run.err.splitlines()[1:] == ["try: ragqa llm list"]
    assert cli("llm", "list", "--json").document["set"]["llm"] in (None, "")


# Consent


def test_nothing_is_sent_elsewhere_before_the_user_allowed_it(cli, elsewhere, places):
    for args in (
        ["llm", "check", "openai:gpt"],
        ["ask", "what do cats do?", "--llm", "openai:gpt", *places],
        ["ask", "what do cats do?", "--llm", "openai:gpt", "--json", "--force", *places],
    ):
        run = cli(*args)
        assert run.code == 2
        assert run.out == ""
        message, hint = run.err.splitlines()
        assert "llm.example:8443, through the proxy proxy.example:3128" in message
        assert message.endswith("nothing was sent")
        assert hint == ("try: ragqa llm allow llm.example:8443, or add --yes to this command")
    assert elsewhere == []
    assert not consent_file().exists()


def test_yes_allows_a_host_until_it_is_forgotten(cli, elsewhere):
    assert cli("llm", "check", "openai:gpt", "--yes").code == 0
    assert elsewhere == [PROMPT.message]
    assert cli("llm", "check", "openai:gpt").code == 0
    assert "no longer allowed" in cli("llm", "forget", "llm.example:8443").err
    assert cli("llm", "check", "openai:gpt").code == 2


def test_allow_is_for_one_host_and_port(cli, elsewhere):
    cli("llm", "allow", "llm.example")
    assert cli("llm", "check", "openai:gpt").code == 2
    cli("llm", "allow", "LLM.example:8443")
    assert cli("llm", "check", "openai:gpt").code == 0


def test_a_no_at_the_terminal_leaves_the_notes_own_words(cli, elsewhere, places, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    run = cli("ask", "what do cats do?", "--llm", "openai:gpt", *places)
    assert run.code == 0
    assert "Cats sleep most of the day. [1]" in run.out
    not_asked = "was not asked, since you did not allow sending to llm.example:8443"
    assert not_asked in " ".join(run.err.split())
    assert elsewhere == []


@pytest.mark.parametrize("typed", ["y", "n"])
def test_a_chat_asks_once_and_says_what_goes_along(places, typed):
    env = ELSEWHERE | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    chat = Terminal([*places, "--llm", "openai:gpt"], env)
    try:
        chat.until(">")
        chat.type("how do I prune roses?\r")
        assert "[y/N]" not in chat.until("do not seem to answer")
        chat.type("what do cats do?\r")
        said = " ".join(chat.until("[y/N]").split())
        assert "what you ask and up to 5 passages of your notes" in said
        chat.type(f"{typed}\r")
        chat.until("cats.md")
        chat.until(">")
        chat.type("do cats sleep?\r")
        assert "[y/N]" not in chat.until("cats.md")
        chat.type("/quit\r")
        assert chat.end() == 0
    finally:
        chat.close()
    assert consent_file().exists() == (typed == "y")


# ragqa doctor and ragqa status


def finding(run):
    return next(
        one
        for one in run.document["findings"]
        if "LLM" in one["what"] and "key file" not in one["what"]
    )


def test_doctor_and_status_say_that_nothing_leaves_this_machine_where_no_llm_is_set(cli, places):
    for env in ({}, {"RAGQA_LLM": "none"}):
        run = cli("doctor", "--json", *places, env=env)
        assert run.code == 0
        assert finding(run) == {
            "severity": "ok",
            "what": "no LLM is set: answers are your notes' own words, nothing leaves this machine",
            "fix": "",
        }
        assert "\nLLM         none: nothing leaves this machine\n" in cli("status", *places).out


def test_doctor_says_where_data_would_go_and_whether_that_was_allowed(cli, places, elsewhere):
    cli("config", "set", "llm", "openai:gpt")
    before = finding(cli("doctor", "--json", *places))
    assert before["severity"] == "warning"
    assert before["fix"] == "ragqa llm allow llm.example:8443"
    assert "llm.example:8443, through the proxy proxy.example:3128" in before["what"]
    assert "your own settings" in before["what"]
    assert "(not allowed yet)" in cli("status", *places).out
    cli("llm", "allow", "llm.example:8443")
    after = finding(cli("doctor", "--json", *places))
    assert after["severity"] == "ok"
    assert "which you allowed" in after["what"]
    assert cli("status", "--json", *places).document["llm"]["allowed"] is True
    assert elsewhere == []


@pytest.mark.parametrize(
    ("llm", "fix"),
    [
        ("openai:gpt", "OPENAI_API_KEY"),
        ("oracle:delphi", "ragqa llm list"),
        ("openai:", "--llm openai:MODEL"),
        ("scripted:/nowhere", "scripted:FILE"),
    ],
)
def test_a_backend_that_cannot_be_used_is_a_finding_and_no_failure(cli, places, llm, fix):
    run = cli("doctor", "--json", *places, env={"RAGQA_LLM": llm})
    assert run.code == 0
    assert run.document["sound"] is True
    assert finding(run)["severity"] == "warning"
    assert fix in finding(run)["fix"]
    assert cli("status", *places, env={"RAGQA_LLM": llm}).code == 0
