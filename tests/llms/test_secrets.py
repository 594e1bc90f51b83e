"""Keys: where they come from, and that none is ever shown."""

from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import MARKER, ask, everything_in, made
from llms.stub import KINDS

from ragqa.errors import UsageError
from ragqa.llms import llm_for
from ragqa.llms.servers import Secret, find_key, hide, hide_in_pieces, key_file


@pytest.fixture
def own_keys(tmp_path, monkeypatch):
    """The user's folder of keys, empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = key_file("openai").parent
    folder.mkdir(parents=True)
    return folder


def test_a_secret_shows_as_stars_however_it_is_printed():
    secret = Secret(MARKER)
    assert {str(secret), repr(secret), f"{secret}", "%s" % secret} == {"***"}  # noqa: UP031 - one of the ways
    assert MARKER not in repr([secret]) + repr(vars(Secret))
    assert secret.reveal() == MARKER


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_comes_from_the_environment_before_the_file(own_keys, monkeypatch, mode):
    assert find_key("openai", "OPENAI_API_KEY") is None
    key_file("openai").write_text("from-the-file\n")
    key_file("openai").chmod(mode)
    assert find_key("openai", "OPENAI_API_KEY").reveal() == "from-the-file"
    monkeypatch.setenv("OPENAI_API_KEY", MARKER)
    assert find_key("openai", "OPENAI_API_KEY").reveal() == MARKER


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_key_file_that_others_may_use_is_refused_with_the_command_that_mends_it(own_keys, mode):
    key_file("openai").write_text(MARKER)
    key_file("openai").chmod(mode)
    with pytest.raises(UsageError, match="other users may use the key file") as caught:
        find_key("openai", "OPENAI_API_KEY")
    assert caught.value.hint == f"chmod 600 {key_file('openai')}"
    assert MARKER not in everything_in(caught.value)


@pytest.mark.parametrize("tail", [" x", "\r\nX-Evil: 1", "é"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(monkeypatch, tail):
    monkeypatch.setenv("OPENAI_API_KEY", MARKER + tail)
    with pytest.raises(UsageError) as caught:
        find_key("openai", "OPENAI_API_KEY")
    assert MARKER not in everything_in(caught.value)


@pytest.fixture
def keyed(stub, monkeypatch, own_keys):
    """A function that makes a backend with the marker in its key file, for a mode of the stub."""

    def backend(mode, kind="openai"):
        for name, value in stub.environment(kind, mode).items():
            monkeypatch.setenv(name, value)
        key_file(kind).write_text(MARKER)
        key_file(kind).chmod(0o600)
        stub.requests.clear()
        return made(kind)

    return backend


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_sent_in_one_header_only(keyed, stub, kind):
    ask(keyed("ok", kind))
    [(path, headers, body)] = stub.requests
    assert [name for name, value in headers.items() if MARKER in value] == ["Authorization"]
    assert MARKER not in f"{path} {body}"


def test_a_key_in_the_answer_is_hidden_though_it_comes_in_pieces(keyed):
    pieces, failure = ask(keyed("key_in_text"))
    assert failure is None
    assert "".join(pieces) == f"It is ***, *** and not {MARKER[:7]}"


@pytest.fixture
def failed(stub, monkeypatch):
    """A function that gives the failure of a backend with this key, for a mode of the stub."""

    def failure(mode, key):
        monkeypatch.setenv(*next(iter(stub.environment("openai", mode).items())))
        monkeypatch.setenv("OPENAI_API_KEY", key)
        return ask(made("openai"))[1].message

    return failure


@pytest.mark.parametrize("key", ["short7", "a+b/=%7", MARKER + "+"])
@pytest.mark.parametrize("mode", ["401", "key_everywhere", "key_encoded"])
def test_a_key_is_hidden_in_a_failure_however_odd_it_is(failed, mode, key):
    message = failed(mode, key)
    for form in (key, quote(key, safe=""), quote(key, safe="").lower(), quote(key)):
        assert form.lower() not in message.lower()


def test_a_short_key_is_left_in_an_answer_where_it_may_be_a_word():
    text = "There are none."
    assert "".join(hide_in_pieces(text, Secret("none"))) == text


def partly_encoded(key):
    """A key with every second character percent-encoded, and some of these twice."""
    codes = [f"%{ord(one):02X}" for one in key]
    twice = [code.replace("%", "%25") if n % 4 == 1 else code for n, code in enumerate(codes)]
    return "".join(twice[n] if n % 2 else one for n, one in enumerate(key))


@pytest.mark.parametrize("key", [MARKER, "a+b/=%7+b/="])
def test_a_key_of_which_a_part_is_percent_encoded_is_hidden(key):
    for form in (partly_encoded(key), partly_encoded(key).lower(), key[:4] + quote(key[4:], "")):
        assert hide(f"no key {form}!", Secret(key)) == "no key ***!"
        assert "".join(hide_in_pieces(f"no key {form}!", Secret(key))) == "no key ***!"


@given(st.data())
def test_a_text_is_hidden_the_same_wherever_it_is_cut(data):
    key = data.draw(st.sampled_from([MARKER, "short7", "a+b/=%7+b/=%", "aaaaaaaa"]))
    parts = [
        key, quote(key, safe=""), partly_encoded(key), key[:5], key[5:], "Bearer ", "Bearer", " ",
        "\n", "é", "%", "a",
    ]  # fmt: skip
    text = "".join(data.draw(st.lists(st.sampled_from(parts), max_size=12)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    given = list(hide_in_pieces(pieces, Secret(key)))
    assert "".join(given) == hide(text, Secret(key))
    assert len(given) <= len(list(filter(None, pieces)))


def test_a_server_elsewhere_needs_a_key_and_one_on_this_machine_does_not(monkeypatch):
    with pytest.raises(UsageError) as caught:
        llm_for("anthropic:tiny")
    assert "api.anthropic.com" in caught.value.message
    assert "ANTHROPIC_API_KEY" in caught.value.hint
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://localhost:1")
    assert llm_for("anthropic:tiny").destination.is_local
