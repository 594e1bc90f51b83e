"""An LLM writes: in events, on the page, and never more than the user allowed."""

import json
import re

import anyio
import pytest
from served import NOTES, Guarded
from served_mcp import built
from support import HANGS_S, write_notes

from ragqa.serving.web import web_app

QUESTION = "what is the capital of France?"
FRANCE = {"france.md": "# France\n\nThe capital of France is Paris.\n"}
HOSTILE = (
    "The capital of France is Paris [1]. <script>alert(1)</script> <img src=x onerror=alert(1)> "
    "[click](https://evil.example/?q=1) is best [1]. It is the most beautiful city of all."
)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a function that makes a site with an LLM, in an environment."""
    write_notes(tmp_path / "notes", NOTES | FRANCE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def make(llm="openai:tiny", **env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        return Guarded(web_app(built(tmp_path, llm)))

    return make


def test_the_page_shows_excerpts_and_streams_what_is_written_or_waits_for_the_whole(site, stub):
    site = site(**stub.environment("openai", "ok"))
    page = site.ask("/", q=QUESTION).text
    assert "Paris" in page
    assert "<noscript><meta" in page
    assert 'data-stream="/written?' in page
    names, documents = zip(*site.ask("/written", q=QUESTION).events, strict=True)
    assert names == ("sentence", "answer")
    assert documents[0] == {"text": "The capital is Paris.", "mark": ""}
    assert '<a href="#c1">[1]</a>' in documents[1]["html"]
    asked = len(stub.requests)
    assert "The capital is Paris." in site.ask("/", q=QUESTION).text
    assert len(stub.requests) == asked
    whole = site.ask("/", q=f"{QUESTION} please", whole=1).text
    assert "The capital is Paris." in whole
    assert "Written by openai:tiny" in whole
    refused = site.ask("/api/ask", question=QUESTION, llm="openai:large")
    assert refused.status == 400
    assert "cannot choose an LLM" in refused.document["error"]


def test_a_page_says_why_an_llm_did_not_write(site, stub):
    page = site(**stub.environment("openai", "error_page")).ask("/", q=QUESTION, whole=1).text
    assert "; this is the answer in your notes&#39; own words." in page


def test_others_are_answered_while_an_llm_writes_and_it_is_left_when_the_reader_leaves(site, stub):
    site = site(**stub.environment("openai", "drips"))

    async def run():
        leave = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: site.call("/written", q=QUESTION, leave=leave))
            while not any("drips" in path for path, *_ in stub.requests):
                await anyio.lowlevel.checkpoint()  # it reads the passages before it asks
            got = await site.call("/api/ask", question=QUESTION, llm="none")
            assert not stub.client_left.is_set()
            leave.set()
        return got

    assert anyio.run(run).status == 200
    assert stub.client_left.wait(HANGS_S)


def test_what_was_not_allowed_is_refused_with_the_command_that_allows_it(site):
    env = {"OPENAI_BASE_URL": "https://llm.example/v1", "OPENAI_API_KEY": "sk-none-0123456789"}
    site = site(**env)
    got = site.ask("/api/ask", question=QUESTION)
    ((_, error),) = site.ask("/written", q=QUESTION).events
    page = site.ask("/", q=QUESTION).text
    assert got.status == 403
    assert "llm.example, which you have not allowed yet; nothing was sent" in got.document["error"]
    assert got.document["hint"] == "start the server again with --yes"
    assert error == got.document
    assert "start the server again with --yes" in page
    assert "Paris" in page
    assert "data-stream" not in page


def test_what_an_llm_writes_is_text(site, tmp_path):
    script = tmp_path / "says.jsonl"
    script.write_text(json.dumps({"when": "", "say": HOSTILE}))
    site = site(f"scripted:{script}")
    *sentences, (_, answer) = site.ask("/written", q=QUESTION).events
    whole = site.ask("/", q=QUESTION, whole=1).text
    assert len(sentences) > 1
    assert any("no source" in document["mark"] for _, document in sentences)
    for shown in (answer["html"], whole):
        assert "&lt;script&gt;alert(1)" in shown
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "//evil.example" not in shown
        assert "(no source)" in shown
        assert re.search(r'<p class="verdict close"><strong>Written by .* lack: \d of \d', shown)
        assert shown.count("Written by ") == 1
