"""The backends that send a prompt to a server; only this module sends anything.

It uses only httpx2's transport, so there are no redirects, cookies, `.netrc`, or environment
settings beyond those in `Server`; certificates are verified.
"""

import contextlib
import importlib.util
import json
import logging
import os
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms import Destination, Prompt
from ragqa.llms.faults import Refusal, describe, is_transient, refusal, sentence
from ragqa.llms.reading import error_in, lines, read_object, streamed_text, text_at, whole_text
from ragqa.llms.secrets import Secret, find_key, hide_in_pieces, key_file
from ragqa.llms.servers import (
    OLLAMA,
    SERVICES,
    Server,
    api_address,
    forwards_to,
    server_at,
)

if TYPE_CHECKING:
    import httpx2

_OK = 200
_REJECTED = (400, 422)
_DISPENSABLE = {"max_tokens": "max_completion_tokens", "temperature": "", "stream_options": ""}
"""Parameters that some models or servers reject, each with its replacement or "".

OpenAI's newer models need `max_completion_tokens`; many other servers know only `max_tokens`.
"""
_LOOK = "look at the model's name, the address in {address} and the key in {key}: ragqa llm list"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait and how much to read; `bounded` sets the total deadline."""

    connect_s: float = 5
    read_s: float = 60
    retries: int = 2
    wait_s: float = 1
    """Before the first retry, doubled before the second, unless the server says otherwise."""
    most_wait_s: float = 10
    """If a server asks for more, there is no retry."""
    reply_bytes: int = 8_000_000
    line_bytes: int = 1_000_000
    error_bytes: int = 64_000


LIMITS = Limits()


@dataclass(frozen=True)
class HttpLLM:
    """A model on a server that speaks OpenAI's protocol."""

    kind: str
    server: Server
    key: Secret
    model: str
    limits: Limits = LIMITS

    @property
    def destination(self) -> Destination:
        """The host that the prompt leaves this machine for, and the proxy on the way."""
        server = self.server
        host = forwards_to(self.kind, self.model) if server.is_loopback else server.shown
        proxy = server.proxy.shown if server.proxy else ""
        return Destination(f"{self.kind}:{self.model}", host, proxy)

    def stream(self, prompt: Prompt, *, max_tokens: int) -> "Reply":
        """Yield the completion piece by piece; see `LLM.stream`."""
        # https://platform.openai.com/docs/api-reference/chat-streaming
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.message},
            ],
            "stream": True,
            "temperature": 0,
            "max_tokens": max_tokens,
        }
        if self.kind == OLLAMA:
            body["stream_options"] = {"include_usage": True}
        return Reply(self, body)


def make(kind: str, model: str, *, limits: Limits = LIMITS) -> HttpLLM:
    """Make a backend from the environment; everything but the server is checked.

    :raises UsageError: no model, no library, no key for a remote server, or a refused address.
    """
    service = SERVICES[kind]
    if not model.strip():
        raise UsageError(f"{kind}: needs a model", hint=f"--llm {kind}:MODEL")
    if importlib.util.find_spec("httpx2") is None:
        raise UsageError(
            f"{kind}:{model} needs the package httpx2, which is not installed",
            hint=f'pip install "ragqa[{kind}]"',
        )
    address = api_address(kind, os.environ.get(service.address_variable, ""))
    server = server_at(address, service.address_variable, example=service.example)
    key = find_key(kind, service.key_variable)
    if key is None and kind != OLLAMA and not server.is_loopback:
        raise UsageError(
            f"{kind}:{model} needs a key for {server.shown}",
            hint=f"put it into {service.key_variable}, or by itself into {key_file(kind)} "
            "(chmod 600)",
        )
    return HttpLLM(kind, server, key or Secret(""), model, limits)


