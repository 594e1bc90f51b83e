"""Two promises: no redirect is followed, and no key is shown."""

import tempfile
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import MARKER, ask, everything_in
from llms.stub import KINDS, SAYS, Stub, closed_port
from support import write_notes

from ragqa.errors import UsageError
from ragqa.llms.servers import Secret, find_key, hide, hide_in_pieces, key_file

NOTES = {"cats.md": "# Cats\n\nCats sleep most of the day.\n"}
QUESTION = "what do cats do most of the day?"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Everywhere that ragqa may write, in one folder; a key for each kind of server."""
    for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    for name in ("HOME", "TMPDIR", "RAGQA_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for kind in KINDS:
        monkeypatch.setenv(f"{kind.upper()}_API_KEY", MARKER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def places(home, quick):
    found = ["--corpus", write_notes(home / "notes", NOTES), "--index", home / "index"]
    quick("index", *found)
    return found


@pytest.fixture
def at(at, home):
    """The function that makes a backend, with a key for it."""
    return at


def test_a_server_on_this_machine_is_asked_past_any_proxy(at, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    assert ask(at("ok")) == (SAYS, None)


def test_a_redirect_reaches_no_other_host(at, stub, monkeypatch):
    with Stub() as other:
        address = f"http://127.0.0.1:{other.port}/ok/v1/chat/completions"
        monkeypatch.setattr(stub, "elsewhere", address)
        _, failure = ask(at("redirect"))
        assert failure.message.endswith("sent a redirect, which is not followed")
        assert "OPENAI_BASE_URL" in failure.hint
        assert other.requests == []


# Where a key comes from, and that it is shown nowhere.


def test_a_secret_shows_as_stars_however_it_is_printed():
    secret = Secret(MARKER)
    assert {str(secret), repr(secret), f"{secret}", "%s" % secret} == {"***"}  # noqa: UP031 - one of the ways
    assert MARKER not in repr([secret]) + repr(vars(Secret))
    assert secret.reveal() == MARKER


def test_a_key_comes_from_the_environment_before_a_file_that_nobody_else_may_use(home, monkeypatch):
    file = key_file("openai")
    file.parent.mkdir(parents=True)
    file.write_text("from-the-file\n")
    assert find_key("openai").reveal() == MARKER
    monkeypatch.delenv("OPENAI_API_KEY")
    file.chmod(0o400)
    assert find_key("openai").reveal() == "from-the-file"
    file.chmod(0o640)
    with pytest.raises(UsageError, match="other users may use the key file") as caught:
        find_key("openai")
    assert caught.value.hint == f"chmod 600 {file}"
    file.unlink()
    assert find_key("openai") is None


@pytest.mark.parametrize("tail", [" x", "\r\nX-Evil: 1", "é"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(monkeypatch, tail):
    monkeypatch.setenv("OPENAI_API_KEY", MARKER + tail)
    with pytest.raises(UsageError) as caught:
        find_key("openai")
    assert MARKER not in everything_in(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_sent_in_one_header_only(at, stub, kind):
    assert ask(at("ok", kind)) == (SAYS, None)
    [(path, headers, body)] = stub.requests
    assert [MARKER in value for value in headers.values()].count(True) == 1
    assert MARKER not in f"{path} {body}"


@pytest.mark.parametrize("mode", ["401", "key_everywhere", "key_in_error"])
@pytest.mark.parametrize("key", [MARKER + "+", "a+b/=%7+b"])
def test_a_key_is_hidden_in_a_failure_though_it_comes_from_a_file(at, home, monkeypatch, mode, key):
    monkeypatch.delenv("OPENAI_API_KEY")
    file = key_file("openai")
    file.parent.mkdir(parents=True)
    file.write_text(key)
    file.chmod(0o600)
    _, failure = ask(at(mode))
    assert key.lower() not in everything_in(failure).lower()


def test_a_key_in_the_answer_is_hidden_though_it_comes_in_pieces(at):
    assert ask(at("key_in_text")) == (f"It is ***, *** and not {MARKER[:7]}", None)
    assert "".join(hide_in_pieces(["There are none."], Secret("none"))) == "There are none."


@given(st.data())
def test_a_text_is_hidden_the_same_wherever_it_is_cut(data):
    key = data.draw(st.sampled_from([MARKER, "a+b/=%7+b/=%", "aaaaaaaa"]))
    parts = [key, key.upper(), key[:5], key[5:], "Bearer ", " ", "\n", "é", "%", "a"]
    text = "".join(data.draw(st.lists(st.sampled_from(parts), max_size=12)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    assert "".join(hide_in_pieces(pieces, Secret(key))) == hide(text, Secret(key))


def assert_hidden(run, home):
    """Not so much of the key as would help is in what was printed or written."""
    for text in (run.out, run.err):
        assert MARKER[:20] not in text
    for path in home.rglob("*"):
        assert not path.is_file() or MARKER[:20].encode() not in path.read_bytes(), path


@pytest.mark.parametrize("mode", ["key_everywhere", "key_in_error", "key_in_text"])
def test_no_command_shows_or_keeps_a_key(quick, stub, home, places, mode):
    env, llm = stub.environment("openai", mode), ["--llm", "openai:tiny"]
    typed = f"{QUESTION}\n/sources\n/save {home / 'saved.md'}\n".encode()
    for args in (
        ["ask", QUESTION, *llm, *places, "--debug"],
        ["ask", QUESTION, *llm, *places, "--json"],
        ["ask", QUESTION, *llm, *places, "--show-prompt"],
        ["chat", *llm, *places],
        ["status", *places],
        ["config", "--json"],
        ["config", "set", "store", f"http://root:{MARKER}@h"],
        ["status", f"--{MARKER}"],
        ["ask", "", "--debug"],
    ):
        run = quick(*args, env=env, input=typed)
        assert run.code != 70, run.err
        assert_hidden(run, home)
    assert any(MARKER in str(headers) for _, headers, _ in stub.requests)


@pytest.mark.parametrize("failure", [RuntimeError, UsageError])
def test_a_bug_whose_message_holds_a_key_is_told_and_kept_without_it(
    quick, monkeypatch, home, failure
):
    def broken(settings):
        raise failure(f"Invalid header value b'Bearer {MARKER}'")

    monkeypatch.setattr("ragqa.config.load_settings", broken)
    run = quick("status", "--debug")
    assert run.code in (2, 70)
    assert_hidden(run, home)
    reports = [path.read_text() for path in home.glob("ragqa-*.txt")]
    assert len(reports) == (run.code == 70)
    assert all("Bearer ***" in text for text in (run.err, *reports))
