"""The only module that sends anything: a request to a server, with retries and limits.

It uses only httpx2's transport, so there are no redirects, cookies, `.netrc`, or environment
settings beyond those in `Server`; certificates are verified.
"""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from ragqa.errors import BackendFailed
from ragqa.llms.faults import Refusal, is_transient, refusal
from ragqa.llms.reading import error_in, lines, read_object, text_at
from ragqa.llms.secrets import hide_in_pieces
from ragqa.llms.wire import Target

if TYPE_CHECKING:
    import httpx2

_OK = 200
_REJECTED = (400, 422)


class Call:
    """One request with its retries and its socket."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None

    def cancel(self) -> None:
        """End the request from any thread."""
        self._cancelled.set()
        if self._socket is not None:
            # Closing would not wake a reading thread. `socket.socket`, since a TLS socket's own
            # `shutdown` would change it under that thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def pieces(self, body: dict[str, Any]) -> Generator[str]:
        """Send the request and yield the pieces of text, with the key hidden."""
        import httpx2

        _quieten()
        proxy = self._target.server.proxy
        with (
            httpx2.HTTPTransport(proxy=proxy.address.reveal() if proxy else None) as transport,
            contextlib.closing(self._ask(transport, body)) as response,
        ):
            yield from hide_in_pieces(self._text(response), self._target.key)

    def _ask(self, transport: "httpx2.HTTPTransport", body: dict[str, Any]) -> "httpx2.Response":
        """Send until the status is 200, within the retries allowed."""
        import httpx2

        limits = self._target.limits
        waits = [limits.wait_s * 2**retry for retry in reversed(range(limits.retries))]
        dispensable = dict(self._target.wire.dispensable)
        while True:
            try:
                response = transport.handle_request(self._request(body))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as exc:
                if not waits or not is_transient(exc):
                    raise
                wait = waits.pop()
            else:
                if response.status_code == _OK:
                    return response
                refused = self._refused(response)
                if _adapt(body, refused, dispensable):
                    continue
                if not waits or not refused.is_transient:
                    raise BackendFailed(refused.message, hint=refused.hint)
                wait = waits.pop()
                wait = wait if refused.wait_s is None else refused.wait_s
            if self._cancelled.wait(wait):
                raise BackendFailed("was told to stop")

    def _request(self, body: dict[str, Any]) -> "httpx2.Request":
        import httpx2

        wire, limits = self._target.wire, self._target.limits
        timeout = httpx2.Timeout(limits.read_s, connect=limits.connect_s)
        request = httpx2.Request(
            "POST",
            self._target.server.url + wire.route,
            headers={
                "User-Agent": "ragqa",
                "Content-Type": "application/json",
                "Accept": wire.accept,
                "Accept-Encoding": "identity",
                **dict(wire.headers),
            },
            content=json.dumps(body).encode(),
            extensions={"timeout": timeout.as_dict(), "trace": self._watch},
        )
        if key := self._target.key.reveal():
            name, before = wire.key_header
            request.headers[name] = before + key
        return request

    def _watch(self, step: str, info: dict[str, Any]) -> None:
        """Keep the socket once it exists, and send nothing over it after `cancel`."""
        if step.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            self._socket = stream.get_extra_info("socket")
            if self._cancelled.is_set():
                stream.close()
                raise BackendFailed("was told to stop")

    def _refused(self, response: "httpx2.Response") -> Refusal:
        import httpx2

        body = b""
        # Report the status even if the explanation does not arrive.
        with contextlib.closing(response), contextlib.suppress(httpx2.HTTPError):
            body = _beginning(response, self._target.limits.error_bytes)
        try:
            document = read_object(body)
            said = error_in(document) or text_at(document, "detail") or text_at(document, "message")
        except BackendFailed:
            said = "" if body.lstrip().startswith(b"<") else body.decode("utf-8", "replace")
        wait = self._target.limits.most_wait_s
        return refusal(response.status_code, response.headers, said, most_wait_s=wait)

    def _text(self, response: "httpx2.Response") -> Iterator[str]:
        """The text of a response that is a stream or, from some servers, a single document."""
        wire, limits = self._target.wire, self._target.limits
        form = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if form == "text/html":
            raise BackendFailed(
                "answered with a web page, not a completion",
                hint="check the server's address in {address} (such as {example})",
            )
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BackendFailed("sent compressed data, which was not asked for")
        if form == "application/json":
            reply = read_object(_beginning(response, limits.line_bytes))
            if error := error_in(reply):
                raise BackendFailed(f"failed: {error}")
            return wire.whole(reply)
        found = lines(response.iter_raw(), max_line=limits.line_bytes, max_bytes=limits.reply_bytes)
        return wire.text(found)


def _beginning(response: "httpx2.Response", size: int) -> bytes:
    read = bytearray()
    for chunk in response.iter_raw():
        read += chunk
        if len(read) > size:
            break
    return bytes(read[:size])


def _adapt(body: dict[str, Any], refused: Refusal, dispensable: dict[str, str]) -> bool:
    """Remove or replace a parameter that the server rejects by name; each only once."""
    if refused.status not in _REJECTED:
        return False
    for name in list(dispensable):
        if name in body and name in refused.message:
            value, other = body.pop(name), dispensable.pop(name)
            if other:
                body[other] = value
            return True
    return False


def _quieten() -> None:
    """Silence the client's log of headers, in which a server may echo a key."""
    logging.getLogger("httpcore2").setLevel(logging.WARNING)
