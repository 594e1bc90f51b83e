"""Who may talk to the server: one layer over everything that it serves.

A page from elsewhere in the same browser fails at `Host` (a name that was made to point here), at
`Origin` or at `Sec-Fetch-Site`; another user or program on this machine has no token.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragqa.serving.failing import report

MAX_BODY_BYTES = 1_000_000
_TOO_LONG = f"at most {MAX_BODY_BYTES:,} bytes are read"
_TOO_LATE = "the body did not come in time"
_TOO_MANY = "too many requests are running; ask again"
BODY_S = 10.0
"""How long a body may take to arrive."""

MOST_AT_ONCE = 64
"""Requests; more are told to come back."""

ADMITTED = "ragqa.admitted"
"""In the scope of a request that was let through, and has come whole."""

START = "/start"
"""The path of the one-time address."""

SAFE_METHODS = ("GET", "HEAD")
_FOR_PROGRAMS = ("/api/", "/mcp")
_PRINTED = "open the address that ragqa serve printed; for a new one, start it again"

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
        self._session = secrets.token_urlsafe(32)
        self._running = 0
        self.ticket = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        body = await _body(scope, receive)
        if isinstance(body, Response):
            await body(scope, receive, send)
            return
        if self._running >= MOST_AT_ONCE:
            await _refuse(scope, 503, _TOO_MANY)(scope, receive, send)
            return
        scope[ADMITTED] = True
        self._running += 1
        try:
            await self._app(scope, body, send)
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
        if origin is not None and origin not in self._origins:
            return _refuse(scope, 403, "requests from other pages are not answered")
        is_own = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        if scope["method"] not in SAFE_METHODS and not is_own:
            return _refuse(scope, 403, "requests from other pages are not answered")
        if scope["path"] == START and scope["method"] in SAFE_METHODS:
            return self._start(scope)
        # A page of another port is of the same site, so its requests carry the cookie.
        if not (self._has_token(headers) or (is_own and self._has_session(headers))):
            if scope["path"].startswith(_FOR_PROGRAMS):
                return _refuse(scope, 401, "send the printed token: Authorization: Bearer TOKEN")
            return _refuse(scope, 401, _PRINTED)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return _refuse(scope, 413, _TOO_LONG)
        return None

    def _start(self, scope: Scope) -> Response:
        """Trade the ticket for a cookie, once."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        if not self.ticket or not hmac.compare_digest(given.encode(), self.ticket.encode()):
            return _refuse(scope, 401, f"this address works once; {_PRINTED}")
        self.ticket = ""
        response = HTMLResponse(_WELCOME)
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="strict", path="/")
        return response

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
        return hmac.compare_digest(given.encode(), self._session.encode())


async def _body(scope: Scope, receive: Receive) -> Receive | Response:
    """Receives a body that was read whole; the response to one that is too long or too late."""
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
        return _refuse(scope, 408, _TOO_LATE)
    whole: list[Message] = [{"type": "http.request", "body": bytes(body)}]

    async def receiving() -> Message:
        return whole.pop() if whole else await receive()

    return receiving


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=[*message.get("headers", [])])
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            message["headers"] = headers.raw
        await send(message)

    return sending


def _refuse(scope: Scope, status: int, why: str) -> Response:
    headers = {503: {"retry-after": "1"}, 408: {"connection": "close"}}.get(status, {})
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": why}, status_code=status, headers=headers)
    return PlainTextResponse(f"{why}\n", status_code=status, headers=headers)
