"""OpenAI's and Anthropic's protocols over HTTP; only this module sends anything to an LLM.

The client takes nothing from the environment, follows no redirect and verifies certificates. What a
server sends is untrusted.
"""

import importlib.util
import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from ragqa.config.urls import Address
from ragqa.errors import BackendFailed, UsageError, install_command
from ragqa.llms import Destination, Prompt
from ragqa.llms.servers import (
    ANTHROPIC,
    NO_KEY,
    OLLAMA,
    SERVICES,
    Secret,
    find_key,
    hide_in_pieces,
    key_file,
    sentence,
    server_of,
)

if TYPE_CHECKING:
    import httpx2

CONNECT_S, READ_S = 5, 60
"""How long to wait for a connection, and for the next bytes; `bounded` has the whole deadline."""

REPLY_BYTES = 8_000_000
_ERROR_CHUNKS = 8
_CLOUD = re.compile("(^|[:-])cloud$", re.IGNORECASE)
_CLOUD_HOST = "ollama.com"
_OPTIONAL = ("max_tokens", "temperature")
_LIMIT, _WITHHELD = ("length", "max_tokens"), ("content_filter", "refusal")
_CHECK_ADDRESS = "check the server's address in {address} (such as {example})"
_HINTS = {
    401: "check the key in {key}",
    403: "check the key in {key}",
    404: f"check the model's name; {_CHECK_ADDRESS}",
    429: "ask again later",
}
_IS_IT_RUNNING = "is the server running? its address comes from {address}"
_LOOK = "look at the model's name, the address in {address} and the key in {key}"


@dataclass(frozen=True)
class HttpLLM:
    """A model on a server that speaks OpenAI's protocol, or Anthropic's."""

    kind: str
    server: Address
    address_from: str
    key: Secret
    model: str

    @property
    def destination(self) -> Destination:
        """The host that the prompt leaves this machine for."""
        host = "" if self.server.is_loopback else self.server.shown
        if self.kind == OLLAMA and _CLOUD.search(self.model.strip()):
            host = host or _CLOUD_HOST  # the server on this machine passes it on
        return Destination(f"{self.kind}:{self.model}", host)

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the completion piece by piece; see `LLM.stream`.

        Errors have no key in their text, and no cause, whose frames may have it.
        """
        import httpx2

        try:
            yield from hide_in_pieces(self._pieces(prompt, max_tokens), self.key)
        except BackendFailed as exc:
            raise self._failed(exc.message, exc.hint) from None
        except httpx2.TimeoutException:
            raise self._failed("did not answer in time", _IS_IT_RUNNING) from None
        except httpx2.ConnectError as exc:
            raise self._failed(f"cannot be reached: {exc}", _IS_IT_RUNNING) from None
        except httpx2.HTTPError as exc:
            raise self._failed(f"broke off: {exc}", "ask again") from None

    def _failed(self, message: str, hint: str) -> BackendFailed:
        """The failure of this server, which is named."""
        service = SERVICES[self.kind]
        return BackendFailed(
            sentence(f"the {self.kind} server {self.server.shown} {message}", self.key),
            hint=(hint or _LOOK).format(
                address=self.address_from, example=service.example, key=service.key_variable
            ),
        )

    def _pieces(self, prompt: Prompt, max_tokens: int) -> Iterator[str]:
        import httpx2

        # The client's log has headers, in which a server may echo a key.
        logging.getLogger("httpcore2").setLevel(logging.WARNING)
        timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
        path, headers, body = self._request(prompt, max_tokens)
        with httpx2.Client(trust_env=False, timeout=timeout, headers=headers) as client:
            for content in (body, _for_newer_models(body)):
                with client.stream(
                    "POST", f"{self.server.url}/{path}", content=json.dumps(content)
                ) as response:
                    if response.status_code == HTTPStatus.OK:
                        yield from completion(events(response.iter_raw()))
                        return
                    problem = _problem_in(response)
                is_rejected = response.status_code == HTTPStatus.BAD_REQUEST
                if not (is_rejected and any(name in problem for name in _OPTIONAL)):
                    break
        raise _refusal(response.status_code, problem)

    def _request(
        self, prompt: Prompt, max_tokens: int
    ) -> tuple[str, dict[str, str], dict[str, Any]]:
        """The path, headers and body of a request."""
        headers = {"User-Agent": "ragqa", "Accept-Encoding": "identity"}
        headers["Content-Type"] = "application/json"
        key, user = self.key.reveal(), {"role": "user", "content": prompt.message}
        body = {"model": self.model, "stream": True, "temperature": 0, "max_tokens": max_tokens}
        if self.kind == ANTHROPIC:  # https://docs.claude.com/en/api/messages
            headers |= {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
            return "messages", headers, body | {"system": prompt.instructions, "messages": [user]}
        # https://platform.openai.com/docs/api-reference/chat
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        system = {"role": "system", "content": prompt.instructions}
        return "chat/completions", headers, body | {"messages": [system, user]}


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
    (server, where), key = server_of(kind, url), find_key(kind)
    if key is None and kind != OLLAMA and not server.is_loopback:
        variable = SERVICES[kind].key_variable
        raise UsageError(
            f"{kind}:{model} needs a key for {server.shown}",
            hint=f"put it into {variable}, or by itself into {key_file(kind)} (chmod 600)",
        )
    return HttpLLM(kind, server, where, key or NO_KEY, model)


def _for_newer_models(body: dict[str, Any]) -> dict[str, Any]:
    """The same request as models want it that have no temperature, and OpenAI's newer ones."""
    other = {name: value for name, value in body.items() if name not in _OPTIONAL}
    name = "max_tokens" if "system" in body else "max_completion_tokens"
    return other | {name: body["max_tokens"]}


