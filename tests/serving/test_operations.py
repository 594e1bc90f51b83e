"""The operations of a server: MCP and HTTP take the same requests, and refuse the same ones."""

import json
from urllib.parse import urlencode

import anyio
import pytest
from served import NOTES, guarding
from served_mcp import built, connected, talk, text_of
from support import write_notes

from ragqa.errors import IndexNotWritable, NoSuchTag
from ragqa.serving.web import web_app

pytest.importorskip("mcp", reason="the extra mcp is not installed")

FILTERS = {"tags": "tag", "paths": "path"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("operations")
    write_notes(folder / "notes", NOTES)
    return folder


def over_http(folder, name, given):
    """What HTTP answers to an operation, with its error and its hint as one text."""
    query = urlencode(given, doseq=True).encode()
    _, _, body = anyio.run(guarding(web_app(built(folder))), f"/api/{name}", query)
    document = json.loads(body)
    return document, f"{document.get('error')}. Try: {document.get('hint')}"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("ask", {}),
        ("search", {"query": "tea", "limit": "0"}),
        ("search", {"query": "tea", "limit": "few"}),
        ("get", {}),
        ("get", {"address": "nowhere.md"}),
        ("search", {"query": "tea", "since": "soon"}),
        ("verify", {}),
    ],
)
def test_a_request_is_refused_in_the_same_words_at_both_doors(folder, name, given):
    (by_mcp,) = talk(folder, (name, given))
    _, by_http = over_http(folder, name, given)
    said, _, _ = text_of(by_mcp).partition(" Try: ")
    assert by_mcp.is_error
    assert by_http.removeprefix("/api/").startswith(said)


def test_what_a_tool_takes_is_what_http_takes_under_the_names_of_its_options(folder):
    async def run():
        async with connected(folder) as session:
            return (await session.list_tools()).tools

    tools = {tool.name: tool for tool in anyio.run(run)}
    for name in ("ask", "search", "get", "verify", "status"):
        _, said = over_http(folder, name, {"nothing": 1})
        taken = said.partition(" takes ")[2].split(", ")
        fields = [FILTERS.get(one, one) for one in tools[name].input_schema["properties"]]
        fields.remove("max_tokens")
        assert set(taken) - {"llm"} == set(fields or ["nothing"])


def test_quotes_are_verified_over_http_as_by_a_tool(folder):
    given = {"quotes": [{"quote": "The printer is on the third floor."}]}
    (by_mcp,) = talk(folder, ("verify", given))

    async def post():
        body = {"type": "http.request", "body": json.dumps(given).encode()}
        return await guarding(web_app(built(folder)))("/api/verify", begun=body)

    _, _, body = anyio.run(post)
    assert json.loads(body)["citations"] == by_mcp.structured_content["citations"]


class Failing:
    """An index whose use fails in a way that a user can mend."""

    def __init__(self, error):
        self.error, self.writer, self.freshness = error, None, None

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
    serving = pytest.importorskip("ragqa.serving.mcp")
    told = serving._call(Failing(error), "list", {})
    assert text_of(told) == by_mcp
    got = anyio.run(guarding(web_app(Failing(error))), "/api/search", b"query=tea")
    assert json.loads(got[2])["hint"] == by_http


def test_a_warning_about_a_filter_names_no_option_of_the_command_line(folder):
    given = {"query": "tea", "since": "2024"}
    (by_mcp,) = talk(folder, ("search", given))
    by_http, _ = over_http(folder, "search", given)
    assert by_http["warnings"] == by_mcp.structured_content["warnings"]
    assert "were left out by the filter of dates" in by_http["warnings"][0]
