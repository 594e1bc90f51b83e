"""Who is turned away, tried with a real client against the running server."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import anyio
import pytest
import uvicorn
from served import NOTES, guarding, serving
from starlette.responses import PlainTextResponse
from support import QUICK, write_notes
from uvicorn.server import ServerState

from ragqa.serving import guard as guard_module
from ragqa.serving.guard import HEAD_S, MOST_AT_ONCE, MOST_WAITING, Connection, Guard

ASK = "/api/ask"
# Obsidian asks for the application, not for a page, so it sends no Origin.
OBSIDIAN = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 421),
        ("GET", {"Host": "127.0.0.1:1"}, 421),
        ("GET", {"Origin": "https://evil.example"}, 403),
        ("GET", OBSIDIAN, 200),
        ("GET", OBSIDIAN | {"Authorization": ""}, 401),
        ("GET", OBSIDIAN | {"Origin": "app://obsidian.md"}, 403),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", {"Authorization": "Bearer"}, 401),
        ("GET", {"Authorization": "Bearer wrong"}, 401),
        ("GET", {"Authorization": "", "Cookie": "ragqa-PORT=guessed; other"}, 401),
    ],
)
def test_only_a_program_with_the_token_and_the_servers_own_page_are_answered(
    server, method, headers, status
):
    headers = {name: text.replace("PORT", str(server.port)) for name, text in headers.items()}
    got = server.ask(ASK, method=method, headers=headers, question="how hot is green tea brewed?")
    assert got.status == status
    assert ("80 degrees" in got.text) == (status == 200)
    assert status == 200 or got.document.keys() == {"error", "hint"}
    assert "access-control-allow-origin" not in got.headers


def test_the_address_opens_a_session_once(server):
    first = server.ask(server.start, token=False)
    cookie = first.headers["set-cookie"]
    assert cookie.startswith(f"ragqa-{server.port}=")
    assert first.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in first.text
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.casefold()
    session = {"Cookie": cookie.partition(";")[0]}
    assert server.ask("/", token=False, headers=session).status == 200
    # Requests of a page on another port carry the cookie, too.
    for site in ("same-site", "cross-site"):
        headers = session | {"Sec-Fetch-Site": site}
        assert server.ask(ASK, token=False, headers=headers, question="tea").status == 401
    again = server.ask(server.start, token=False)
    assert again.status == 401
    assert "set-cookie" not in again.headers


CHUNKS = ("10000\r\n" + "x" * 0x10000 + "\r\n") * 20 + "0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Length": "5000000"}, "{}"), ({"Transfer-Encoding": "chunked"}, CHUNKS)],
)
def test_a_body_is_read_no_further_than_the_limit(server, headers, body):
    got = server.ask("/api/verify", method="POST", headers=headers, body=body)
    assert got.status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/image/../secret.png", "/image/..%2fsecret.png", "/image/link.png",
        "/image/office/printer.md", "/image//etc/passwd", "/note/..%2f..%2fetc%2fpasswd",
        "/note/%00", "/static/..%2fweb.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_folder_of_notes(server, path):
    got = server.ask(path)
    assert got.status in (400, 404)
    assert b"PNG" not in got.body
    assert "root:" not in got.text


@pytest.fixture
def connect(server):
    """Opens connections and sends the beginning of a request on each."""
    with ExitStack() as opened:

        def opening(*beginnings):
            lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in beginnings]
            for line, beginning in zip(lines, beginnings, strict=True):
                opened.enter_context(line)
                line.sendall(beginning.format(host=server.host, token=server.token).encode())
            return lines

        yield opening


def test_nobody_without_a_token_keeps_others_out(server, connect):
    asked = "GET / HTTP/1.1\r\nHost: {host}\r\n"
    unfinished = (
        "", asked, "GET", asked.replace("GET", "POST") + "Content-Length: 9\r\n\r\n",
        f"{asked}\r\n" * 200, f"{asked}Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    )  # fmt: skip
    for _ in range(0, MOST_WAITING, 100):
        connect(*unfinished * 20)
        assert server.ask(ASK, question="tea").status == 200


def test_nobody_with_a_token_keeps_others_out_by_bodies_that_do_not_end(server, connect):
    waits = (
        "POST /api/ask HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    )
    for _ in range(0, MOST_WAITING + MOST_AT_ONCE, MOST_AT_ONCE):
        for line in connect(*[waits] * MOST_AT_ONCE):
            assert line.recv(99).startswith(b"HTTP/1.1 100")
        assert server.ask(ASK, question="tea").status == 200


def test_of_many_requests_at_once_each_is_answered(server, connect):
    lines = connect(*[""] * 150)
    head = f"GET {ASK}?question=tea HTTP/1.1\r\nHost: {server.host}\r\n"
    for line in lines:
        line.sendall(f"{head}Authorization: Bearer {server.token}\r\n\r\n".encode())
    found = {line.recv(12) for line in lines}
    assert found <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}


def test_too_many_requests_with_a_token_are_told_to_come_back(monkeypatch):
    monkeypatch.setattr(guard_module, "MOST_AT_ONCE", 1)

    async def run():
        done = anyio.Event()

        async def app(scope, receive, send):
            await done.wait()
            await PlainTextResponse("tea")(scope, receive, send)

        ask = guarding(app)
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            status, head, body = await ask()
            assert (status, head["retry-after"], head["connection"]) == (503, "1", "close")
            assert head["x-content-type-options"] == "nosniff"
            assert "too many" in body
            # Without a token it is not told even that.
            assert (await ask(given="wrong"))[0] == 401
            done.set()
        assert (await ask())[0] == 200

    anyio.run(run)


def test_a_body_that_does_not_come_in_time_is_refused(monkeypatch):
    monkeypatch.setattr(guard_module, "BODY_S", 0)
    begun = {"type": "http.request", "body": b"{", "more_body": True}

    async def run():
        async def app(*_):
            raise AssertionError("half a request")

        return await guarding(app)(begun=begun)

    status, head, body = anyio.run(run)
    assert (status, head["connection"]) == (408, "close")
    assert "did not come in time" in body


class Line:
    """The transport of a connection, and the event loop with its clock."""

    def __init__(self):
        self.aborted = False
        self.timers = []

    def get_extra_info(self, _):
        return None

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True

    def time(self):
        return 0.0

    def call_later(self, delay, callback):
        timer = Mock(delay=delay, fire=callback)
        self.timers.append(timer)
        return timer

    def create_task(self, coroutine):
        coroutine.close()
        return Mock()


def test_a_connection_whose_request_does_not_begin_in_time_is_cut_off():
    line = Line()
    connection = Connection(uvicorn.Config(Mock()), ServerState(), {}, line)
    connection.connection_made(line)
    connection.data_received(b"GET / HTTP/1.1\r\nHost: ")
    (timer,) = line.timers
    assert timer.delay == HEAD_S
    connection.data_received(b"127.0.0.1:1\r\n")
    assert line.timers == [timer]
    timer.fire()
    assert line.aborted
    connection.data_received(b"\r\n")
    timer.cancel.assert_called_once_with()


def test_a_lost_session_has_a_page_that_says_how_to_go_on(server):
    got = server.ask("/?q=tea", token=False)
    assert got.status == 401
    assert got.headers["content-type"].startswith("text/html")
    assert "the address that ragqa serve printed" in got.text
    assert "start it again" in got.text
    assert "reload this page" in got.text
    assert "Authorization: Bearer" in server.ask("/api/status", token=False).document["error"]
    assert server.ask("/static/style.css", token=False).status == 200
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert server.ask("/static/style.css", token=False, headers=elsewhere).status == 401
    assert server.ask("/static/script.js", token=False).status == 401


def test_a_session_outlives_a_restart_and_ends_with_a_new_token():
    def session(token, port):
        guard = Guard(Mock(), hosts=frozenset((f"127.0.0.1:{port}",)), token=lambda: token)
        return guard, guard._start({"query_string": f"ticket={guard.ticket}".encode()})

    cookie = {"cookie": session("right", 1)[1].headers["set-cookie"].partition(";")[0]}
    for token, port, is_kept in (("right", 1, True), ("other", 1, False), ("", 1, False)):
        assert session(token, port)[0]._has_session(cookie) is is_kept
    renamed = {"cookie": cookie["cookie"].replace("ragqa-1=", "ragqa-2=")}
    assert not session("right", 2)[0]._has_session(renamed)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/image/office/cup.png"])
def test_every_answer_forbids_what_is_not_its_own(server, path):
    headers = server.ask(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


def test_it_listens_on_this_machine_only(server):
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    ours = [one for one in listening if one.endswith(f":{server.port:04X}")]
    assert ours == [f"0100007F:{server.port:04X}"]


def test_the_browser_is_given_a_private_page_and_no_secret_on_its_command_line(tmp_path):
    write_notes(tmp_path / "notes", NOTES)
    told, browser = tmp_path / "told", tmp_path / "browser"
    os.mkfifo(told)
    browser.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    browser.chmod(0o700)
    env = QUICK | {"BROWSER": f"{browser} %s"}
    with serving(tmp_path, "serve", "--port", "0", env=env) as server:
        # The browser runs in the foreground until somebody reads what it was told.
        assert server.ask("/").status == 200
        address = told.read_text().strip()
        page = Path(address.removeprefix("file://"))
        ticket = server.start.partition("=")[2]
        assert ticket not in address
        assert f"http://{server.host}{server.start}" in page.read_text()
        assert page.stat().st_mode & 0o777 == 0o600
        assert page.parent.stat().st_mode & 0o777 == 0o700
    assert not page.parent.exists()
