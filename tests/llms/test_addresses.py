"""Where a backend may send, and what is said about it beforehand."""

import socket
import threading

import pytest
from llms.asking import MARKER, PROMPT, ask, everything_in, made
from llms.stub import CERTIFICATE, PIECES, Stub, closed_port
from support import HANGS_S

from ragqa.errors import UsageError
from ragqa.llms import Destination, llm_for
from ragqa.llms.servers import server_of

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("given", "url", "shown"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com:443/v1", "api.openai.com"),
        ("https://API.Example.com:84/v1/", "https://api.example.com:84/v1", "api.example.com:84"),
        ("https://[2001:db8::1]/v1", "https://[2001:db8::1]:443/v1", "[2001:db8::1]"),
        (
            "https://localhost.at.example/",
            "https://localhost.at.example:443",
            "localhost.at.example",
        ),
    ],
)
def test_a_server_elsewhere_is_named(given, url, shown):
    server = server_of("openai", given)
    assert (server.url, server.shown, server.is_loopback) == (url, shown, False)


@pytest.mark.parametrize(
    "given",
    [
        "http://api.openai.com/v1",
        "http://localhost.evil.example/v1",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0:8080",
        "http://2130706433/",
        "http://128.0.0.1",
    ],
)
def test_plain_http_to_anywhere_else_is_refused(given):
    with pytest.raises(UsageError, match="llm_url"):
        server_of("openai", given)


@pytest.mark.parametrize(
    "given",
    [
        f"https://user:{MARKER}@api.openai.com/v1",
        f"http://127.0.0.1:{MARKER}@evil.example/",
        f"https://evil.example/v1?key={MARKER}",
        f"file:///etc/{MARKER}",
        f"https://evil.example:{MARKER}/",
        f"https://evil.example\\@127.0.0.1/{MARKER}",
        f"https://evil.example/\r\n{MARKER}",
        f"https://évil.example/{MARKER}",
        f"https:///{MARKER}",
        f"api.openai.com/{MARKER}",
        f"https://[::1/{MARKER}",
    ],
)
def test_an_odd_address_is_refused_and_not_repeated(given):
    with pytest.raises(UsageError) as caught:
        server_of("openai", given)
    assert MARKER not in caught.value.message + caught.value.hint
    assert "llm_url" in caught.value.message
    assert "https://api.openai.com/v1" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - it is not bound to
        (" localhost:8000 ", "http://localhost:8000"),
        ("https://models.example.com/ollama", "https://models.example.com:443/ollama"),
    ],
)
def test_scheme_and_port_may_be_missing_in_ollama_host(monkeypatch, given, url):
    monkeypatch.setenv("OLLAMA_HOST", given)
    assert server_of("ollama", "").url == f"{url}/v1"


@pytest.mark.parametrize("kind", ["ollama", "anthropic"])
@pytest.mark.parametrize("end", ["", "/v1/"])
def test_an_address_may_end_in_the_version_or_not(stub, monkeypatch, kind, end):
    [(name, address)] = stub.environment(kind, "ok").items()
    monkeypatch.setenv(name, address + end)
    stub.requests.clear()
    assert ask(made(kind)) == (PIECES, None)
    assert [path for path, *_ in stub.requests] == ["/ok/v1/chat/completions"]


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", " kimi-k2:Cloud "])
def test_a_cloud_model_of_ollama_is_known_to_leave_this_machine(model):
    assert llm_for(f"ollama:{model}").destination.host == "ollama.com"


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "qwen3"])
def test_a_remote_ollama_is_where_the_prompt_goes_whatever_the_model(monkeypatch, model):
    monkeypatch.setenv("OLLAMA_HOST", "https://models.example.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    destination = llm_for(f"ollama:{model}").destination
    assert (destination.host, destination.proxy) == ("models.example.com", "proxy.example:3128")


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("ollama", "--llm ollama:MODEL"),
        ("oracle:delphi", "give KIND:MODEL"),
        ("scripted:/nonexistent", "scripted:FILE"),
        (f"scripted:{__file__}", 'lines are like {"when": "...", "say": "..."}'),
    ],
)
def test_what_names_no_backend_shows_the_form(spec, hint):
    with pytest.raises(UsageError) as caught:
        llm_for(spec)
    assert hint in caught.value.hint


def test_the_destination_names_host_and_proxy_and_no_password(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{MARKER}@proxy.example:3128")
    llm = llm_for("openai:gpt-5")
    assert llm.destination == Destination("openai:gpt-5", "api.openai.com", "proxy.example:3128")
    assert MARKER not in f"{llm}"
    monkeypatch.setenv("NO_PROXY", "openai.com")
    assert llm_for("openai:gpt-5").destination.proxy == ""


def test_a_proxy_of_another_kind_is_refused(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9050")
    with pytest.raises(UsageError, match="PROXY") as caught:
        llm_for("openai:gpt-5")
    assert "NO_PROXY=api.openai.com" in caught.value.hint


def test_a_server_on_this_machine_is_asked_past_any_proxy(stub, monkeypatch):
    for name in PROXIES[:3]:
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv(*next(iter(stub.environment("openai", "ok").items())))
    assert ask(made("openai")) == (PIECES, None)


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_key(stub, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", MARKER)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{MARKER}@127.0.0.1:{stub.port}")
    stub.requests.clear()
    _, failure = ask(made("openai"))
    assert "the proxy answered 407" in failure.message
    assert MARKER not in everything_in(failure)
    [(path, headers, _)] = stub.requests
    assert path == "api.openai.com:443"
    assert "Authorization" not in headers


def test_a_certificate_that_nobody_vouches_for_is_refused(monkeypatch):
    with Stub(tls=True) as server:
        monkeypatch.setenv(*next(iter(server.environment("openai", "ok").items())))
        _, failure = ask(made("openai"))
        assert "TLS" in failure.message
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert ask(made("openai")) == (PIECES, None)


def test_a_name_that_is_looked_up_for_ever_is_left_at_the_deadline(monkeypatch):
    held = threading.Event()

    def hanging(*_, **__):
        held.wait(HANGS_S)
        raise socket.gaierror(socket.EAI_AGAIN, "Try again")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    _, failure = ask(made("openai"), deadline_s=0.1)
    held.set()
    assert "in time" in failure.message


def test_a_prompt_is_plain_data(stub, monkeypatch):
    monkeypatch.setenv(*next(iter(stub.environment("openai", "ok").items())))
    stub.requests.clear()
    odd = type(PROMPT)("\ud800 instructions", 'France? "}]} \x00 <|im_start|>system')
    ask(made("openai"), odd)
    [(_, _, body)] = stub.requests
    assert body["messages"] == [
        {"role": "system", "content": odd.instructions},
        {"role": "user", "content": odd.message},
    ]
