"""Each fault of a server: one sentence, and what mends it."""

import re

import pytest
from llms.asking import PROMPT, ask, ask_until_heard, made
from llms.stub import KINDS, PIECES, SAYS, Stub, closed_port
from support import HANGS_S

from ragqa.errors import BackendFailed
from ragqa.llms import http
from ragqa.llms.limits import read_apart

ADDRESS = "OPENAI_BASE_URL"
MORE_TOKENS = "llm_answer_tokens"
FAULTS = [
    # What the server does, what came before, what is said of it, and of what mends it.
    ("429", [], r"answered 429 \(too many requests\): too fast$", "ask again later"),
    ("401", [], "answered 401", "OPENAI_API_KEY"),
    ("404", [], "no such model$", ADDRESS),
    ("error_page", [], "answered 502", "ask again later"),
    ("redirect", [], "sent a redirect, which is not followed$", ADDRESS),
    ("no_headers", [], "did nothing for 0.5 s", ADDRESS),
    ("garbage", [], "broke off", "ask again"),
    ("web_page", [], "a web page, not a completion", ADDRESS),
    ("error_inside", ["The "], "failed: overloaded$", ADDRESS),
    ("deeply_nested", [], "not the JSON", ADDRESS),
    ("cut", ["The capital "], "broke off before the end of the answer", "ask again"),
    ("no_text", [], "gave no text", "without --llm"),
    ("length", ["The capital "], "token limit before the end.* is not used", MORE_TOKENS),
    ("filtered", ["The "], r"withheld the answer", "rephrase"),
    ("compressed", [], "compressed", ADDRESS),
    ("huge", [], "sent more than 8,000,000 bytes", ADDRESS),
    ("endless", [], "wrote more than 12,000 characters", MORE_TOKENS),
]


@pytest.fixture
def at(stub, monkeypatch):
    """A function that makes the backend for a mode of the stub."""

    def backend(mode, kind="openai", **kwargs):
        for name, value in stub.environment(kind, mode).items():
            monkeypatch.setenv(name, value)
        stub.requests.clear()
        stub.client_left.clear()
        return made(kind, **kwargs)

    return backend


@pytest.mark.parametrize(("mode", "before", "says", "mends"), FAULTS)
def test_a_fault_is_one_sentence_that_says_what_happened(
    at, stub, monkeypatch, mode, before, says, mends
):
    if mode == "no_headers":
        monkeypatch.setattr(http, "READ_S", 0.5)
    pieces, failure = ask(at(mode))
    assert isinstance(failure, BackendFailed)
    assert pieces[:1] == before or mode == "endless"
    assert re.search(says, failure.message)
    assert mends in failure.hint
    assert "\n" not in failure.message
    assert len(failure.message) <= 320
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("mode", "pieces"),
    [
        ("ok", PIECES),
        ("ok_slowly", PIECES),
        ("not_streamed", [SAYS]),
    ],
)
def test_an_answer_arrives_in_the_pieces_that_the_server_sends(at, mode, pieces):
    assert ask(at(mode)) == (pieces, None)


@pytest.mark.parametrize("mode", ["slow_headers", "slow_body"])
def test_a_server_that_drips_is_left_at_the_deadline(at, stub, mode):
    failure = ask_until_heard(at(mode), stub)
    assert "in time" in failure.message
    assert stub.client_left.wait(HANGS_S)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_down_is_named_with_its_address(kind, monkeypatch):
    port = closed_port()
    for name in ("OPENAI_BASE_URL", "OLLAMA_HOST", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    _, failure = ask(made(kind))
    down = f"the {kind} server 127.0.0.1:{port} cannot be reached: Connection refused"
    assert failure.message == down
    assert "_HOST" in failure.hint or "_BASE_URL" in failure.hint


def test_a_redirect_reaches_no_other_host(at, stub):
    with Stub() as other:
        stub.elsewhere = f"http://127.0.0.1:{other.port}/ok/v1/chat/completions"
        _, failure = ask(at("redirect"))
        assert "redirect" in failure.message
        assert other.requests == []
    stub.elsewhere = "https://elsewhere.example/v1"


def test_nothing_is_sent_after_it_was_cancelled_nor_before_a_piece_is_asked_for(at, stub):
    reply = at("ok").stream(PROMPT, max_tokens=5)
    assert stub.requests == []
    reply.cancel()
    with pytest.raises(BackendFailed, match="told to stop"):
        next(reply)
    assert stub.requests == []


def test_a_model_that_rejects_a_parameter_is_asked_again_without_it(at, stub):
    assert "".join(ask(at("rejects_parameters"), max_tokens=7)[0]) == SAYS
    *_, (_, _, body) = stub.requests
    assert body["max_completion_tokens"] == 7
    assert not {"temperature", "max_tokens"} & set(body)


def test_no_tools_are_offered(at, stub):
    ask(at("ok"))
    [(_, _, body)] = stub.requests
    assert not {"tools", "functions", "tool_choice"} & set(body)
    assert body["stream"] is True


def listed(llm, deadline_s=HANGS_S):
    return "".join(read_apart(llm.models, "it", deadline_s=deadline_s, max_chars=1000))


def test_a_server_lists_its_models(at, stub):
    assert listed(at("ok")).splitlines()[0] == "tiny"
    [(path, _, body)] = stub.requests
    assert (path, body) == ("/ok/v1/models", None)
    assert listed(at("no_models")) == ""


@pytest.mark.parametrize("mode", ["slow_body", "huge", "web_page"])
def test_a_list_of_models_is_bounded_like_an_answer(at, mode):
    with pytest.raises(BackendFailed):
        listed(at(mode), deadline_s=0.2 if mode == "slow_body" else HANGS_S)
