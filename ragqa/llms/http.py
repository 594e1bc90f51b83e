"""OpenAI's protocol over HTTP; only this module sends anything to an LLM.

It uses only httpx2's transport, so there are no redirects, cookies, `.netrc`, or environment
settings beyond those in `Server`; certificates are verified. What a server sends is untrusted.
"""

import contextlib
import importlib.util
import json
import logging
import re
import socket
import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from ragqa.errors import BackendFailed, UsageError
from ragqa.extras import install_command
from ragqa.llms import Destination, Prompt
from ragqa.llms.servers import (
    NO_KEY,
    OLLAMA,
    SERVICES,
    Secret,
    Server,
    find_key,
    hide_in_pieces,
    key_file,
    sentence,
    server_of,
)

if TYPE_CHECKING:
    import httpx2

CONNECT_S = 5
READ_S = 60
"""How long to wait; `bounded` sets the total deadline."""
REPLY_BYTES = 8_000_000
_ERROR_BYTES = 64_000

_CLOUD = re.compile("(^|[:-])cloud$", re.IGNORECASE)
_CLOUD_HOST = "ollama.com"

_END_MARK = "[DONE]"
_REJECTED = (400, 422)
_DISPENSABLE = {"max_tokens": "max_completion_tokens", "temperature": ""}
"""Parameters that some models reject, each with its replacement or "".

OpenAI's newer models need `max_completion_tokens`; many other servers know only `max_tokens`.
"""
_PHRASES = {int(status): status.phrase.lower() for status in HTTPStatus}
_CODE = re.compile(r"\[[^]]*\] ?| \(_ssl.*")
_LOOK = "look at the model's name, the address in {address} and the key in {key}"
_CHECK_ADDRESS = "check the server's address in {address} (such as {example})"
_HINTS = {
    401: "check the key in {key}",
    403: "check the key in {key}",
    404: f"check the model's name; {_CHECK_ADDRESS}",
}
_IS_IT_RUNNING = "is the server running? its address comes from {address}"


@dataclass(frozen=True)
class HttpLLM:
    """A model on a server that speaks OpenAI's protocol."""

    kind: str
    server: Server
    key: Secret
    model: str

    @property
    def destination(self) -> Destination:
        """The host that the prompt leaves this machine for, and the proxy on the way."""
        host = "" if self.server.is_loopback else self.server.shown
        if self.kind == OLLAMA and _CLOUD.search(self.model.strip()):
            host = host or _CLOUD_HOST  # the server on this machine passes it on
        return Destination(f"{self.kind}:{self.model}", host, self.server.proxy_shown)

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
        return Reply(self, body)

    def models(self) -> "Reply":
        """Yield the names of the server's models, each on a line."""
        return Reply(self, None)


def make(kind: str, model: str, url: str = "") -> HttpLLM:
    """Make a backend from the environment; everything but the server is checked.

    :param url: the setting `llm_url`.
    :raises UsageError: no model, no library, no key for a remote server, or a refused address.
    """
    if not model.strip():
        raise UsageError(f"{kind}: needs a model", hint=f"--llm {kind}:MODEL")
    if importlib.util.find_spec("httpx2") is None:
        raise UsageError(
            f"{kind}:{model} needs the package httpx2, which is not installed",
            hint=install_command(kind),
        )
    server, variable = server_of(kind, url), SERVICES[kind].key_variable
    key = find_key(kind, variable)
    if key is None and kind != OLLAMA and not server.is_loopback:
        raise UsageError(
            f"{kind}:{model} needs a key for {server.shown}",
            hint=f"put it into {variable}, or by itself into {key_file(kind)} (chmod 600)",
        )
    return HttpLLM(kind, server, key or NO_KEY, model)


class _Message(msgspec.Struct):
    content: Any = None
    """The text; some servers put a list with a model's thoughts here, which are no text."""


class _CompletionChoice(msgspec.Struct):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _ListedModel(msgspec.Struct):
    id: str


