"""Each fault of a server: one sentence, and what mends it."""

import re
from dataclasses import replace

import pytest
from llms.asking import IMPATIENT, PROMPT, QUICK, ask, ask_until_heard, made
from llms.stub import KINDS, PIECES, SAYS, Stub, closed_port
from support import HANGS_S

from ragqa.errors import BackendFailed
from ragqa.llms.faults import refusal
from ragqa.llms.http import Limits
from ragqa.llms.limits import bounded

SAID = {
    "429": "429",
    "429_for_an_hour": "asks to wait 3,600 s",
    "429_with_nonsense": "429",
    "500": "500",
    "599": "599",
    "401": "401",
    "404": "no such model",
    "error_page": "502",
    "slow_error_page": "403",
    "redirect": "redirect, which is not followed, to https://elsewhere.example$",
    "web_page": "web page",
    "error_with_200": "overloaded",
    "malformed": "not the JSON",
    "not_an_object": "not the JSON",
    "deeply_nested": "not the JSON",
    "not_utf8": "not the JSON",
    "truncated": "not the JSON",
    "odd_types": "broke off",
    "cut": "broke off",
    "cut_before_its_length": "broke off",
    "nothing": "broke off",
    "no_text": "no text",
    "length": "token limit before the end of the answer, which is not used",
    "not_streamed_and_not_whole": "token limit",
    "not_streamed_and_cut": "not the JSON",
    "not_a_completion": "not the JSON",
    "filtered": "withheld",
    "error_inside": "overloaded",
    "compressed": "compressed",
    "garbage": "broke off",
    "huge": "more than",
    "many_lines": "more than|not the JSON",
    "endless": "more than 10,000 characters",
    "no_headers": "did nothing for 0.5 s",
}

SILENT = ("no_headers", "slow_error_page")


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


@pytest.mark.parametrize(("mode", "says"), SAID.items())
def test_a_fault_is_one_sentence_that_says_what_happened(at, mode, says):
    _, failure = ask(at(mode, limits=IMPATIENT if mode in SILENT else QUICK))
    assert isinstance(failure, BackendFailed)
    assert re.search(says, failure.message)
    assert "\n" not in failure.message
    assert len(failure.message) <= 320
    assert failure.hint


@pytest.mark.parametrize("mode", ["ok", "ok_with_odd_type", "ok_slowly", "503_once", "429_once"])
def test_an_answer_arrives_in_the_pieces_that_the_server_sends(at, mode):
    assert ask(at(mode)) == (PIECES, None)


def test_an_answer_that_comes_all_at_once_is_one_piece(at):
    assert ask(at("not_streamed")) == ([SAYS], None)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/v2/elsewhere?k=1", "another address of this server"),
        ("//other.example/x", "other.example"),
        ("https://me:word@other.example:84/x?k=1#f", "https://other.example:84"),
        ("https://[::1]:84/x", "https://[::1]:84"),
        ("https://[::1", "an invalid address"),
        ("https://other.example:x/", "an invalid address"),
        ("", "nowhere"),
    ],
)
def test_of_a_redirect_only_the_host_is_told(stub, monkeypatch, location, shown):
    monkeypatch.setenv(*next(iter(stub.environment("openai", "redirect").items())))
    monkeypatch.setattr(stub, "elsewhere", location)
    assert ask(made("openai"))[1].message.endswith(f"which is not followed, to {shown}")


def test_a_failure_midway_comes_after_the_pieces_before_it(at):
    pieces, failure = ask(at("cut"))
    assert pieces == ["The capital "]
    assert failure is not None


@pytest.mark.parametrize("mode", ["no_headers", "slow_headers", "slow_body", "slow_comments"])
def test_a_server_that_drips_is_left_at_the_deadline(at, stub, mode):
    failure = ask_until_heard(at(mode, limits=Limits()), stub)
    assert "in time" in failure.message
    assert stub.client_left.wait(HANGS_S)


