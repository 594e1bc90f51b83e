"""Nothing is sent to a host that the user did not allow, and the way to allow it is told."""

import io

import pytest
from terminals import sit_at

from ragqa.cli.asking import ask_with
from ragqa.cli.consenting import consented
from ragqa.cli.opening import Query
from ragqa.errors import NotAllowed, UsageError
from ragqa.generation.writer import Writer
from ragqa.llms import Destination
from ragqa.state.consent import consent_file, consents

REMOTE = Destination("openai:gpt", "api.example.org", proxy="proxy.example.org:3128")
WHAT = "the question and up to 5 passages of your notes"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_the_question_names_backend_host_proxy_and_what_would_be_sent_and_comes_once(
    monkeypatch, capsys
):
    shown = sit_at(monkeypatch, typing="y\n")
    assert consented(REMOTE, yes=False, what=WHAT)
    said = " ".join(shown.getvalue().split())
    for part in ("openai:gpt", "api.example.org", "proxy.example.org:3128", WHAT, "[y/N]"):
        assert part in said
    assert capsys.readouterr().out == ""
    assert consents().hosts == ("api.example.org",)
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
    with pytest.raises(NotAllowed, match=r"api\.example\.org.*nothing was sent") as caught:
        consented(REMOTE, yes=False, what=WHAT)
    assert caught.value.exit_code == 2
    assert "ragqa llm allow api.example.org" in caught.value.hint
    assert "--yes" in caught.value.hint
    assert not consent_file().exists()


def test_consent_that_cannot_be_remembered_holds_for_this_command(monkeypatch, tmp_path):
    (tmp_path / "config").write_text("a file, not a folder")
    shown = sit_at(monkeypatch, typing="", stdin=io.StringIO)
    assert consented(REMOTE, yes=True, what=WHAT)
    assert "for this command only" in shown.getvalue()


def test_a_destination_without_a_sound_host_is_refused_even_with_yes(monkeypatch):
    sit_at(monkeypatch, typing="y\n")
    with pytest.raises(UsageError):
        consented(Destination("other:x", "evil\x1b[2J.example"), yes=True, what=WHAT)


def test_no_bar_is_on_the_screen_while_the_user_is_asked():
    done = []

    class Bar:
        def stop(self):
            done.append("bar taken away")

    class Index:
        def ask(self, *_, writer, **__):
            assert writer.allow()

    writer = Writer(None, allow=lambda: done.append("asked") or True)
    ask_with(Query(Index(), None, False, Bar(), None), "why?", writer)
    assert done == ["bar taken away", "asked"]
