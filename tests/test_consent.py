"""Consent: asked for once, remembered for one host, port and use, and before the first byte."""

import io
import os
import socket
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import write_notes
from terminals import Terminal, sit_at

from ragqa.cli import run as run_here
from ragqa.cli.opening import consented
from ragqa.errors import NotAllowed, UsageError
from ragqa.llms import Destination
from ragqa.user_data.consent import Use, allow, consent_file, consents, is_allowed

HOST, LINE = "api.example.org", "api.example.org as LLM"
NOTES = {"cats.md": "# Cats\n\nCats sleep most of the day.\n"}
REMOTE = Destination("openai:gpt", HOST)
WHAT = "the question and up to 5 passages of your notes"
ASKED = "what do cats do?"
ELSEWHERE = {
    "RAGQA_LLM": "openai:gpt",
    "RAGQA_LLM_URL": "https://llm.example:8443/v1",
    "OPENAI_API_KEY": "sk-none",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def places(tmp_path):
    return ["--corpus", write_notes(tmp_path / "notes", NOTES), "--index", tmp_path / "index"]


def test_what_is_allowed_is_a_line_until_the_line_is_deleted():
    assert consents() == ()
    assert allow("API.Example.org:443") == LINE
    allow("other.example.org:8443", Use.STORE)
    assert consents() == (LINE, "other.example.org:8443 as store")
    assert is_allowed("api.example.ORG:443")
    consent_file().write_text(consent_file().read_text().replace(f"{LINE}\n", ""))
    assert not is_allowed(HOST)
    assert is_allowed("other.example.org:8443", Use.STORE)


@pytest.mark.parametrize("other", [f"{HOST}:8443", "example.org", f"x.{HOST}", f"{HOST}.evil.com"])
def test_another_port_host_or_use_is_another_consent(other):
    allow(HOST)
    assert not is_allowed(other)
    assert not is_allowed(HOST, Use.STORE)


@pytest.mark.parametrize(
    "host", ["", "https://api.example.org/v1", "a\nb", "user@host", "*", "a b", "evil\x1b[2J.com"]
)
def test_what_is_no_host_cannot_be_allowed_even_with_yes(host):
    refused = (
        allow,
        is_allowed,
        lambda it: consented(Destination("x", it or " "), yes=True, what=WHAT),
    )
    for each in refused:
        with pytest.raises(UsageError, match="not the name of a host"):
            each(host)
    assert not consent_file().exists()


@given(content=st.binary(max_size=200))
def test_other_content_of_the_file_allows_nothing(content):
    consent_file().parent.mkdir(parents=True, exist_ok=True)
    consent_file().write_bytes(content)
    consent_file().chmod(0o600)
    assert not any(is_allowed(HOST, use) for use in Use)


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o620])
def test_a_file_that_others_may_use_is_refused_and_the_command_mends_it(mode):
    allow(HOST)
    consent_file().chmod(mode)
    for read in (consents, lambda: is_allowed(HOST), lambda: allow("new.example.org")):
        with pytest.raises(UsageError, match="other users may use the list") as caught:
            read()
        assert caught.value.hint == f"chmod 600 {consent_file()}"
    consent_file().chmod(0o400)
    assert consents() == (LINE,)
    allow("other.example.org")
    assert stat.S_IMODE(consent_file().stat().st_mode) == 0o600


def link_to(path):
    target = path.with_name("planted")
    target.write_text(f"{LINE}\n")
    target.chmod(0o600)
    path.symlink_to(target)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, link_to])
def test_what_is_no_file_is_no_consent_and_is_not_written(make):
    consent_file().parent.mkdir(parents=True)
    make(consent_file())
    before = consent_file().lstat().st_mode
    for read in (consents, lambda: allow(HOST)):
        with pytest.raises(UsageError, match=r"not a file of yours|cannot be read"):
            read()
    assert consent_file().lstat().st_mode == before


def test_a_file_of_another_user_is_no_consent(monkeypatch):
    allow(HOST)
    monkeypatch.setattr(os, "getuid", lambda: consent_file().stat().st_uid + 1)
    with pytest.raises(UsageError, match="not a file of yours"):
        consents()


