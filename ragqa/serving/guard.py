"""Who may talk to the server: one layer over everything that it serves.

A page from elsewhere in the same browser fails at `Host` (a name that was made to point here), at
`Origin` or at `Sec-Fetch-Site`; another user or program on this machine has no token.
"""

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragqa.serving.failing import report

MAX_BODY_BYTES = 1_000_000
_TOO_LONG = f"at most {MAX_BODY_BYTES:,} bytes are read"
START = "/start"
"""The path of the one-time address."""

SAFE_METHODS = ("GET", "HEAD")

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
    :param token: what a program sends as `Authorization: Bearer TOKEN`.
    :ivar ticket: opens the browser's session once, as `START?ticket=…`; "" when it was used.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], token: str) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = frozenset(f"http://{host}" for host in hosts)
        self._token = token
        # A browser sends the cookies of all ports of a machine to each of them.
        self._cookie = f"ragqa-{max(hosts, default='').rpartition(':')[2]}"
        self._session = secrets.token_urlsafe(32)
        self.ticket = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, _with_headers(send))
            return
        body = await _body(receive)
        if body is None:
            await _refuse(scope, 413, _TOO_LONG)(scope, receive, _with_headers(send))
            return
        try:
            await self._app(scope, _replayed(body, receive), _with_headers(send))
        except Exception as exc:  # noqa: BLE001 - the application has answered as it could
            report(exc)

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
            return _refuse(scope, 401, "open the address that ragqa serve printed")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return _refuse(scope, 413, _TOO_LONG)
        return None

    def _start(self, scope: Scope) -> Response:
        """Trade the ticket for a cookie, once."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        if not self.ticket or not hmac.compare_digest(given.encode(), self.ticket.encode()):
            return _refuse(scope, 401, "this address was used already, or is not the one printed")
        self.ticket = ""
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="strict", path="/")
        return response

    def _has_token(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(token.strip().encode(), self._token.encode())
        return kind.casefold() == "bearer" and is_right

    def _has_session(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(
            cookie.value.encode(), self._session.encode()
        )


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None for one over the limit, or whose client left."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES or message["type"] == "http.disconnect":
            return None
        more = message.get("more_body", False)
    return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Receive a body that was read, then what comes after it."""
    first: list[Message] = [{"type": "http.request", "body": body}]

    async def receiving() -> Message:
        return first.pop() if first else await receive()

    return receiving


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message.get("headers", [])}
            message["headers"] = [
                *message.get("headers", []),
                *(
                    (name.encode(), value.encode())
                    for name, value in SECURITY_HEADERS.items()
                    if name.encode() not in own
                ),
            ]
        await send(message)

    return sending


def _refuse(scope: Scope, status: int, why: str) -> Response:
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": why}, status_code=status)
    return PlainTextResponse(f"{why}\n", status_code=status)
