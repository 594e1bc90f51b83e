"""Who is turned away from a server."""

import logging

import pytest
from served import Guarded
from starlette.responses import PlainTextResponse

from ragqa.serving.guard import program_token

# Obsidian asks for the application, not for a page, so it sends no Origin.
OBSIDIAN = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "cross-site"}
TEA = PlainTextResponse("tea")


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
    method, headers, status
):
    got = Guarded(TEA).ask(method=method, headers=headers)
    assert got.status == status
    assert (got.text == "tea") == (status == 200)
    assert status == 200 or got.document.keys() == {"error", "hint"}
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
    token = program_token(path=path)
    first = token()
    assert program_token(path=path)() == first
    other = program_token(new=True, path=path)
    assert token() == other() != first
    path.unlink()
    assert token() == ""


def test_a_token_that_another_may_have_read_or_written_is_replaced(tmp_path):
    path, elsewhere = tmp_path / "serve-token", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    tokens = [program_token(path=elsewhere)(), program_token(path=path)()]
    assert not path.is_symlink()
    path.chmod(0o644)
    tokens.append(program_token(path=path)())
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("short")
    tokens.append(program_token(path=path)())
    assert len({*tokens}) == len(tokens)
    assert {len(token) for token in tokens} == {43}


def test_a_token_that_cannot_be_kept_works_and_is_warned_of(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, logger="ragqa"):
        assert program_token(path=tmp_path / "file" / "serve-token")()
    assert "until the server ends" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/image/../secret.png", "/image/..%2fsecret.png", "/image/link-secret.png",
        "/image/office/printer.md", "/image//etc/passwd", "/note/..%2f..%2fetc%2fpasswd",
        "/note/%00", "/static/..%2fweb.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_folder_of_notes(site, path):
    got = site.ask(path)
    assert got.status in (400, 404)
    assert b"PNG" not in got.body
    assert "root:" not in got.text
