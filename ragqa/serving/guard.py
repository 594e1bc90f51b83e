"""Who may talk to the server, and how it listens: one layer over everything that it serves.

A page from elsewhere in the same browser fails at `Host` (a name that was made to point here), at
`Origin` or at `Sec-Fetch-Site`; another user or program on this machine has no token.
"""

import hmac
import logging
import re
import secrets
import socket
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

import platformdirs
import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragqa.errors import UsageError
from ragqa.safe import read_own, write_private
from ragqa.serving.failures import report

logger = logging.getLogger("ragqa")

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 1_000_000
MOST_CONNECTIONS = 200
"""Once so many are open, a request is told to come back. A process may have 256 files on macOS."""

START, STYLE = "/start", "/static/style.css"
"""The paths of the one-time address, and of what the page of a lost session needs: no secret."""

_FOR_PROGRAMS = ("/api/", "/mcp")

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


def program_token(*, new: bool = False, path: Path = KEPT_AT) -> Callable[[], str]:
    """What gives the token that programs send, "" once there is none.

    It is the same at every start, so that programs can keep it; a new one ends it at once. One that
    others could have read or written is replaced.

    :param new: make another.
    """
    token = "" if new else _read(path)
    if not token:
        token = secrets.token_urlsafe(32)
        try:
            write_private(path, token)
        except OSError as exc:
            logger.warning("the token works until the server ends: %s: %s", path, exc.strerror)
            return lambda: token
    return partial(_read, path)


def _read(path: Path) -> str:
    """The token in a file; "" if there is none that only the user can have read and written."""
    try:
        text = (read_own(path, "token", size=100) or b"").decode("ascii", "replace")
    except (OSError, UsageError):
        return ""
    return text if _TOKEN.fullmatch(text) else ""


class Guard:
    """Checks every request before the application sees it, and adds headers to every response.

    :param port: of loopback, where the server listens; it may be reached under no other name.
    :param token: gives what a program sends as `Authorization: Bearer TOKEN`; "" for nobody.
    :ivar address: of the server.
    :ivar ticket: opens the browser's session once, as `START?ticket=…`; "" when it was used.
    """

    def __init__(self, app: ASGIApp, *, port: int, token: Callable[[], str]) -> None:
        self._app = RequestBodyLimitMiddleware(app, max_body_size=MAX_BODY_BYTES)
        self._hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self.address = f"http://{LOOPBACK}:{port}"
        self._token = token
        self._cookie = f"ragqa-{port}"  # a browser sends the cookies of all ports of a machine
        self.ticket = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # A name of a file need not be UTF-8.
        scope["path"] = unquote(scope["raw_path"], errors="surrogateescape")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=[*message.get("headers", [])])
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        if refused := self._refusal(HTTPConnection(scope)):
            await refused(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as exc:  # noqa: BLE001 - the application has answered as it could
            report(exc)

    def _refusal(self, asked: HTTPConnection) -> Response | None:
        """The response to a request that may not pass; None for one that may."""
        headers, path = asked.headers, asked.scope["path"]
        if headers.get("host") not in self._hosts:
            return _refuse(path, 421, "this address is not served here")
        origin = headers.get("origin")
        is_own = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        is_safe = asked.scope["method"] in ("GET", "HEAD")
        if (origin is not None and origin not in self._origins) or not (is_safe or is_own):
            return _refuse(path, 403, "requests from other pages are not answered")
        if path == START and is_safe:
            return self._start(asked)
        # A page of another port is of the same site, so its requests carry the cookie.
        if self._has_token(asked) or (is_own and (path == STYLE or self._has_session(asked))):
            return None
        if path.startswith(_FOR_PROGRAMS):
            return _refuse(path, 401, "send the printed token: Authorization: Bearer TOKEN")
        return _lost()

    def _start(self, asked: HTTPConnection) -> Response:
        """Trade the ticket for a cookie, once."""
        given = asked.query_params.get("ticket", "")
        if not self.ticket or not hmac.compare_digest(given.encode(), self.ticket.encode()):
            return _lost()
        self.ticket = ""
        response = HTMLResponse(_WELCOME)
        response.set_cookie(self._cookie, self._session(), httponly=True, samesite="strict")
        return response

    def _session(self) -> str:
        """The cookie's value: the same after a restart, until there is a new token."""
        return hmac.new(self._token().encode(), self._cookie.encode(), "sha256").hexdigest()

    def _has_token(self, asked: HTTPConnection) -> bool:
        kind, _, given = asked.headers.get("authorization", "").partition(" ")
        token = self._token()
        is_right = hmac.compare_digest(given.strip().encode(), token.encode())
        return bool(token) and kind.casefold() == "bearer" and is_right

    def _has_session(self, asked: HTTPConnection) -> bool:
        given = asked.cookies.get(self._cookie, "")
        return bool(self._token()) and hmac.compare_digest(given.encode(), self._session().encode())


def _refuse(path: str, status: int, why: str) -> Response:
    if path.startswith("/api/"):
        return JSONResponse({"error": why, "hint": ""}, status_code=status)
    return PlainTextResponse(f"{why}\n", status_code=status)


def _lost() -> Response:
    """The page of a browser that has no session."""
    path = Path(__file__).with_name("templates") / "lost.html"
    return HTMLResponse(path.read_text("utf-8"), status_code=HTTPStatus.UNAUTHORIZED)


def listen(port: int) -> socket.socket:
    """A socket on a port of loopback; 0 for any free one.

    :raises UsageError: the port is taken or not allowed.
    """
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((LOOPBACK, port))
        server.listen(MOST_CONNECTIONS)
    except OSError as exc:
        server.close()
        raise UsageError(
            f"port {port} of {LOOPBACK} cannot be used: {exc.strerror}", hint="choose another"
        ) from exc
    return server


def serve(guard: Guard, server: socket.socket) -> None:
    """Serve until interrupted."""
    config = uvicorn.Config(
        guard, http="h11", ws="none", log_config=None, log_level="critical", access_log=False,
        server_header=False, proxy_headers=False, limit_concurrency=MOST_CONNECTIONS,
        backlog=MOST_CONNECTIONS, timeout_graceful_shutdown=2,
    )  # fmt: skip
    with server:
        uvicorn.Server(config).run(sockets=[server])
