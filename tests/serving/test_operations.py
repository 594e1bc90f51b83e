"""The operations of a server: MCP and HTTP take the same requests, and refuse the same ones."""

import logging

import pytest
from served import Guarded
from served_mcp import listed_tools, talk, text_of
from starlette.responses import PlainTextResponse
from support import QUICK, run_ragqa

from ragqa.errors import IndexNotWritable, NoSuchTag
from ragqa.serving.failures import BUG
from ragqa.serving.updates import Freshness
from ragqa.serving.web import web_app

pytest.importorskip("mcp", reason="the extra mcp is not installed")
serving = pytest.importorskip("ragqa.serving.mcp")

WHEN = "at how many degrees is green tea brewed?"
INSIDE = "a line of a note that is private"


BAD_CALLS = [
    (
        "ask",
        {"question": WHEN, "corpus": "/etc"},
        "does not take 'corpus'. Try: ask takes question",
    ),
    ("ask", {}, "ask needs question. Try: ask takes question, "),
    ("list", {"limit": 9_999}, "list takes limit as a whole number from 1 to 1000."),
    ("ask", {"question": WHEN, "max_tokens": "few"}, "takes max_tokens as a whole number from 50"),
    ("ask", {"question": WHEN, "tags": "tea"}, "ask takes tags as a list of texts."),
    ("ask", {"question": 3}, "ask takes question as text."),
    ("list", {"what": "all"}, "list takes what as notes or tags."),
    ("search", {"query": ""}, "is empty. Try: give some words to look for"),
    ("verify", {"quotes": [{}]}, "quotes as a list of at most 50 objects with quote and path."),
    ("verify", {"quotes": [{"quote": "a", "line": 3}]}, "quotes as a list of at most 50 objects"),
    ("verify", {"answer": "[]"}, "it is not an object. Try: give quotes, or a whole saved answer"),
    ("ask", {"question": "x" * 100_000}, "at most 8000 are read"),
    ("ask", {"question": WHEN, "since": "soon"}, "not a date"),
    ("get", {"address": "../../etc/passwd"}, "outside the folder of notes"),
    ("get", {"address": "nowhere.md"}, "there is no note"),
    ("verify", {}, "either an answer or quotes"),
    ("verify", {"quotes": [{"quote": "tea"}, {"quote": " \n"}]}, "quote 2 is empty"),
    ("verify", {"answer": "[" * 100_000}, "not a saved answer"),
    ("get", {"address": "tea.md:99"}, "no line 99. Try: tea.md:5"),
    ("ask", {"question": WHEN, "tags": ["coffee"]}, "nearest: office. Try: list with what='tags'"),
    ("list", {"where": ["colour=red"]}, "Try: the tool list"),
    ("search", {"query": WHEN, "tags": ["x"] * 60_000}, "at most 100 tags, paths and properties"),
]


def test_a_bad_call_is_a_sentence_that_the_model_sees_and_the_same_over_http(folder, site):
    results = talk(folder, *((tool, given) for tool, given, _ in BAD_CALLS))
    for got, (tool, given, said) in zip(results, BAD_CALLS, strict=True):
        assert got.is_error
        told, _, by_the_user = text_of(got).partition("tell the user: ")
        assert said in told + by_the_user
        assert "--" not in told
        assert "ragqa " not in told
        if tool in ("get", "verify"):
            by_http = site.ask(f"/api/{tool}", method="POST", **given)
            assert by_http.status in (400, 404)
            assert told.startswith(f"{by_http.document['error']}.".removeprefix("/api/"))


def test_what_a_tool_takes_is_what_http_takes_under_the_names_of_its_options(folder, site):
    tools = {tool.name: tool for tool in listed_tools(folder)}
    for name in ("ask", "search", "get", "verify", "status"):
        hint = site.ask(f"/api/{name}", nothing=1).document["hint"]
        taken = hint.partition(" takes ")[2].split(", ")
        options = {"tags": "tag", "paths": "path"}
        fields = [options.get(one, one) for one in tools[name].input_schema["properties"]]
        fields.remove("max_tokens")
        assert set(taken) - {"llm"} == set(fields or ["nothing"])


def test_both_doors_give_the_document_of_the_command_line_and_the_same_warnings(folder, site):
    question, search = "how hot is green tea for rabbits?", {"query": "tea", "since": "2024"}
    by_mcp, found = talk(folder, ("ask", {"question": question}), ("search", search))
    by_http = site.ask("/api/ask", question=question).document
    printed = run_ragqa("ask", question, "--json", "--corpus", folder / "notes", env=QUICK).document
    assert by_http["citations"][0]["path"] == "tea.md"
    assert by_http["no_note_has"] == ["rabbits"]
    for same in ("verdict", "no_note_has", "citations"):
        assert by_http[same] == printed[same] == by_mcp.structured_content[same]
    assert list(by_http) == list(printed)
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
