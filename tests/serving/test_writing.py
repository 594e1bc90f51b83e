"""An LLM writes: in events, on the page, and never more than the user allowed."""

import json
import re
from contextlib import contextmanager
from http import HTTPStatus

import pytest
from llms.stub import Stub
from served import NOTES, serving
from support import HANGS_S, QUICK, write_notes

QUESTION = "what is the capital of France?"
FRANCE = {"france.md": "# France\n\nThe capital of France is Paris.\n"}
HOSTILE = (
    "The capital of France is Paris [1]. <script>alert(1)</script> <img src=x onerror=alert(1)> "
    "[click](https://evil.example/?q=1) is best [1]. It is the most beautiful city of all."
)


@contextmanager
def served(folder, *args, env=None):
    """A server with an LLM, once it can answer."""
    write_notes(folder / "notes", NOTES | FRANCE)
    env = QUICK | {"XDG_CONFIG_HOME": str(folder / "config")} | (env or {})
    with serving(folder, "serve", "--no-open", "--port", "0", *args, env=env) as server:
        while server.ask("/api/status").status != HTTPStatus.OK:
            pass
        yield server


@pytest.fixture(scope="module")
def llm():
    with Stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def server(tmp_path_factory, llm):
    folder = tmp_path_factory.mktemp("written")
    with served(folder, "--llm", "openai:tiny", env=llm.environment("openai", "ok")) as found:
        yield found


@pytest.fixture(scope="module")
def waiting(tmp_path_factory, llm):
    folder = tmp_path_factory.mktemp("waiting")
    env = llm.environment("openai", "drips")
    with served(folder, "--llm", "openai:tiny", env=env) as found:
        yield found


def test_a_request_cannot_choose_an_llm(server):
    got = server.ask("/api/ask", question=QUESTION, llm="openai:large")
    assert got.status == 400
    assert "cannot choose an LLM" in got.document["error"]


def test_the_page_shows_excerpts_and_streams_what_is_written(server, llm):
    page = server.ask("/", q=f"{QUESTION} please").text
    assert "Paris" in page
    assert 'data-stream="/written?' in page
    with server.events("/written", q=f"{QUESTION} please") as events:
        names, documents = zip(*events, strict=True)
    assert names == ("sentence", "answer")
    assert documents[0] == {"text": "The capital is Paris.", "mark": ""}
    assert '<a href="#c1">[1]</a>' in documents[1]["html"]
    asked = len(llm.requests)
    assert "The capital is Paris." in server.ask("/", q=f"{QUESTION} please").text
    assert len(llm.requests) == asked


def test_without_script_the_page_has_the_whole_answer(server):
    page = server.ask("/", q=QUESTION).text
    assert "<noscript><meta" in page or "The capital is Paris." in page
    whole = server.ask("/", q=QUESTION, whole=1).text
    assert "The capital is Paris." in whole
    assert "Written by openai:tiny" in whole


def test_others_are_answered_while_an_llm_writes_and_it_is_left_when_the_reader_leaves(
    waiting, llm
):
    with waiting.events("/written", q=QUESTION):
        while not any("drips" in path for path, *_ in llm.requests):
            pass  # it reads the passages before it asks
        assert waiting.ask("/api/ask", question=QUESTION, llm="none").status == 200
        assert not llm.client_left.is_set()
    assert llm.client_left.wait(HANGS_S)


def test_what_was_not_allowed_is_refused_with_the_command_that_allows_it(tmp_path):
    env = {"OPENAI_BASE_URL": "https://llm.example/v1", "OPENAI_API_KEY": "sk-none-0123456789"}
    with served(tmp_path, "--llm", "openai:tiny", env=env) as server:
        got = server.ask("/api/ask", question=QUESTION)
        with server.events("/written", q=QUESTION) as events:
            ((_, error),) = events
        page = server.ask("/", q=QUESTION).text
    assert got.status == 403
    assert "llm.example, which you have not allowed yet; nothing was sent" in got.document["error"]
    assert got.document["hint"] == "start the server again with --yes"
    assert error == got.document
    assert "start the server again with --yes" in page
    assert "Paris" in page
    assert "data-stream" not in page


def test_what_an_llm_writes_is_text(tmp_path):
    script = tmp_path / "says.jsonl"
    script.write_text(json.dumps({"when": "", "say": HOSTILE}))
    with served(tmp_path, "--llm", f"scripted:{script}") as server:
        with server.events("/written", q=QUESTION) as events:
            *sentences, (_, answer) = events
        whole = server.ask("/", q=QUESTION, whole=1).text
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
