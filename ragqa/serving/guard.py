"""Who may talk to the server, and how it listens: one layer over everything that it serves.

A page from elsewhere in the same browser fails at `Host` (a name that was made to point here), at
`Origin` or at `Sec-Fetch-Site`; another user or program on this machine has no token.
"""

import asyncio
import hmac
import logging
import re
import resource
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qs

import h11
import platformdirs
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ragqa.errors import UsageError
from ragqa.safe import read_own, write_private
from ragqa.serving.asking import report

logger = logging.getLogger("ragqa")

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 1_000_000
HEAD_S, BODY_S = 10.0, 10.0
"""How long the head of a request, and then its body, may take to arrive."""

MOST_AT_ONCE = 64
MOST_WAITING = 8 * MOST_AT_ONCE
"""The most requests at once, and the most connections of which none was let through."""

ADMITTED = "ragqa.admitted"
"""A key in the ASGI scope of a request that was let through and has arrived whole."""

START, STYLE = "/start", "/static/style.css"
"""The paths of the one-time address, and of what the page of a lost session needs: no secret."""

SAFE_METHODS = ("GET", "HEAD")
_FOR_PROGRAMS = ("/api/", "/mcp")
_TOO_LONG = f"at most {MAX_BODY_BYTES:,} bytes are read"

# After a redirect from another page, as from the file that opens the browser, the browser would
# not send the cookie.
_WELCOME = '<!doctype html><meta http-equiv="refresh" content="0; url=/"><a href="/">Your notes</a>'

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With "no-referrer" a browser would hide the origin of our own forms, too.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

KEPT_AT = Path(platformdirs.user_data_dir("ragqa")) / "serve-token"
_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)


def kept_token(*, new: bool = False, path: Path = KEPT_AT) -> str:
    """The token that programs send; it is the same at every start, so that they can keep it.

    One that others could have read or written is replaced.

    :param new: make another; the old one no longer works.
    """
    token = "" if new else _read(path)
    if not token:
        token = secrets.token_urlsafe(32)
        try:
            write_private(path, token)
        except OSError as exc:
            logger.warning("the token works until the server ends: %s: %s", path, exc.strerror)
    return token


def current(token: str, path: Path = KEPT_AT) -> Callable[[], str]:
    """Return what gives the valid token, "" for none: a new token ends the former one.

    :param token: as of `kept_token`; it stays the same if it could not be kept.
    """
    return partial(_read, path) if _read(path) == token else lambda: token


def _read(path: Path) -> str:
    """The token in a file; "" if there is none that only the user can have read and written."""
    try:
        data = read_own(path, "token", size=100) or b""
    except (OSError, UsageError):
        return ""
    text = data.decode("ascii", "replace")
    return text if _TOKEN.fullmatch(text) else ""


