"""`ragqa llm`, and what `doctor` and `status` say of LLMs: where data would go, before it goes."""

import importlib.util
import io
import json
import os
import sys

import pytest
from support import QUICK, Run, write_notes
from terminals import Terminal

from ragqa.cli import run as run_here
from ragqa.consent import consent_file
from ragqa.diagnosis.llm import PROMPT
from ragqa.llms.secrets import key_file

MARKER = "sk-marker-0123456789"
GOOD = "The bridge of Aldmoor was built in 1871 [1]."
PARROT = """
from pathlib import Path
from ragqa.llms import Destination

class Parrot:
    destination = Destination("parrot:grey", "parrot.example:8443", "proxy.example:3128")

    def stream(self, prompt, *, max_tokens):
        Path(HEARD).write_text(prompt.message)
        yield "The bridge was built "
        yield "in 1871 [1]."

def make(model):
    return Parrot()
"""


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
def parrot(tmp_path, monkeypatch):
    """Somebody else's package with a backend that claims to be elsewhere; gives what it heard."""
    heard = tmp_path / "heard.txt"
    write_notes(
        tmp_path / "site",
        {
            "parrot_llm.py": f"HEARD = {str(heard)!r}\n{PARROT}",
            "parrot_llm-1.dist-info/METADATA": "Name: parrot-llm\nVersion: 1\n",
            "parrot_llm-1.dist-info/entry_points.txt": "[ragqa.llms]\nparrot = parrot_llm:make\n",
        },
    )
    path = os.pathsep.join(filter(None, (str(tmp_path / "site"), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield heard
    sys.modules.pop("parrot_llm", None)


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


def test_list_says_which_kinds_can_be_used_and_what_mends_the_others(cli):
    found = kinds(cli("llm", "list", "--json"))
    assert found["ollama"]["usable"] is True
    assert found["ollama"]["local"] is True
    assert found["openai"]["usable"] is False
    assert "api.openai.com" in found["openai"]["problem"]
    assert "OPENAI_API_KEY" in found["openai"]["fix"]
    out = cli("llm", "list").out
    for form in ("openai:MODEL", "ollama:MODEL", "anthropic:MODEL", "scripted:FILE"):
        assert f"\n{form}\n" in out
    assert out.startswith("set         none: nothing leaves this machine\n")


def test_list_names_the_library_that_is_missing_with_its_install_line(cli, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "httpx2" else find(name)
    )
    run = cli("llm", "list", "--json")
    assert run.code == 0
    assert kinds(run)["ollama"]["fix"] == 'pip install "ragqa[ollama]"'


def test_list_shows_what_is_set_and_by_what_and_the_hosts_that_were_allowed(cli, parrot):
    cli("llm", "allow", "parrot.example:8443")
    cli("config", "set", "llm", "parrot:grey")
    chosen = cli("llm", "list", "--json").document
    assert chosen["allowed"] == ["parrot.example:8443"]
    assert chosen["set"] == {
        "llm": "parrot:grey",
        "origin": "your own settings",
        "local": False,
        "host": "parrot.example:8443",
        "proxy": "proxy.example:3128",
        "allowed": True,
        "problem": None,
        "fix": None,
    }
    by_environment = cli("llm", "list", "--json", env={"RAGQA_LLM": "openai:x"}).document["set"]
    assert by_environment["origin"] == "RAGQA_LLM in the environment"
    assert "OPENAI_API_KEY" in by_environment["fix"]
    assert not parrot.exists()


# ragqa llm check


def test_check_needs_neither_notes_nor_an_index_and_reports_what_came(
    cli, script, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = cli("llm", "check", script(GOOD), "--json")
    assert run.code == 0, run.err
    document = run.document
    assert document["said"] == GOOD
    assert document["streams"] is True
    assert document["pieces"] > 1
    assert document["cites"] is True
    assert document["local"] is True
    assert 0 <= document["first_ms"] <= document["total_ms"]
    text = cli("llm", "check", script(GOOD)).out
    assert f"said        {GOOD}\n" in text
    assert "cites       yes\n" in text


@pytest.mark.parametrize("said", ["In 1871.", "In 1871 [2].", "In 1871 [1][2]."])
def test_check_tells_that_a_model_does_not_cite_as_asked(cli, script, said):
    assert cli("llm", "check", script(said), "--json").document["cites"] is False
    assert "cites       no" in cli("llm", "check", script(said)).out


def test_check_shows_what_was_said_on_one_line_without_control_characters(cli, script):
    said = "\x1b[31mred\x1b]8;;https://evil.example\x1b\\ \u202e\n\n" + "word " * 300
    out = cli("llm", "check", script(said)).out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 6
    assert max(map(len, out.splitlines())) < 500


def test_check_without_a_name_tries_the_one_that_is_set(cli, script):
    assert cli("llm", "check", env={"RAGQA_LLM": script(GOOD)}).code == 0
    for none in ({}, {"RAGQA_LLM": "none"}):
        run = cli("llm", "check", env=none)
        assert run.code == 2
        assert "ragqa llm list" in run.err


@pytest.mark.parametrize("mode", ["404", "malformed"])
def test_a_check_that_fails_is_a_document_too_and_says_what_to_look_at(cli, script, server, mode):
    run = cli("llm", "check", "ollama:tiny", "--json", env=server.environment("ollama", mode))
    assert run.code == 5
    document = run.document
    good = cli("llm", "check", script(GOOD), "--json").document
    assert document.keys() == good.keys()
    assert good["problem"] is good["fix"] is None
    assert (document["backend"], document["local"]) == ("ollama:tiny", True)
    assert document["said"] is document["first_ms"] is None
    error, hint = run.err.splitlines()
    assert error == f"error: {document['problem']}"
    assert hint == f"try: {document['fix']}"
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


# A kind that is gone: it ran a model in ragqa's own process


GONE = (
    "error: the LLM backend transformers:FOLDER is gone; "
    "transformers serve and openai:FOLDER replace it\n"
    "try: transformers serve, then set OPENAI_BASE_URL to http://127.0.0.1:8000/v1 "
    "and the LLM to openai:/m\n"
)


def test_whoever_names_transformers_is_told_what_does_the_same(cli, places):
    ask, env = ["ask", "what do cats do?", *places], {"RAGQA_LLM": "transformers:/m"}
    for run in (cli(*ask, env=env), cli("config", "set", "llm", "transformers:/m")):
        assert (run.code, run.out, run.err) == (2, "", GONE)
    assert cli(*ask, "--llm", "none", env=env).code == 0
    assert cli("status", *places, env=env).code == 0
    found = cli("doctor", "--json", *places, env=env)
    assert found.code == 0
    assert finding(found)["severity"] == "warning"
    assert finding(found)["fix"].endswith("openai:/m")


@pytest.mark.parametrize(
    ("folder", "served"),
    [("~/m", "{}/m"), ("./m", "./m"), ("~no-such-user/m", "~no-such-user/m"), ("", "FOLDER")],
)
def test_what_does_the_same_names_the_folder_as_far_as_it_is_known(
    cli, monkeypatch, tmp_path, folder, served
):
    monkeypatch.setenv("HOME", str(tmp_path))
    run = cli("llm", "check", f"transformers:{folder}")
    assert run.err.splitlines()[1].endswith(f"the LLM to openai:{served.format(tmp_path)}")


# Consent


def test_nothing_is_sent_elsewhere_before_the_user_allowed_it(cli, parrot, places):
    for args in (
        ["llm", "check", "parrot:grey"],
        ["ask", "what do cats do?", "--llm", "parrot:grey", *places],
        ["ask", "what do cats do?", "--llm", "parrot:grey", "--json", "--force", *places],
    ):
        run = cli(*args)
        assert run.code == 2
        assert run.out == ""
        message, hint = run.err.splitlines()
        assert "parrot.example:8443, through the proxy proxy.example:3128" in message
        assert message.endswith("nothing was sent")
        assert hint == ("try: ragqa llm allow parrot.example:8443, or add --yes to this command")
    assert not parrot.exists()
    assert not consent_file().exists()


def test_yes_allows_a_host_until_it_is_forgotten(cli, parrot):
    assert cli("llm", "check", "parrot:grey", "--yes").code == 0
    assert parrot.read_text() == PROMPT.message
    assert cli("llm", "check", "parrot:grey").code == 0
    assert "no longer allowed" in cli("llm", "forget", "parrot.example:8443").err
    assert cli("llm", "check", "parrot:grey").code == 2


def test_allow_is_for_one_host_and_port(cli, parrot):
    cli("llm", "allow", "parrot.example")
    assert cli("llm", "check", "parrot:grey").code == 2
    cli("llm", "allow", "PARROT.example:8443")
    assert cli("llm", "check", "parrot:grey").code == 0


def test_a_no_at_the_terminal_leaves_the_notes_own_words(cli, parrot, places, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    run = cli("ask", "what do cats do?", "--llm", "parrot:grey", *places)
    assert run.code == 0
    assert "Cats sleep most of the day. [1]" in run.out
    not_asked = "was not asked, since you did not allow sending to parrot.example:8443"
    assert not_asked in " ".join(run.err.split())
    assert not parrot.exists()


def test_a_chat_without_a_terminal_ends_where_something_would_be_sent(quick, parrot, places):
    lines = b"how do I prune roses?\nwhat do cats do?\nwhat do cats do?\n"
    run = quick("chat", "--llm", "parrot:grey", *places, input=lines)
    assert run.code == 2
    assert run.out.count("do not seem to answer") == 1
    assert run.err.count("nothing was sent") == 1
    assert not parrot.exists()


@pytest.mark.parametrize("typed", ["y", "n"])
def test_a_chat_asks_once_and_says_what_goes_along(parrot, places, typed):
    chat = Terminal([*places, "--llm", "parrot:grey"])
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
    assert parrot.exists() == (typed == "y")


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


def test_doctor_and_status_send_nothing(cli, places, server):
    env = server.environment("openai", "ok") | {"RAGQA_LLM": "openai:tiny"}
    assert finding(cli("doctor", "--json", *places, env=env))["severity"] == "ok"
    assert cli("status", "--json", *places, env=env).document["llm"]["local"] is True
    assert cli("llm", "list", env=env).code == 0
    assert server.requests == []


def test_doctor_says_where_data_would_go_and_whether_that_was_allowed(cli, places, parrot):
    cli("config", "set", "llm", "parrot:grey")
    before = finding(cli("doctor", "--json", *places))
    assert before["severity"] == "warning"
    assert before["fix"] == "ragqa llm allow parrot.example:8443"
    assert "parrot.example:8443, through the proxy proxy.example:3128" in before["what"]
    assert "your own settings" in before["what"]
    assert "(not allowed yet)" in cli("status", *places).out
    cli("llm", "allow", "parrot.example:8443")
    after = finding(cli("doctor", "--json", *places))
    assert after["severity"] == "ok"
    assert "which you allowed" in after["what"]
    assert cli("status", "--json", *places).document["llm"]["allowed"] is True
    assert not parrot.exists()


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


@pytest.mark.parametrize("llm", ["", "openai:gpt"])
def test_a_key_file_that_others_can_read_is_one_finding(cli, places, llm):
    key_file("openai").parent.mkdir(parents=True)
    key_file("openai").write_text(MARKER)
    key_file("openai").chmod(0o644)
    run = cli("doctor", "--json", *places, env={"RAGQA_LLM": llm})
    assert run.code == 0
    (found,) = (one for one in run.document["findings"] if "key file" in one["what"])
    assert found["severity"] == "warning"
    assert found["fix"] == f"chmod 600 {key_file('openai')}"
    assert MARKER not in run.out


def test_a_damaged_file_of_consents_is_a_finding(cli, places):
    cli("llm", "allow", "api.example.org")
    consent_file().write_text("{")
    run = cli("doctor", *places)
    assert run.code == 0
    assert f"try: rm {consent_file()}" in run.out
    listed = cli("llm", "list", "--json")
    assert listed.document["allowed"] == []
    assert "cannot be read" in listed.err
