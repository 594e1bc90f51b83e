"""A client of the MCP server that means harm: it gets errors and nothing else."""

import json
import os
import subprocess

import pytest
from hashed import COMMAND
from served import NOTES
from support import HANGS_S, QUICK, write_notes

pytest.importorskip("mcp", reason="the extra mcp is not installed")

OUTSIDE = "what lies outside of the notes"
GREETING = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


class Client:
    """Speaks to the server line by line, whatever the protocol says."""

    def __init__(self, folder):
        self._server = subprocess.Popen(
            [*COMMAND, "mcp", "--corpus", str(folder / "notes")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | QUICK | {"RAGQA_INDEX": str(folder / "index")},
            cwd=folder,
        )
        self._last = 0
        self.ask("initialize", GREETING)
        self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        while self.call("status")["result"].get("isError"):
            pass  # it waits itself before it says that the index is being built

    def say(self, message):
        """Send a message, or any bytes as a line."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self._server.stdin.write(data + b"\n")
        self._server.stdin.flush()

    def send(self, method, params):
        """Send a request; gives its id."""
        self._last += 1
        self.say({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        return self._last

    def answers(self, *ids):
        """The answers to these requests, in the order in which they come."""
        wanted = set(ids)
        for line in self._server.stdout:
            answer = json.loads(line)
            assert OUTSIDE not in line.decode()
            if answer.get("id") in wanted:
                wanted.remove(answer["id"])
                yield answer
            if not wanted:
                return

    def ask(self, method, params=None):
        """Send a request; gives its answer."""
        (answer,) = self.answers(self.send(method, params or {}))
        return answer

    def call(self, tool, **given):
        """Call a tool; gives its answer."""
        return self.ask("tools/call", {"name": tool, "arguments": given})

    def close(self):
        self._server.stdin.close()
        assert self._server.wait(HANGS_S) == 0
        assert self._server.stdout.read() == b""
        self._server.stdout.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    notes = write_notes(folder / "notes", NOTES)
    (folder / "outside.md").write_text(f"# Outside\n\n{OUTSIDE}\n")
    (notes / "link.md").symlink_to(folder / "outside.md")
    (notes / "folder").symlink_to(folder)
    made = Client(folder)
    yield made
    made.close()


def is_served(client):
    """Whether the server still answers as it should."""
    part = client.call("get", address="tea.md:3")["result"]["structuredContent"]
    return part["text"] == "Green tea is brewed at 80 degrees for two minutes."


@pytest.mark.parametrize(
    "line",
    [
        b"", b"not json", b"[]", b'{"jsonrpc": "1.0", "id": {}, "method": 7}',
        b'{"jsonrpc": "2.0", "id": 1e999, "method": "ping"}', b"\xff\xfe\x00 not utf-8",
        b"[" * 100_000, b"x" * 5_000_000,
    ],
    ids=range(8),
)  # fmt: skip
def test_a_line_that_is_no_message_costs_nobody_else_anything(client, line):
    client.say(line)
    assert is_served(client)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/destroy", {}),
        ("tools/call", {}),
        ("tools/call", {"name": "write", "arguments": {}}),
        ("tools/call", {"name": "get", "arguments": "tea.md"}),
        ("resources/read", {"uri": 7}),
    ],
)
def test_a_request_that_cannot_be_met_is_an_error_of_the_protocol(client, method, params):
    answer = client.ask(method, params)
    assert "error" in answer
    assert "Traceback" not in answer["error"]["message"]
    assert is_served(client)


@pytest.mark.parametrize(
    "address",
    [
        "../outside.md", "office/../../outside.md", "folder/outside.md", "link.md", "/etc/passwd",
        "file:///etc/passwd", "%2e%2e/outside.md", "tea.md\x00.md", "", "tea.md:-1:5",
        "tea.md:99999999999999999999", "x" * 200_000,
    ],
    ids=range(12),
)  # fmt: skip
def test_an_address_that_leads_out_or_nowhere_is_an_error(client, address):
    result = client.call("get", address=address)["result"]
    assert result["isError"]
    assert len(result["content"][0]["text"]) < 2_000


@pytest.mark.parametrize(
    "uri",
    [
        "ragqa://%2e%2e/outside.md", "ragqa://folder/outside.md", "ragqa://%2fetc%2fpasswd",
        "ragqa://%00", "ragqa://", "file:///etc/passwd", "https://evil.example/",
    ],
)  # fmt: skip
def test_no_resource_is_read_but_a_note(client, uri):
    assert "error" in client.ask("resources/read", {"uri": uri})