class Reply(Iterator[str]):
    """The pieces of one completion: a request with its retries and its socket.

    Every error becomes a `BackendFailed` without keys: neither in its text nor, since it is a new
    exception, in the original's frames and requests.
    """

    def __init__(self, llm: HttpLLM, body: dict[str, Any]) -> None:
        self._llm = llm
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None
        self._pieces = self._read(body)

    def __iter__(self) -> "Reply":
        return self

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except Exception as exc:  # noqa: BLE001 - server or client may cause any error
            failure = self._failure(exc)
        raise failure

    def close(self) -> None:
        """End the request, from the reading thread."""
        self._pieces.close()

    def cancel(self) -> None:
        """End the request from any thread, even while another waits for the server."""
        self._cancelled.set()
        if self._socket is not None:
            # Closing would not wake a reading thread. `socket.socket`, since a TLS socket's own
            # `shutdown` would change it under that thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _failure(self, exc: Exception) -> BackendFailed:
        llm, service = self._llm, SERVICES[self._llm.kind]
        if isinstance(exc, BackendFailed):
            message, hint = exc.message, exc.hint
        else:
            message, hint = describe(exc, connect_s=llm.limits.connect_s, read_s=llm.limits.read_s)
        return BackendFailed(
            sentence(f"the {llm.kind} server {llm.server.shown} {message}", llm.key),
            hint=(hint or _LOOK).format(
                address=service.address_variable,
                example=service.example,
                key=service.key_variable,
            ),
        )

    def _read(self, body: dict[str, Any]) -> Generator[str]:
        """Send the request and yield the pieces of text, with the key hidden."""
        import httpx2

        # The client's log has headers, in which a server may echo a key.
        logging.getLogger("httpcore2").setLevel(logging.WARNING)
        proxy = self._llm.server.proxy
        with (
            httpx2.HTTPTransport(proxy=proxy.address.reveal() if proxy else None) as transport,
            contextlib.closing(self._ask(transport, body)) as response,
        ):
            yield from hide_in_pieces(self._text(response), self._llm.key)

    def _ask(self, transport: "httpx2.HTTPTransport", body: dict[str, Any]) -> "httpx2.Response":
        """Send until the status is 200, within the retries allowed."""
        import httpx2

        limits = self._llm.limits
        waits = [limits.wait_s * 2**retry for retry in reversed(range(limits.retries))]
        dispensable = dict(_DISPENSABLE)
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

        llm = self._llm
        timeout = httpx2.Timeout(llm.limits.read_s, connect=llm.limits.connect_s)
        request = httpx2.Request(
            "POST",
            f"{llm.server.url}/chat/completions",
            headers={
                "User-Agent": "ragqa",
                "Content-Type": "application/json",
                "Accept": "text/event-stream",
                "Accept-Encoding": "identity",
            },
            content=json.dumps(body).encode(),
            extensions={"timeout": timeout.as_dict(), "trace": self._watch},
        )
        if key := llm.key.reveal():
            request.headers["Authorization"] = f"Bearer {key}"
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

        body, limits = b"", self._llm.limits
        # Report the status even if the explanation does not arrive.
        with contextlib.closing(response), contextlib.suppress(httpx2.HTTPError):
            body = _beginning(response, limits.error_bytes)
        try:
            document = read_object(body)
            said = error_in(document) or text_at(document, "detail") or text_at(document, "message")
        except BackendFailed:
            said = "" if body.lstrip().startswith(b"<") else body.decode("utf-8", "replace")
        status, headers = response.status_code, response.headers
        return refusal(status, headers, said, most_wait_s=limits.most_wait_s)

    def _text(self, response: "httpx2.Response") -> Iterator[str]:
        """The text of a response that is a stream or, from some servers, a single document."""
        limits = self._llm.limits
        form = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if form == "text/html":
            raise BackendFailed(
                "answered with a web page, not a completion",
                hint="check the server's address in {address} (such as {example})",
            )
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BackendFailed("sent compressed data, which was not asked for")
        if form == "application/json":
            return whole_text(_beginning(response, limits.line_bytes))
        found = lines(response.iter_raw(), max_line=limits.line_bytes, max_bytes=limits.reply_bytes)
        return streamed_text(found, reports_usage=self._llm.kind == OLLAMA)


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
