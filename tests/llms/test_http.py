"""What is sent to a server and read from it, and each of its faults in one sentence."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llms.asking import ask
from llms.stub import CERTIFICATE, KINDS, PIECES, SAYS, Stub, closed_port, piece, whole
from llms.stub import whole_of_anthropic as anthropic
from support import HANGS_S

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt, http
from ragqa.llms.http import completion, events, make

ADDRESS, MORE_TOKENS = "OPENAI_BASE_URL", "llm_answer_tokens"
FAULTS = [
    # What the server does, what came before, what is said of it, and of what mends it.
    ("429", "", "answered 429: too fast$", "ask again later"),
    ("401", "", "answered 401", "OPENAI_API_KEY"),
    ("404", "", "no such model$", ADDRESS),
    ("error_page", "", "answered 502", "ask again later"),
    ("garbage", "", "broke off", "ask again"),
    ("web_page", "", "broke off before the end", ADDRESS),
    ("malformed", "", "not the JSON", ADDRESS),
    ("deeply_nested", "", "not the JSON", ADDRESS),
    ("error_inside", "The ", "failed: overloaded$", ADDRESS),
    ("cut", "The capital ", "broke off before the end of the answer", ADDRESS),
    ("length", "The capital ", "token limit before the end.* is not used", MORE_TOKENS),
    ("filtered", "The ", "withheld the answer", "rephrase"),
    ("huge", "", "sent more than 8,000,000 bytes", ADDRESS),
]


@pytest.mark.parametrize(("mode", "before", "says", "mends"), FAULTS)
def test_a_fault_is_one_sentence_that_says_what_happened(at, stub, mode, before, says, mends):
    text, failure = ask(at(mode))
    assert isinstance(failure, BackendFailed)
    assert text.startswith(before)
    assert re.search(says, failure.message)
    assert mends in failure.hint
    assert "\n" not in failure.message
    assert len(failure.message) <= 320
    assert len(stub.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_down_is_named_with_its_address(kind, monkeypatch):
    port = closed_port()
    for name in ("OPENAI_BASE_URL", "OLLAMA_HOST", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    _, failure = ask(make(kind, "tiny"))
    assert f"the {kind} server 127.0.0.1:{port} cannot be reached: " in failure.message
    assert "_HOST" in failure.hint or "_BASE_URL" in failure.hint


def test_a_server_that_is_silent_or_drips_is_left(at, stub, monkeypatch):
    _, failure = ask(at("drips"), deadline_s=0.5)
    assert "in time" in failure.message
    assert stub.client_left.wait(HANGS_S)
    monkeypatch.setattr(http, "READ_S", 0.2)
    _, failure = ask(at("waits_after_one_piece"))
    assert "did not answer in time" in failure.message
    assert stub.client_left.wait(HANGS_S)


def test_a_certificate_that_nobody_vouches_for_is_refused(at, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with Stub(tls=True) as server:
        _, failure = ask(at("ok", server=server))
        assert "CERTIFICATE_VERIFY_FAILED" in failure.message
        assert server.requests == []


def test_a_prompt_is_plain_data_in_openais_protocol_and_in_anthropics(at, stub):
    odd = Prompt("\ud800 instructions", 'France? "}]} \x00 <|im_start|>system')
    assert ask(at("ok"), odd, max_tokens=7) == (SAYS, None)
    assert ask(at("ok", "anthropic"), odd, max_tokens=7)[0] == SAYS
    [(path, _, body)] = stub.requests
    user = {"role": "user", "content": odd.message}
    common = {"model": "tiny", "stream": True, "temperature": 0, "max_tokens": 7}
    assert path == "/ok/v1/messages"
    assert body == common | {"system": odd.instructions, "messages": [user]}
    ask(at("ok", "ollama"), odd, max_tokens=7)
    [(path, _, body)] = stub.requests
    system = {"role": "system", "content": odd.instructions}
    assert path == "/ok/v1/chat/completions"
    assert body == common | {"messages": [system, user]}


def test_a_model_that_rejects_a_parameter_is_asked_once_more_without_it(at, stub):
    assert ask(at("rejects_parameters"), max_tokens=7) == (SAYS, None)
    _, (_, _, body) = stub.requests
    assert body["max_completion_tokens"] == 7
    assert not {"temperature", "max_tokens"} & set(body)


# What is read: any bytes, cut anywhere.


def read(chunks):
    """The text, or what of it came before a failure, and whether it failed."""
    text = ""
    try:
        for part in completion(events(chunks)):
            text += part
    except BackendFailed:
        return text, True
    return text, False


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


PLACES = st.lists(st.integers(min_value=0, max_value=10_000), max_size=40)
KEYS = ["choices", "delta", "content", "text", "error", "finish_reason", "stop_reason"]
ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning_content": "Hm.", "content": None},
        {"content": [{"type": "thinking", "thinking": "Hm."}]},
    ],
)
def test_what_a_model_thinks_in_a_field_of_its_own_is_no_text(thought):
    line = b"data: " + json.dumps({"choices": [{"delta": thought}]}).encode() + b"\n\n"
    assert read([line + whole()]) == (SAYS, False)


@given(st.sampled_from([whole(), anthropic()]), st.integers(0, 10_000), PLACES)
def test_a_stream_that_ends_early_fails_or_had_said_all(data, length, places):
    text, failed = read(cut(data[: length % (len(data) + 1)], places))
    assert SAYS.startswith(text)
    assert failed or text == SAYS


@given(st.data())
def test_any_bytes_give_text_or_one_failure_wherever_they_are_cut(data):
    odd = st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"\n", b"\r\n", b"data:", b"data: [DONE]\n\n", b"\xef\xbb\xbf", b"{"]),
        st.sampled_from(PIECES).map(piece),
        ODD_JSON.map(lambda value: b"data: " + json.dumps(value).encode() + b"\n\n"),
    )
    stream = b"".join(data.draw(st.lists(odd, max_size=12)))
    assert read(cut(stream, data.draw(PLACES))) == read([stream])
