"""A server in a process of its own: where it listens, what it bears, and how it ends."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from hashed import KNOWS_HASHED
from served import NOTES, serving
from served_mcp import built
from support import QUICK, write_notes

from ragqa.serving.guard import MOST_CONNECTIONS


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The server, and where its browser says what it was told."""
    folder = tmp_path_factory.mktemp("listening")
    write_notes(folder / "notes", NOTES)
    built(folder)
    told, browser = folder / "told", folder / "browser"
    os.mkfifo(told)
    browser.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    browser.chmod(0o700)
    # The process that updates the index knows the embedder without a model, too.
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(KNOWS_HASHED)
    path = os.pathsep.join(filter(None, [str(folder / "site"), os.environ.get("PYTHONPATH")]))
    env = QUICK | {"BROWSER": f"{browser} %s", "PYTHONPATH": path}
    with ExitStack() as opened, serving(folder, "serve", "--port", "0", env=env) as server:
        # The browser runs in the foreground until somebody reads what it was told.
        assert server.ask("/").status == 200
        address = told.read_text().strip()
        yield server, address
        line = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        head = f"POST /api/ask HTTP/1.1\r\nHost: {server.host}\r\n"
        line.sendall(f"{head}Authorization: Bearer {server.token}\r\n".encode())
        line.sendall(b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        assert line.recv(99).startswith(b"HTTP/1.1 100")  # its body never comes
    assert not Path(address.removeprefix("file://")).parent.exists()


@pytest.fixture
def server(started):
    return started[0]


def test_the_browser_is_given_a_private_page(started):
    server, address = started
    page = Path(address.removeprefix("file://"))
    assert server.start.partition("=")[2] not in address
    assert f"http://{server.host}{server.start}" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.parent.stat().st_mode & 0o777 == 0o700


def test_it_listens_on_this_machine_only(server):
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    ours = [one for one in listening if one.endswith(f":{server.port:04X}")]
    assert ours == [f"0100007F:{server.port:04X}"]
    assert "server" not in server.ask("/").headers


CHUNKS = ("10000\r\n" + "x" * 0x10000 + "\r\n") * 20 + "0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Length": "5000000"}, "{}"), ({"Transfer-Encoding": "chunked"}, CHUNKS)],
)
def test_a_body_is_read_no_further_than_the_limit(server, headers, body):
    got = server.ask("/api/verify", method="POST", headers=headers, body=body)
    assert got.status == 413
    assert "Content Too Large" in got.text


def test_of_too_many_connections_one_is_told_to_come_back(server):
    head = f"POST /api/ask HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.token}"
    unfinished = ("", "GET / HT", f"{head}\r\nContent-Length: 9\r\n\r\n" + "{")
    with ExitStack() as opened:
        for n in range(MOST_CONNECTIONS):
            if n == MOST_CONNECTIONS // 2:
                assert server.ask("/api/ask", question="tea").status == 200
            line = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            line.sendall(unfinished[n % 3].encode())
        got = server.ask("/static/style.css")
        assert (got.status, got.text) == (503, "Service Unavailable")
    while server.ask("/static/style.css").status != 200:
        pass  # it is told of one after the other that it was closed


def test_a_new_note_is_found_without_asking_for_it(server):
    write_notes(server.folder, {"coffee.md": "# Coffee\n\nThe roastery delivers on Tuesdays.\n"})
    while server.ask("/api/status").document["index"]["notes"] == len(NOTES):
        pass  # each answer takes a moment
    answer = server.ask("/api/ask", question="when does the roastery deliver?").document
    assert answer["citations"][0]["path"] == "coffee.md"