def test_the_question_names_backend_host_and_what_would_be_sent_and_comes_once(monkeypatch, capsys):
    shown = sit_at(monkeypatch, typing="y\n")
    assert consented(REMOTE, yes=False, what=WHAT)
    said = " ".join(shown.getvalue().split())
    for part in ("openai:gpt", HOST, WHAT, "[y/N]"):
        assert part in said
    assert capsys.readouterr().out == ""
    assert consents() == (LINE,)
    shown = sit_at(monkeypatch, typing="n\n")
    for destination in (REMOTE, Destination("ollama:llama")):
        assert consented(destination, yes=False, what=WHAT)
        assert shown.getvalue() == ""


@pytest.mark.parametrize("typing", ["", "n\n", "yep\n"])
def test_anything_but_yes_means_no(monkeypatch, typing):
    sit_at(monkeypatch, typing=typing)
    assert not consented(REMOTE, yes=False, what=WHAT)
    assert not consent_file().exists()


@pytest.mark.parametrize("piped", ["stdin", "stderr"])
def test_without_a_terminal_it_stops_and_says_how_to_allow_it(monkeypatch, piped):
    sit_at(monkeypatch, typing="y\n", **{piped: io.StringIO})
    with pytest.raises(NotAllowed, match=r"to api\.example\.org.*nothing was sent") as refused:
        consented(REMOTE, yes=False, what=WHAT)
    assert "--yes" in refused.value.hint
    assert not consent_file().exists()


def test_consent_that_cannot_be_remembered_holds_for_this_command(monkeypatch, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "ragqa").symlink_to("/proc/self/nowhere")
    shown = sit_at(monkeypatch, typing="", stdin=io.StringIO)
    assert consented(REMOTE, yes=True, what=WHAT)
    assert "for this command only" in shown.getvalue()


def test_a_list_that_others_may_change_stops_everything_and_status_says_so(quick, places):
    allow("llm.example:8443")
    consent_file().chmod(0o666)
    quick("index", *places)
    asked = quick("ask", ASKED, *places, env=ELSEWHERE)
    assert (asked.code, f"try: chmod 600 {consent_file()}" in asked.err) == (2, True)
    status = quick("status", "--json", *places, env=ELSEWHERE).document
    assert [problem["fix"] for problem in status["problems"]] == [f"chmod 600 {consent_file()}"]
    assert (status["llm"]["allowed"], status["allowed"]) == (False, [])


def test_no_byte_leaves_before_the_host_was_allowed(quick, places, monkeypatch):
    wanted = []

    def nowhere(host, *_, **__):
        wanted.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    quick("index", *places)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    env = ELSEWHERE | dict.fromkeys(("HTTPS_PROXY", "ALL_PROXY"), "http://proxy.example:3128")
    refused = quick("ask", ASKED, *places, env=env)
    assert refused.code == 2
    assert "llm.example:8443, which you have not allowed yet; nothing was sent" in refused.err
    assert quick("ask", ASKED, *places, "--show-prompt", env=env).code == 0
    assert wanted == []
    for yes in (["--yes"], []):
        failed = quick("ask", ASKED, *places, *yes, env=env)
        assert failed.code == 5
        assert "Cats sleep most of the day." in failed.out
    assert wanted == ["llm.example"] * 2


def test_a_no_at_the_terminal_leaves_the_notes_own_words(places, monkeypatch, capsys):
    for name, value in (ELSEWHERE | {"RAGQA_EMBEDDER": "hashed:64"}).items():
        monkeypatch.setenv(name, value)
    shown = sit_at(monkeypatch, typing="n\n")
    assert run_here(["ask", ASKED, *map(str, places)]) == 0
    assert "Cats sleep most of the day." in capsys.readouterr().out
    not_asked = "was not asked, since you did not allow sending to llm.example:8443"
    assert not_asked in " ".join(shown.getvalue().split())


def test_a_chat_asks_once_and_says_what_goes_along(places):
    chat = Terminal(places, ELSEWHERE)
    try:
        chat.until(">")
        chat.type("how do I prune roses?\r")
        assert "[y/N]" not in chat.until("do not seem to answer")
        chat.type(f"{ASKED}\r")
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