class _Payload(msgspec.Struct):
    """What a server may send: a completion or a piece of one, its models, or an error."""

    choices: list[_CompletionChoice] | None = None
    data: list[_ListedModel] | None = None
    error: Any = None

    @property
    def failure(self) -> str:
        """The server's error message, "" for none."""
        message = self.error.get("message") if isinstance(self.error, dict) else self.error
        return str(message or "an unnamed error") if self.error else ""


class Reply(Iterator[str]):
    """The text of one reply, piece by piece, and its socket.

    Every error becomes a `BackendFailed` without keys: neither in its text nor, since it is a new
    exception, in the original's frames and requests.

    :param body: what to complete; None for the names of the server's models.
    """

    def __init__(self, llm: HttpLLM, body: dict[str, Any] | None) -> None:
        self._llm = llm
        self._body = body
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None
        self._pieces = self._read()

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except Exception as exc:  # noqa: BLE001 - server or client may cause any error
            message, hint = _describe(exc)
        llm, service = self._llm, SERVICES[self._llm.kind]
        raise BackendFailed(
            sentence(f"the {llm.kind} server {llm.server.shown} {message}", llm.key),
            hint=(hint or _LOOK).format(
                address=llm.server.where, example=service.example, key=service.key_variable
            ),
        )

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

    def _read(self) -> Generator[str]:
        """Send the request and yield the pieces of text, with the key hidden."""
        import httpx2

        # The client's log has headers, in which a server may echo a key.
        logging.getLogger("httpcore2").setLevel(logging.WARNING)
        proxy = self._llm.server.proxy
        with (
            httpx2.HTTPTransport(proxy=proxy.reveal() if proxy else None) as transport,
            contextlib.closing(self._ask(transport)) as response,
        ):
            yield from hide_in_pieces(self._text(response), self._llm.key)

    def _ask(self, transport: "httpx2.HTTPTransport") -> "httpx2.Response":
        """Send, and again without a parameter that the server rejects by name, each only once."""
        dispensable = dict(_DISPENSABLE)
        while True:
            response = transport.handle_request(self._request())
            if response.status_code == HTTPStatus.OK:
                return response
            status, problem = response.status_code, _problem_in(response)
            rejected = next((name for name in dispensable if name in problem), "")
            if status not in _REJECTED or not self._body or rejected not in self._body:
                raise _refusal(status, problem)
            value, other = self._body.pop(rejected), dispensable.pop(rejected)
            if other:
                self._body[other] = value

    def _request(self) -> "httpx2.Request":
        import httpx2

        llm, body = self._llm, self._body
        timeout = httpx2.Timeout(READ_S, connect=CONNECT_S).as_dict()
        request = httpx2.Request(
            "POST" if body else "GET",
            f"{llm.server.url}/{'chat/completions' if body else 'models'}",
            headers={
                "User-Agent": "ragqa",
                "Content-Type": "application/json",
                "Accept": "text/event-stream" if body else "application/json",
                "Accept-Encoding": "identity",
            },
            content=json.dumps(body).encode() if body else None,
            extensions={"timeout": timeout, "trace": self._watch},
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

    def _text(self, response: "httpx2.Response") -> Iterator[str]:
        """The text of a response that is a stream or, from some servers, a single document."""
        if self._body is None:
            listed = _payload(b"".join(_chunks(response))).data or ()
            return (f"{' '.join(model.id.split())}\n" for model in listed)
        form = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if form == "text/html":
            raise BackendFailed("answered with a web page, not a completion", hint=_CHECK_ADDRESS)
        if form == "application/json":
            return completion([b"".join(_chunks(response))])
        return completion(events(_chunks(response)))


def _problem_in(response: "httpx2.Response") -> str:
    """What a server says of a failure, "" for nothing that can be read."""
    import httpx2

    body = bytearray()
    # Report the status even if the explanation does not arrive.
    with contextlib.closing(response), contextlib.suppress(httpx2.HTTPError):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > _ERROR_BYTES:
                break
    with contextlib.suppress(BackendFailed):
        if failure := _payload(bytes(body)).failure:
            return failure
    return "" if body.lstrip().startswith(b"<") else body.decode("utf-8", "replace")


def _chunks(response: "httpx2.Response") -> Iterator[bytes]:
    """The bytes of a response, which is neither compressed nor too long."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise BackendFailed("sent compressed data, which was not asked for")
    total = 0
    for chunk in response.iter_raw():
        total += len(chunk)
        if total > REPLY_BYTES:
            raise BackendFailed(f"sent more than {REPLY_BYTES:,} bytes")
        yield chunk


def completion(messages: Iterable[str | bytes]) -> Iterator[str]:
    """Yield the text of a completion as its messages arrive.

    :raises BackendFailed: it reports an error, is malformed or incomplete.
    """
    for message in messages:
        if message.strip() == _END_MARK:
            return
        payload = _payload(message)
        if payload.failure:
            raise BackendFailed(f"failed: {payload.failure}")
        choice = payload.choices[0] if payload.choices else _CompletionChoice()
        part = choice.delta or choice.message or _Message()
        yield part.content if isinstance(part.content, str) else ""
        if choice.finish_reason == "length":
            raise BackendFailed(
                "reached its token limit before the end of the answer, which is not used",
                hint="allow more: ragqa config set llm_answer_tokens N",
            )
        if choice.finish_reason == "content_filter":
            raise BackendFailed("withheld the answer", hint="ask without --llm, or rephrase")
        if choice.finish_reason:
            return
    raise BackendFailed("broke off before the end of the answer", hint="ask again")


def events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The data of each server-sent event in a stream.

    An unterminated last event counts, too, since some servers send one.
    """
    import httpx2

    response = httpx2.Response(
        HTTPStatus.OK,
        headers={"Content-Type": "text/event-stream"},  # some servers give another, or none
        content=chain(chunks, [b"\n\n"]),
        request=httpx2.Request("POST", "http://server"),  # for errors, which are told as ours
    )
    source = httpx2.EventSource(response, max_event_size=None)
    return (event.data for event in source if event.data)


def _payload(text: str | bytes) -> _Payload:
    try:
        return msgspec.json.decode(text, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BackendFailed("sent something that is not the JSON of OpenAI's protocol") from None


def _refusal(status: int, problem: str) -> BackendFailed:
    """The failure of a response whose status is not 200; in hints, `{address}` is the setting.

    What the server said comes last, since `sentence` cuts the end of a long message.
    """
    if 300 <= status < 400:
        # Where to is not told: it may reveal the request.
        return BackendFailed("sent a redirect, which is not followed", hint=_CHECK_ADDRESS)
    message = f"answered {status} ({_PHRASES.get(status, 'a non-standard status')})"
    hint = "ask again later" if status == 429 or status >= 500 else _HINTS.get(status, "")
    return BackendFailed(f"{message}: {problem}" if problem else message, hint=hint)


def _describe(exc: Exception) -> tuple[str, str]:
    """The message and hint for a failure of ours or of the HTTP client."""
    import httpx2

    reason = _CODE.sub("", str(exc))
    if isinstance(exc, BackendFailed):
        return exc.message, exc.hint
    if isinstance(exc, httpx2.TimeoutException):
        waited = CONNECT_S if isinstance(exc, httpx2.ConnectTimeout) else READ_S
        return f"did nothing for {waited:g} s", _IS_IT_RUNNING
    if isinstance(exc, httpx2.ProxyError):
        return f"cannot be reached: the proxy answered {reason}", "check HTTPS_PROXY"
    if "[SSL" in str(exc):
        return f"failed at TLS, so nothing was sent: {reason}", "check the address in {address}"
    if isinstance(exc, httpx2.ConnectError):
        return f"cannot be reached: {reason}", _IS_IT_RUNNING
    if isinstance(exc, httpx2.TransportError):
        return f"broke off: {reason or 'no reason given'}", "ask again"
    return f"failed: {type(exc).__name__}: {reason}", ""
