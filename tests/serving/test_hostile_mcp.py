"""A client of the MCP server that means harm: it gets errors and nothing else."""

import json
import os
import subprocess
from urllib.parse import quote

import pytest
from hashed import COMMAND
from served_mcp import built, text_of, within
from support import HANGS_S, QUICK

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

GREETING = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
NO_MESSAGES = (
    b"", b"not json", b"[]", b'{"jsonrpc": "1.0", "id": {}, "method": 7}',
    b'{"jsonrpc": "2.0", "id": 1e999, "method": "ping"}', b"\xff\xfe\x00 not utf-8",
    b"[" * 100_000, b"x" * 5_000_000,
)  # fmt: skip
REFUSED = (
    ("tools/destroy", {}),
    ("tools/call", {}),
    ("tools/call", {"name": "write", "arguments": {}}),
    ("tools/call", {"name": "get", "arguments": "tea.md"}),
    ("resources/read", {"uri": 7}),
)


@pytest.fixture
def started(folder):
    """The server in a process of its own that has greeted, and what says a message to it."""
    built(folder)
    with subprocess.Popen(
        [*COMMAND, "mcp", "--corpus", str(folder / "notes")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | QUICK | {"RAGQA_INDEX": str(folder / "index")},
    ) as server:

        def say(message):
            server.stdin.write(message + b"\n")
            server.stdin.flush()

        def ask(method, params):
            asked = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
            say(json.dumps(asked).encode())
            answers = map(json.loads, server.stdout)
            return next(one for one in answers if one.get("id") == method)

        ask("initialize", GREETING)
        say(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')
        yield server, say, ask
        server.stdin.close()
        assert server.wait(HANGS_S) == 0
        assert b"bug" not in server.stderr.read()


def test_neither_a_line_that_is_no_message_nor_a_request_that_cannot_be_met_ends_it(started):
    _, say, ask = started
    for line in NO_MESSAGES:
        say(line)
    for method, params in REFUSED:
        assert "Traceback" not in ask(method, params)["error"]["message"]
    got = ask("tools/call", {"name": "get", "arguments": {"address": "tea.md:3"}})
    assert got["result"]["structuredContent"]["text"].startswith("Green tea is brewed")


def test_a_client_that_reads_no_more_ends_it_quietly(started):
    server, say, _ = started
    server.stdout.close()
    say(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}')


ADDRESSES = (
    "../outside.md", "office/../../outside.md", "link-./outside.md", "link-outside.md",
    "/etc/passwd", "file:///etc/passwd", "%2e%2e/outside.md", "tea.md\x00.md", "", "tea.md:-1:5",
    "tea.md:99999999999999999999", "x" * 200_000,
)  # fmt: skip


def test_neither_an_address_nor_a_resource_leads_out_or_nowhere(folder):
    async def read(client):
        for address in ADDRESSES:
            got = await client.call_tool("get", {"address": address})
            assert got.is_error
            assert len(text_of(got)) < 2_000
            with pytest.raises(mcp.MCPError):
                await client.read_resource(f"ragqa://{quote(address)}")

    within(folder, read)
