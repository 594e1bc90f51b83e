"""Nothing is sent to a host that the user did not allow, and the way to allow it is told."""

import io

import pytest
from terminals import Terminal, sit_at

from ragqa.cli import run as run_here
from ragqa.cli.opening import consented
from ragqa.errors import NotAllowed, UsageError
from ragqa.llms import Destination
from ragqa.state.consent import consent_file, consents

NOTES = {"cats.md": "# Cats\n\nCats sleep most of the day.\n"}
REMOTE = Destination("openai:gpt", "api.example.org")
WHAT = "the question and up to 5 passages of your notes"
ELSEWHERE = {
    "RAGQA_LLM": "openai:gpt",
    "RAGQA_LLM_URL": "https://llm.example:8443/v1",
    "OPENAI_API_KEY": "sk-none",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_the_question_names_backend_host_and_what_would_be_sent_and_comes_once(monkeypatch, capsys):
    shown = sit_at(monkeypatch, typing="y\n")
    assert consented(REMOTE, yes=False, what=WHAT)
    said = " ".join(shown.getvalue().split())
    for part in ("openai:gpt", "api.example.org", WHAT, "[y/N]"):
        assert part in said
    assert capsys.readouterr().out == ""
    assert consents() == ("api.example.org as LLM",)
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
    consent_file().parent.mkdir(parents=True)
    consent_file().write_text("llm.example:8443 as LLM\n")
    consent_file().chmod(0o666)
    quick("index", *places)
    asked = quick("ask", "what do cats do?", *places, env=ELSEWHERE)
    assert (asked.code, f"try: chmod 600 {consent_file()}" in asked.err) == (2, True)
    status = quick("status", "--json", *places, env=ELSEWHERE).document
    assert [problem["fix"] for problem in status["problems"]] == [f"chmod 600 {consent_file()}"]
    assert (status["llm"]["allowed"], status["allowed"]) == (False, [])


def test_a_no_at_the_terminal_leaves_the_notes_own_words(places, monkeypatch, capsys):
    for name, value in (ELSEWHERE | {"RAGQA_EMBEDDER": "hashed:64"}).items():
        monkeypatch.setenv(name, value)
    shown = sit_at(monkeypatch, typing="n\n")
    assert run_here(["ask", "what do cats do?", *map(str, places)]) == 0
    assert "Cats sleep most of the day." in capsys.readouterr().out
    not_asked = "was not asked, since you did not allow sending to llm.example:8443"
    assert not_asked in " ".join(shown.getvalue().split())


def test_a_chat_asks_once_and_says_what_goes_along(places):
    chat = Terminal(places, ELSEWHERE)
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


def test_a_destination_without_a_sound_host_is_refused_even_with_yes(monkeypatch):
    sit_at(monkeypatch, typing="y\n")
    with pytest.raises(UsageError):
        consented(Destination("other:x", "evil\x1b[2J.example"), yes=True, what=WHAT)
