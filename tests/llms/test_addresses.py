"""Where a backend may send."""

import pytest
from llms.asking import MARKER

from ragqa.errors import UsageError
from ragqa.llms import llm_for
from ragqa.llms.servers import server_of


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
    server, _ = server_of("openai", given)
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
def test_plain_http_to_elsewhere_and_an_odd_address_are_refused_without_a_password(given):
    with pytest.raises(UsageError, match="llm_url") as caught:
        server_of("openai", given)
    assert MARKER not in caught.value.message + caught.value.hint
    assert "set llm_url to an" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "given", "url"),
    [
        ("ollama", "", "http://127.0.0.1:11434"),
        ("ollama", "0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - it is not bound to
        ("ollama", " localhost:8000 ", "http://localhost:8000"),
        ("ollama", "https://models.example.com/a", "https://models.example.com:443/a"),
        ("anthropic", "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("anthropic", "http://127.0.0.1:9/v1/", "http://127.0.0.1:9"),
    ],
)
def test_the_version_may_be_missing_and_in_ollama_host_scheme_and_port(
    monkeypatch, kind, given, url
):
    monkeypatch.setenv({"ollama": "OLLAMA_HOST"}.get(kind, "ANTHROPIC_BASE_URL"), given)
    assert server_of(kind, "")[0].url == f"{url}/v1"


@pytest.mark.parametrize(
    ("at", "model", "host"),
    [
        ("", "gpt-oss:120b-cloud", "ollama.com"),
        ("", " kimi-k2:Cloud ", "ollama.com"),
        ("https://models.example.com", "gpt-oss:120b-cloud", "models.example.com"),
        ("https://models.example.com", "qwen3", "models.example.com"),
    ],
)
def test_a_cloud_model_of_ollama_is_known_to_leave_this_machine(monkeypatch, at, model, host):
    monkeypatch.setenv("OLLAMA_HOST", at)
    assert llm_for(f"ollama:{model}").destination.host == host


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


def test_a_server_elsewhere_needs_a_key_and_one_on_this_machine_does_not(monkeypatch):
    with pytest.raises(UsageError, match=r"api\.anthropic\.com") as caught:
        llm_for("anthropic:tiny")
    assert "ANTHROPIC_API_KEY" in caught.value.hint
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://localhost:1")
    assert llm_for("anthropic:tiny").destination.is_local
