"""Who is turned away from a server, and that it stays usable."""

import logging
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from served import NOTES, Guarded, serving
from starlette.responses import PlainTextResponse
from support import QUICK, write_notes

from ragqa.serving.guard import MOST_CONNECTIONS, current, kept_token

# Obsidian asks for the application, not for a page, so it sends no Origin.
OBSIDIAN = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "cross-site"}
TEA = PlainTextResponse("tea")


@pytest.mark.parametrize("path", ["/api/ask", "/mcp"])
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 421),
        ("GET", {"Host": "127.0.0.1:2"}, 421),
        ("GET", {"Host": ""}, 421),
        ("GET", {"Origin": "https://evil.example"}, 403),
        ("GET", OBSIDIAN, 200),
        ("GET", OBSIDIAN | {"Authorization": ""}, 401),
        ("GET", OBSIDIAN | {"Origin": "app://obsidian.md"}, 403),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", {"Authorization": "Bearer"}, 401),
        ("GET", {"Authorization": "Bearer wrong"}, 401),
        ("GET", {"Authorization": "Basic right"}, 401),
        ("GET", {"Authorization": "", "Cookie": "ragqa-1=guessed; other"}, 401),
    ],
)
def test_only_a_program_with_the_token_and_the_servers_own_page_are_answered(
    path, method, headers, status
):
    got = Guarded(TEA).ask(path, method=method, headers=headers)
    assert got.status == status
    assert (got.text == "tea") == (status == 200)
    assert status == 200 or path == "/mcp" or got.document.keys() == {"error", "hint"}
    assert "access-control-allow-origin" not in got.headers
    assert got.headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'"
    )
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "same-origin"


def session(server):
    """What opens a session, and the header of the session that it opens."""
    start = f"/start?ticket={server.guard.ticket}"
    got = server.ask(start, headers={"Authorization": ""})
    return start, got, {"Authorization": "", "Cookie": got.headers["set-cookie"].partition(";")[0]}


def test_the_address_opens_a_session_once():
    server = Guarded(TEA)
    start, first, cookie = session(server)
    assert first.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in first.text
    assert first.headers["set-cookie"].startswith("ragqa-1=")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "samesite=strict" in first.headers["set-cookie"].casefold()
    assert server.ask("/", headers=cookie).status == 200
    # Requests of a page on another port carry the cookie, too.
    for site in ("same-site", "cross-site"):
        assert server.ask(headers=cookie | {"Sec-Fetch-Site": site}).status == 401
    again = server.ask(start, headers={"Authorization": ""})
    assert again.status == 401
    assert "set-cookie" not in again.headers


def test_a_session_outlives_a_restart_and_ends_with_a_new_token():
    *_, cookie = session(Guarded(TEA))
    for token, status in (("right", 200), ("other", 401), ("", 401)):
        assert Guarded(TEA, token=token).ask("/", headers=cookie).status == status
    renamed = {"Cookie": cookie["Cookie"].replace("ragqa-1=", "ragqa-2=")}
    assert Guarded(TEA, port=2).ask("/", headers=cookie | renamed).status == 401


def test_a_lost_session_has_a_page_that_says_how_to_go_on():
    def lost(path, **headers):
        return Guarded(TEA).ask(path, headers={"Authorization": ""} | headers)

    got = lost("/?q=tea")
    assert got.status == 401
    assert got.headers["content-type"].startswith("text/html")
    assert "the address that ragqa serve printed" in got.text
    assert "Authorization: Bearer" in lost("/api/status").document["error"]
    assert lost("/static/style.css").status == 200
    assert lost("/static/style.css", **{"Sec-Fetch-Site": "cross-site"}).status == 401
    assert lost("/static/script.js").status == 401


def test_the_token_stays_until_a_new_one_is_wanted_which_counts_at_once(tmp_path):
    path = tmp_path / "data" / "serve-token"
    token = kept_token(path=path)
    assert kept_token(path=path) == token
    now = current(token, path)
    other = kept_token(new=True, path=path)
    assert now() == other != token
    path.unlink()
    assert now() == ""


def test_a_token_that_another_may_have_read_or_written_is_replaced(tmp_path):
    path, elsewhere = tmp_path / "serve-token", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    tokens = [kept_token(path=elsewhere), kept_token(path=path)]
    assert not path.is_symlink()
    path.chmod(0o644)
    tokens.append(kept_token(path=path))
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("short")
    tokens.append(kept_token(path=path))
    assert len({*tokens}) == len(tokens)
    assert {len(token) for token in tokens} == {43}


def test_a_token_that_cannot_be_kept_works_and_is_warned_of(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, logger="ragqa"):
        assert kept_token(path=tmp_path / "file" / "serve-token")
    assert "until the server ends" in caplog.text


CHUNKS = ("10000\r\n" + "x" * 0x10000 + "\r\n") * 20 + "0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Length": "5000000"}, "{}"), ({"Transfer-Encoding": "chunked"}, CHUNKS)],
)
def test_a_body_is_read_no_further_than_the_limit(server, headers, body):
    got = server.ask("/api/verify", method="POST", headers=headers, body=body)
    assert got.status == 413
    assert "Content Too Large" in got.text


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


def test_of_too_many_connections_one_is_told_to_come_back(server):
    head = f"POST /api/ask HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.token}"
    unfinished = ("", "GET / HT", f"{head}\r\nContent-Length: 9\r\n\r\n" + "{")
    with ExitStack() as opened:
        for n in range(MOST_CONNECTIONS):
            if n == MOST_CONNECTIONS // 2:
                assert server.ask("/api/ask", question="tea").status == 200
            line = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            line.sendall(unfinished[n % 3].encode())
        got = server.ask("/api/ask", question="tea")
        assert (got.status, got.text) == (503, "Service Unavailable")
    while server.ask("/api/ask", question="tea").status != 200:
        pass  # it is told of one after the other that it was closed


def test_it_listens_on_this_machine_only(server):
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    ours = [one for one in listening if one.endswith(f":{server.port:04X}")]
    assert ours == [f"0100007F:{server.port:04X}"]
    assert "server" not in server.ask("/").headers


def test_the_browser_is_given_a_private_page_and_an_interrupt_ends_what_runs(tmp_path):
    write_notes(tmp_path / "notes", NOTES)
    told, browser = tmp_path / "told", tmp_path / "browser"
    os.mkfifo(told)
    browser.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    browser.chmod(0o700)
    env = QUICK | {"BROWSER": f"{browser} %s"}
    with ExitStack() as opened, serving(tmp_path, "serve", "--port", "0", env=env) as server:
        # The browser runs in the foreground until somebody reads what it was told.
        assert server.ask("/").status == 200
        address = told.read_text().strip()
        page = Path(address.removeprefix("file://"))
        ticket = server.start.partition("=")[2]
        assert ticket not in address
        assert f"http://{server.host}{server.start}" in page.read_text()
        assert page.stat().st_mode & 0o777 == 0o600
        assert page.parent.stat().st_mode & 0o777 == 0o700
        line = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        head = f"POST /api/ask HTTP/1.1\r\nHost: {server.host}\r\n"
        line.sendall(f"{head}Authorization: Bearer {server.token}\r\n".encode())
        line.sendall(b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        assert line.recv(99).startswith(b"HTTP/1.1 100")  # its body never comes
    assert not page.parent.exists()