@pytest.mark.parametrize(
    ("mode", "times"),
    [
        ("429", 3),
        ("500", 3),
        ("503_once", 2),
        ("429_once", 2),
        ("429_until_a_date", 2),
        ("429_for_an_hour", 1),
        ("404", 1),
        ("redirect", 1),
        ("cut", 1),
        ("web_page", 1),
    ],
)
def test_only_what_may_pass_is_asked_again_and_at_most_twice(at, stub, mode, times):
    ask(at(mode))
    assert len(stub.requests) == times


@pytest.mark.parametrize("mode", ["429_once", "429_until_a_date"])
def test_a_retry_waits_as_long_as_the_server_asks(at, mode):
    assert ask(at(mode, limits=replace(QUICK, wait_s=3600))) == (PIECES, None)


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 99 Jan 2020 99:99:99 GMT",
        "",
        "soon",
    ],
)
def test_a_time_to_wait_that_is_none_is_like_no_such_time(date):
    refused = refusal(429, {"retry-after": date}, "too fast", most_wait_s=10)
    assert refused.is_transient
    assert not refused.wait_s


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_down_is_named_with_its_address(kind, monkeypatch):
    port = closed_port()
    for name in ("OPENAI_BASE_URL", "OLLAMA_HOST", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    _, failure = ask(made(kind))
    assert f"the {kind} server 127.0.0.1:{port} cannot be reached" in failure.message
    assert "_HOST" in failure.hint or "_BASE_URL" in failure.hint


def test_a_redirect_reaches_no_other_host(at, stub):
    with Stub() as other:
        stub.elsewhere = f"http://127.0.0.1:{other.port}/ok/v1/chat/completions"
        _, failure = ask(at("redirect"))
        assert f"127.0.0.1:{other.port}" in failure.message
        assert other.requests == []
    stub.elsewhere = "https://elsewhere.example/v1"


def test_no_cookie_is_kept_between_tries(at, stub):
    ask(at("429_once"))
    assert [headers.get("Cookie") for _, headers, _ in stub.requests] == [None, None]


def test_closing_the_answer_hangs_up(at, stub):
    given = bounded(
        at("waits_after_one_piece", limits=Limits()),
        PROMPT,
        max_tokens=50,
        deadline_s=HANGS_S,
        max_chars=10_000,
    )
    assert next(given) == "The capital "
    given.close()
    assert stub.client_left.wait(HANGS_S)


def test_nothing_is_sent_after_it_was_cancelled(at, stub):
    reply = at("ok").stream(PROMPT, max_tokens=5)
    reply.cancel()
    with pytest.raises(BackendFailed, match="told to stop"):
        next(reply)
    assert stub.requests == []


def test_nothing_is_sent_before_the_first_piece_is_asked_for(at, stub):
    llm = at("ok")
    llm.stream(PROMPT, max_tokens=5)
    assert llm.destination.is_local
    assert stub.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_rejects_a_parameter_is_asked_again_without_it(at, stub, kind):
    assert "".join(ask(at("rejects_parameters", kind), max_tokens=7)[0]) == SAYS
    *_, (_, _, body) = stub.requests
    assert body["max_completion_tokens"] == 7
    assert not {"temperature", "max_tokens", "stream_options"} & set(body)


def test_a_prompt_that_ollama_cut_is_a_failure_that_names_the_setting(at, stub):
    pieces, failure = ask(at("cut_prompt", "ollama"))
    assert "".join(pieces) == SAYS
    assert "read only 8,192 tokens of the prompt" in failure.message
    assert "OLLAMA_CONTEXT_LENGTH" in failure.hint
    [(_, _, body)] = stub.requests
    assert body["stream_options"] == {"include_usage": True}


def test_only_ollama_is_asked_how_much_of_the_prompt_it_read(at, stub):
    assert ask(at("cut_prompt")) == (PIECES, None)
    [(_, _, body)] = stub.requests
    assert "stream_options" not in body


@pytest.mark.parametrize("mode", ["ok", "not_streamed"])
def test_an_answer_of_ollama_needs_no_word_on_the_prompt(at, mode):
    pieces, failure = ask(at(mode, "ollama"))
    assert ("".join(pieces), failure) == (SAYS, None)


def test_no_tools_are_offered(at, stub):
    ask(at("ok"))
    [(_, _, body)] = stub.requests
    assert not {"tools", "functions", "tool_choice"} & set(body)
    assert body["stream"] is True
