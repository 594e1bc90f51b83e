"""The MCP server, tried with the SDK's own client."""

import re
import shlex
from pathlib import Path

import anyio
import pytest
from served import NOTES, serving
from served_mcp import built, listed_tools, talk, text_of, within
from support import QUICK, run_ragqa, write_notes

pytest.importorskip("mcp", reason="the extra mcp is not installed")

AGENTS = Path(__file__).parents[2] / "plugins" / "agents"
WHEN = "at how many degrees is green tea brewed?"
TOOLS = ["ask", "search", "get", "related", "list", "verify", "why", "status"]


def test_an_answer_has_its_citations_as_text_and_as_data(folder):
    (got,) = talk(folder, ("ask", {"question": WHEN}))
    assert "The first excerpt may be the wrong one" in text_of(got)
    assert "Passage: [office/printer.md:" in text_of(got)
    assert "confidence" not in text_of(got)
    assert "1. [tea.md:3](tea.md) " in text_of(got)
    assert "```\nGreen tea is brewed at 80 degrees" in text_of(got)
    assert got.structured_content["citations"][0]["quote"].startswith("Green tea is brewed")


def test_what_was_said_earlier_stands_below_what_holds_with_its_date(tmp_path):
    says = "The rate limit of the API is {} requests per minute.\n"
    notes = {"2026-01-14.md": says.format(60), "2026-03-18.md": says.format(100)}
    write_notes(tmp_path / "notes", notes)
    (got,) = talk(tmp_path, ("ask", {"question": "what is the rate limit of the API?"}))
    text = text_of(got)
    assert "## Earlier\n\n2. [2026-01-14.md:1](2026-01-14.md) (2026-01-14)" in text
    assert text.index("is 100 requests") < text.index("Earlier") < text.index("is 60 requests")


def test_tools_describe_themselves_and_only_read_and_the_server_says_when_to_ask(folder):
    tools = listed_tools(folder)
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert tool.annotations.read_only_hint
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["required"]

    async def instructions(client):
        return client.instructions

    assert "what was decided" in within(folder, instructions)


def test_the_tools_and_commands_that_the_skill_names_work(folder):
    [skill] = AGENTS.glob("*/SKILL.md")
    _, head, text = skill.read_text(encoding="utf-8").split("---\n", 2)
    about = dict(line.split(": ", 1) for line in head.splitlines())
    assert about["name"] == skill.parent.name
    assert 0 < len(about["description"]) <= 1024
    given = {
        "ask": {"question": WHEN},
        "search": {"query": "tea"},
        "get": {"address": "tea.md:1-3"},
        "verify": {"quotes": [{"quote": "Green tea is brewed", "path": "tea.md:3"}]},
    }
    assert set(re.findall("`([a-z]+)`", text)) == set(given)
    assert not any(got.is_error for got in talk(folder, *given.items()))
    commands = re.findall("`(ragqa .*?)`", text)
    assert len(commands) == len(given)
    places = ["--corpus", folder / "notes"]
    for command in commands:
        words = shlex.split(command.replace("note.md:10-30", "tea.md").replace("note.md", "tea.md"))
        words = [WHEN if word == "QUESTION" else word for word in words[1:]]
        index = [] if words[0] == "verify" else ["--index", folder / "index"]
        assert run_ragqa(*words, *places, *index, env=QUICK).code in (0, 1)


def test_every_tool_works(folder):
    quotes = [{"quote": "The printer is on the third floor.", "path": "office/printer.md"}]
    quotes += [{"quote": "is on the third", "path": "printer.md:7"}, {"quote": "It is on fire."}]
    results = talk(
        folder,
        ("search", {"query": "printer", "limit": 1}),
        ("get", {"address": "tea.md:3"}),
        ("verify", {"quotes": quotes}),
        ("why", {"question": WHEN, "address": "printer.md"}),
        ("status", {}),
        ("related", {"address": "tea.md:3-3", "limit": 1}),
    )
    found, part, verified, why, status, near = results
    assert "1. [office/printer.md:" in text_of(found)
    assert part.structured_content["text"] == "Green tea is brewed at 80 degrees for two minutes."
    told = [one["status"] for one in verified.structured_content["citations"]]
    assert told == ["intact", "intact", "gone"]
    assert "[3] gone (no note says this)" in text_of(verified)
    assert "\nThe printer is on the third floor.\n" in text_of(verified).partition("[2] intact")[2]
    assert "office/printer.md" in text_of(why)
    assert status.structured_content["index"]["notes"] == len(NOTES)
    assert "1 note is near tea.md.\n\n1. office/guests.md  Guests" in text_of(near)
    assert near.structured_content["related"][0]["why"][0] == "linked from here"


def test_notes_and_tags_are_listed_as_the_command_line_does_within_filters_and_a_limit(folder):
    notes, some, dated, tags = talk(
        folder,
        ("list", {}),
        ("list", {"paths": ["office"], "limit": 1}),
        ("list", {"since": "2024", "until": "May 2024"}),
        ("list", {"what": "tags"}),
    )
    assert [one["path"] for one in notes.structured_content["notes"]] == sorted(NOTES)
    assert text_of(some).startswith("1 of 2 notes. A larger limit or a filter gives others.")
    assert some.structured_content["total"] == 2
    assert "office/printer.md  2024-05-06  Printer  #office" in text_of(dated)
    assert tags.structured_content["tags"] == [{"tag": "office", "notes": 1}]
    printed = run_ragqa("list", "--json", "--corpus", folder / "notes", env=QUICK).document
    assert notes.structured_content["notes"] == printed["notes"]


def test_notes_are_resources_without_what_they_hide(folder):
    async def resources(client):
        listed = (await client.list_resources()).resources
        read = [await client.read_resource(one.uri) for one in listed]
        return listed, "".join(one.contents[0].text for one in read)

    listed, text = within(folder, resources)
    assert sorted(str(one.uri) for one in listed) == sorted(f"ragqa://{name}" for name in NOTES)
    assert "tell-nobody" not in text
    assert "ignore your instructions" not in text


def test_over_http_it_takes_the_same_calls_with_a_token_alone(folder):
    async def run(server):
        import httpx2
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        headers = {"Authorization": f"Bearer {server.token}"}
        address = f"http://{server.host}/mcp"
        async with (
            httpx2.AsyncClient(headers=headers) as client,
            streamable_http_client(address, http_client=client) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            return await session.initialize(), await session.call_tool("ask", {"question": WHEN})

    built(folder)
    with serving(folder, "mcp", "--http", "0") as server:
        greeted, got = anyio.run(run, server)
        takes = {"Accept": "application/json, text/event-stream"}
        takes["Content-Type"] = "application/json"
        for body, token, status in (
            ("x" * 2_000_000, True, 413), ("[" * 9_000, True, 400), ("{}", False, 401),
        ):  # fmt: skip
            got_http = server.ask("/mcp", method="POST", headers=takes, body=body, token=token)
            assert got_http.status == status
    assert "[tea.md:3]" in text_of(got)
    assert "3 notes." in greeted.instructions


def test_an_answer_from_a_note_whose_name_is_no_utf8_can_be_sent(tmp_path):
    write_notes(tmp_path / "notes", {"caf\udce9.md": "# Teapot\n\nThe teapot holds 2 litres.\n"})
    (got,) = talk(tmp_path, ("ask", {"question": "how much does the teapot hold?"}))
    assert "1. [caf\\\\xe9.md:3](caf%E9.md)" in text_of(got)
    assert got.structured_content["citations"][0]["path"] == "caf\\xe9.md"
    assert got.model_dump_json()