class _Delta(msgspec.Struct):
    """A piece of text: OpenAI's `content`, which may be a list of thoughts, or Anthropic's."""

    content: Any = None
    text: Any = None
    stop_reason: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    delta: _Delta | None = None
    error: Any = None

    @property
    def failure(self) -> str:
        """The server's error message, "" for none."""
        message = self.error.get("message") if isinstance(self.error, dict) else self.error
        return str(message or "an unnamed error") if self.error else ""


def events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The data of server-sent events, each a line in both protocols.

    After each chunk comes an empty one, so that whoever reads sees that time passes.

    :raises BackendFailed: there is too much of it.
    """
    rest, size = b"", 0
    for chunk in chunks:
        size += len(chunk)
        if size > REPLY_BYTES:
            raise BackendFailed(f"sent more than {REPLY_BYTES:,} bytes")
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line[len(b"data:") :] for line in lines if line.startswith(b"data:"))
        yield b""


def completion(messages: Iterable[bytes]) -> Iterator[str]:
    """Yield the text of a completion as its messages arrive.

    :raises BackendFailed: it reports an error, is malformed or incomplete.
    """
    for message in messages:
        event = _event(message) if message.strip() not in (b"", b"[DONE]") else _Event()
        if event.failure:
            raise BackendFailed(f"failed: {event.failure}")
        choice = event.choices[0] if event.choices else _Choice(event.delta)
        delta = choice.delta or _Delta()
        yield from (text for text in (delta.content, delta.text) if isinstance(text, str))
        end = choice.finish_reason or delta.stop_reason
        if end in _LIMIT:
            raise BackendFailed(
                "reached its token limit before the end of the answer, which is not used",
                hint="allow more: ragqa config set llm_answer_tokens N",
            )
        if end in _WITHHELD:
            raise BackendFailed("withheld the answer", hint="ask without --llm, or rephrase")
        if end:
            return
        yield ""
    raise BackendFailed("broke off before the end of the answer", hint=_CHECK_ADDRESS)


def _event(message: bytes) -> _Event:
    try:
        return msgspec.json.decode(message, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BackendFailed("sent something that is not the JSON of its protocol") from None


def _problem_in(response: "httpx2.Response") -> str:
    """What a server says of a failure, "" for nothing that can be read."""
    body = b"".join(islice(response.iter_raw(), _ERROR_CHUNKS))
    try:
        return _event(body).failure
    except BackendFailed:
        return "" if body.lstrip().startswith(b"<") else body.decode("utf-8", "replace")


def _refusal(status: int, problem: str) -> BackendFailed:
    """The failure of a response whose status is not 200; in hints, `{address}` is the setting.

    What the server said comes last, since `sentence` cuts the end of a long message.
    """
    if 300 <= status < 400:
        # Where to is not told: it may reveal the request.
        return BackendFailed("sent a redirect, which is not followed", hint=_CHECK_ADDRESS)
    hint = _HINTS.get(status, "ask again later" if status >= 500 else "")
    return BackendFailed(f"answered {status}{': ' * bool(problem)}{problem}", hint=hint)
