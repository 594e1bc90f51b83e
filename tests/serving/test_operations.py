"""The operations of a server: MCP and HTTP take the same requests, and refuse the same ones."""

import logging

import pytest
from served import Guarded
from served_mcp import listed_tools, talk, text_of
from starlette.responses import PlainTextResponse
from support import QUICK, run_ragqa

from ragqa.errors import IndexNotWritable, NoSuchTag
from ragqa.serving.warm import Freshness
from ragqa.serving.web import web_app
from ragqa.serving.wording import BUG

pytest.importorskip("mcp", reason="the extra mcp is not installed")
serving = pytest.importorskip("ragqa.serving.mcp")

INSIDE = "a line of a note that is private"


def test_a_request_is_refused_in_the_same_words_at_both_doors(folder, site):
    calls = [
        ("ask", {}),
        ("search", {"query": "tea", "limit": "0"}),
        ("search", {"query": "tea", "limit": "few"}),
        ("get", {"address": "nowhere.md"}),
        ("search", {"query": "tea", "since": "soon"}),
        ("search", {"query": "tea", "where": ["status"]}),
        ("verify", {}),
    ]
    for (name, given), by_mcp in zip(calls, talk(folder, *calls), strict=True):
        said, _, _ = text_of(by_mcp).partition(" Try: ")
        assert by_mcp.is_error
        by_http = site.ask(f"/api/{name}", **given)
        assert by_http.status == 400
        assert f"{by_http.document['error']}.".removeprefix("/api/") == said
    assert site.ask("/api/nothing").document["error"] == "Not Found"
    assert "does not take 'tags'" in site.ask("/api/search", query="a", tags="b").document["error"]


def test_what_a_tool_takes_is_what_http_takes_under_the_names_of_its_options(folder, site):
    tools = {tool.name: tool for tool in listed_tools(folder)}
    for name in ("ask", "search", "get", "verify", "status"):
        hint = site.ask(f"/api/{name}", nothing=1).document["hint"]
        taken = hint.partition(" takes ")[2].split(", ")
        options = {"tags": "tag", "paths": "path"}
        fields = [options.get(one, one) for one in tools[name].input_schema["properties"]]
        fields.remove("max_tokens")
        assert set(taken) - {"llm"} == set(fields or ["nothing"])


def test_both_doors_give_the_document_of_the_command_line(folder, site):
    question = "at how many degrees is green tea brewed for rabbits?"
    (by_mcp,) = talk(folder, ("ask", {"question": question}))
    by_http = site.ask("/api/ask", question=question).document
    printed = run_ragqa("ask", question, "--json", "--corpus", folder / "notes", env=QUICK).document
    assert by_http["citations"][0]["path"] == "tea.md"
    assert by_http["no_note_has"] == ["rabbits"]
    for same in ("verdict", "no_note_has", "citations"):
        assert by_http[same] == printed[same] == by_mcp.structured_content[same]
    assert list(by_http) == list(printed)


def test_both_doors_give_the_same_of_quotes_and_warnings(folder, site):
    quotes = {"quotes": [{"quote": "The printer is on the third floor."}]}
    search = {"query": "tea", "since": "2024"}
    verified, found = talk(folder, ("verify", quotes), ("search", search))
    body = b'{"quotes": [{"quote": "The printer is on the third floor."}]}'
    by_http = site.ask("/api/verify", method="POST", body=body).document
    assert by_http["citations"] == verified.structured_content["citations"]
    (warning,) = site.ask("/api/search", **search).document["warnings"]
    assert "were left out by the filter of dates" in warning
    assert found.structured_content["warnings"] == [warning]


class Failing:
    """An index whose use fails."""

    def __init__(self, error):
        self.error, self.writer, self.freshness = error, None, Freshness()

    def use(self, *_, **__):
        raise self.error


@pytest.mark.parametrize(
    ("error", "by_mcp", "by_http"),
    [
        (
            IndexNotWritable("no room is left", hint="free some space"),
            "no room is left. Try: tell the user: free some space",
            "free some space",
        ),
        (
            NoSuchTag("teas", ("tea",)),
            "no note has the tag teas; nearest: tea. Try: list with what='tags'",
            "",
        ),
    ],
)
def test_each_door_says_what_helps_whoever_asked_there(error, by_mcp, by_http):
    told = serving._call(Failing(error), "list", {})
    assert text_of(told) == by_mcp
    got = Guarded(web_app(Failing(error))).ask("/api/search", query="tea")
    assert got.document["hint"] == by_http


def test_a_bug_costs_one_request_shows_nothing_of_itself_and_is_logged(caplog):
    broken = Failing(ZeroDivisionError(INSIDE))
    with caplog.at_level(logging.WARNING, "ragqa"):
        page = Guarded(web_app(broken)).ask("/about")
        tool = serving._call(broken, "ask", {"question": "tea"})
    assert page.status == 500
    assert BUG.capitalize() in page.text
    assert tool.is_error
    assert BUG in text_of(tool)
    for each in (INSIDE, "ZeroDivisionError", "Traceback", ".py"):
        assert each not in page.text + text_of(tool)
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" not in caplog.text
    with caplog.at_level(logging.DEBUG, "ragqa"):
        Guarded(web_app(broken)).ask("/")
    assert "Traceback" in caplog.text


def test_whatever_an_application_raises_ends_at_the_guard(caplog):
    async def app(scope, receive, send):
        await PlainTextResponse("sorry", status_code=500)(scope, receive, send)
        raise ZeroDivisionError(INSIDE)

    got = Guarded(app).ask("/mcp")
    assert (got.status, got.text) == (500, "sorry")
    assert BUG in caplog.text