class Guard:
    """Checks every request before the application sees it, and adds headers to every response.

    :param hosts: the exact `HOST:PORT` under which it may be reached.
    :param token: gives what a program sends as `Authorization: Bearer TOKEN`; "" for nobody.
    :ivar ticket: opens the browser's session once, as `START?ticket=…`; "" when it was used.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], token: Callable[[], str]) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = frozenset(f"http://{host}" for host in hosts)
        self._token = token
        # A browser sends the cookies of all ports of a machine to each of them.
        self._cookie = f"ragqa-{max(hosts, default='').rpartition(':')[2]}"
        self._running = 0
        self.ticket = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=[*message.get("headers", [])])
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        body: Receive | Response = self._refusal(scope) or await _body(scope, receive)
        if not isinstance(body, Response) and self._running >= MOST_AT_ONCE:
            body = _refuse(scope, 503, "too many requests are running; ask again")
        if isinstance(body, Response):
            await body(scope, receive, sending)
            return
        scope[ADMITTED] = True
        self._running += 1
        try:
            await self._app(scope, body, sending)
        except Exception as exc:  # noqa: BLE001 - the application has answered as it could
            report(exc)
        finally:
            self._running -= 1

    def _refusal(self, scope: Scope) -> Response | None:
        """The response to a request that may not pass; None for one that may."""
        headers = Headers(scope=scope)
        if headers.get("host") not in self._hosts:
            return _refuse(scope, 421, "this address is not served here")
        origin = headers.get("origin")
        is_own = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        is_safe = scope["method"] in SAFE_METHODS
        if (origin is not None and origin not in self._origins) or not (is_safe or is_own):
            return _refuse(scope, 403, "requests from other pages are not answered")
        if scope["path"] == START and is_safe:
            return self._start(scope)
        # A page of another port is of the same site, so its requests carry the cookie.
        if not (self._has_token(headers) or (is_own and self._has_session(headers))):
            if scope["path"].startswith(_FOR_PROGRAMS):
                return _refuse(scope, 401, "send the printed token: Authorization: Bearer TOKEN")
            if scope["path"] == STYLE and is_own and is_safe:
                return Response(_file("static", "style.css"), media_type="text/css")
            return _refuse(scope, 401, "no session")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return _refuse(scope, 413, _TOO_LONG)
        return None

    def _start(self, scope: Scope) -> Response:
        """Trade the ticket for a cookie, once."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        if not self.ticket or not hmac.compare_digest(given.encode(), self.ticket.encode()):
            return _refuse(scope, 401, "this address works once")
        self.ticket = ""
        response = HTMLResponse(_WELCOME)
        response.set_cookie(
            self._cookie, self._session(), httponly=True, samesite="strict", path="/"
        )
        return response

    def _session(self) -> str:
        """The cookie's value: the same after a restart, until there is a new token."""
        return hmac.new(self._token().encode(), self._cookie.encode(), "sha256").hexdigest()

    def _has_token(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.casefold() != "bearer" or not (right := self._token()):
            return False
        return hmac.compare_digest(token.strip().encode(), right.encode())

    def _has_session(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        given = cookie.value if cookie else ""
        return bool(self._token()) and hmac.compare_digest(given.encode(), self._session().encode())


async def _body(scope: Scope, receive: Receive) -> Receive | Response:
    """Read a body whole, and return what hands it on; or the refusal of a long or late one."""
    body, more = bytearray(), True
    try:
        async with asyncio.timeout(BODY_S):
            while more:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES or message["type"] == "http.disconnect":
                    return _refuse(scope, 413, _TOO_LONG)
                more = message.get("more_body", False)
    except TimeoutError:
        return _refuse(scope, 408, "the body did not come in time")
    whole: list[Message] = [{"type": "http.request", "body": bytes(body)}]

    async def receiving() -> Message:
        return whole.pop() if whole else await receive()

    return receiving


def _refuse(scope: Scope, status: int, why: str) -> Response:
    headers = {"connection": "close"} if status in (408, 503) else {}
    headers |= {"retry-after": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": why, "hint": ""}, status_code=status, headers=headers)
    if status == HTTPStatus.UNAUTHORIZED and not scope["path"].startswith(_FOR_PROGRAMS):
        return HTMLResponse(_file("templates", "lost.html"), status_code=status)
    return PlainTextResponse(f"{why}\n", status_code=status, headers=headers)


def _file(folder: str, name: str) -> str:
    return resources.files("ragqa.serving").joinpath(folder, name).read_text("utf-8")


class Connection(H11Protocol):
    """A connection; of too many without a request that was let through, the oldest is cut off."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Cut off the oldest of too many."""
        super().connection_made(transport)
        self.began = self.loop.time()
        self._watch_head()
        waiting = [c for c in self.connections if isinstance(c, Connection) and c.is_waiting]
        if len(waiting) > MOST_WAITING:
            min(waiting, key=lambda connection: connection.began).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Handle what arrived, and watch whether the head of a request is still to come."""
        super().data_received(data)
        self._watch_head()

    def _watch_head(self) -> None:
        """Cut the connection off unless the head of a request comes whole in time."""
        is_coming = self.conn.their_state is h11.IDLE
        if is_coming and self._late is None:
            self._late = self.loop.call_later(HEAD_S, self.transport.abort)
        elif not is_coming and self._late is not None:
            self._late.cancel()
            self._late = None

    @property
    def is_waiting(self) -> bool:
        """Whether no request on it was let through."""
        is_used = self.scope and ADMITTED in self.scope and not self.cycle.response_complete
        return not is_used and not self.transport.is_closing()


def listen(port: int) -> socket.socket:
    """A socket on a port of loopback; 0 for any free one.

    :raises UsageError: the port is taken or not allowed.
    """
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((LOOPBACK, port))
        server.listen(MOST_AT_ONCE)
    except OSError as exc:
        server.close()
        raise UsageError(
            f"port {port} of {LOOPBACK} cannot be used: {exc.strerror}", hint="choose another"
        ) from exc
    return server


class _Server(uvicorn.Server):
    """Says that it is ready only once an interrupt ends it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._ready()


def serve(
    app: ASGIApp, server: socket.socket, *, token: str, ready: Callable[[Guard, str], None]
) -> None:
    """Serve until interrupted.

    :param ready: called with the guard and the address, once clients can connect.
    """
    port = server.getsockname()[1]
    hosts = frozenset((f"{LOOPBACK}:{port}", f"localhost:{port}"))
    guard = Guard(app, hosts=hosts, token=current(token))
    config = uvicorn.Config(
        guard, http=Connection, ws="none", log_config=None, log_level="error", access_log=False,
        server_header=False, proxy_headers=False, backlog=MOST_AT_ONCE,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < soft < 2 * MOST_WAITING:  # as on macOS; every connection is a file
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MOST_WAITING, hard))
    with server:
        address = f"http://{LOOPBACK}:{port}"
        _Server(config, partial(ready, guard, address)).run(sockets=[server])
