"""Who is turned away, tried with a real client against the running server."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from served import NOTES, serving
from support import QUICK, write_notes

from ragqa.serving.guard import MOST_AT_ONCE

ASK = "/api/ask"


def test_a_page_whose_name_was_made_to_point_here_is_refused(server):
    got = server.ask(ASK, headers={"Host": f"evil.example:{server.port}"}, question="tea")
    assert got.status == 421


def test_another_port_of_this_machine_is_not_this_server(server):
    assert server.ask(ASK, headers={"Host": "127.0.0.1:1"}, question="tea").status == 421


def test_a_page_from_elsewhere_is_refused_by_its_origin(server):
    got = server.ask(ASK, headers={"Origin": "https://evil.example"}, question="tea")
    assert got.status == 403
    assert "access-control-allow-origin" not in got.headers


# Obsidian's requestUrl asks for the application, not for a page, so it sends no Origin.
# Which of Sec-Fetch-* it sends depends on its version.
OBSIDIAN = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) obsidian/1.11.4 Chrome/142.0 Electron/39.0",
    "Accept-Language": "en-GB",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "empty",
}


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "cross-site"}])
def test_obsidian_is_answered_with_the_token_and_not_without(server, site):
    asked = {"headers": OBSIDIAN | site, "question": "how hot is green tea brewed?"}
    assert server.ask(ASK, **asked).document["citations"]
    assert server.ask(ASK, token=False, **asked).status == 401


def test_a_page_in_obsidian_that_fetches_is_refused_even_with_the_token(server):
    headers = OBSIDIAN | {"Origin": "app://obsidian.md", "Sec-Fetch-Site": "cross-site"}
    assert server.ask(ASK, headers=headers, question="tea").status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_on_another_page_cannot_post(server, site):
    got = server.ask(ASK, method="POST", headers={"Sec-Fetch-Site": site}, question="tea")
    assert got.status == 403


def test_the_servers_own_page_may_post(server):
    own = {"Origin": f"http://{server.host}", "Sec-Fetch-Site": "same-origin"}
    assert server.ask(ASK, method="POST", headers=own, question="tea").status == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz"])
def test_another_user_of_the_machine_has_no_token(server, given):
    headers = {"Authorization": given} if given else {}
    got = server.ask(ASK, token=False, headers=headers, question="tea")
    assert got.status == 401
    assert "tea" not in got.text.casefold()


def test_a_forged_cookie_opens_nothing(server):
    got = server.ask("/", token=False, headers={"Cookie": f"ragqa-{server.port}=guessed; other"})
    assert got.status == 401


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


def test_a_body_is_bounded_by_its_length(server):
    got = server.ask("/api/verify", method="POST", headers={"Content-Length": "5000000"}, body="{}")
    assert got.status == 413


def test_a_body_without_a_length_is_read_no_further_than_the_limit(server):
    chunk = "10000\r\n" + "x" * 0x10000 + "\r\n"
    body = chunk * 20 + "0\r\n\r\n"
    headers = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    got = server.ask("/api/verify", method="POST", headers=headers, body=body)
    assert got.status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/image/../secret.png",
        "/image/..%2fsecret.png",
        "/image/%2e%2e/secret.png",
        "/image/link.png",
        "/image/.obsidian/x.png",
        "/image/office/printer.md",
        "/image//etc/passwd",
        "/note/../secret.png",
        "/note/..%2f..%2fetc%2fpasswd",
        "/note/%00",
        "/static/../web.py",
        "/static/..%2fweb.py",
    ],
)
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
    for _ in range(4):
        connect(*unfinished * 10)
        assert server.ask(ASK, question="tea").status == 200


def test_too_many_requests_with_a_token_are_told_to_come_back(server, connect):
    waits = (
        "POST /api/ask HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    )
    lines = connect(*[waits] * MOST_AT_ONCE)
    for line in lines:
        assert line.recv(99).startswith(b"HTTP/1.1 100")
    got = server.ask(ASK, question="tea")
    assert got.status == 503
    assert got.headers["retry-after"] == "1"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "too many" in got.document["error"]
    # Without a token it is not told even that.
    assert server.ask(ASK, token=False, question="tea").status == 401
    for line in lines:
        line.close()
    while server.ask(ASK, question="tea").status == 503:
        pass


def test_who_is_turned_away_is_told_what_to_send(server):
    assert "Authorization: Bearer" in server.ask("/api/status", token=False).document["error"]
    said = server.ask("/", token=False).text
    assert "the address that ragqa serve printed" in said
    assert "start it again" in said


def test_an_image_of_the_folder_is_shown(server):
    got = server.ask("/image/office/cup.png")
    assert got.status == 200
    assert got.headers["content-type"] == "image/png"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/status", "/static/script.js"])
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
