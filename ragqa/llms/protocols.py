"""The protocols of LLM servers: what goes into a request, and what is read out of the reply."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt
from ragqa.llms.faults import broke_off, check_end
from ragqa.llms.reading import error_in, events, not_a_completion, part, read_object, text_at

_PORT = re.compile("[0-9]{1,5}")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - never connected to
_CLOUD = re.compile("(^|[:-])cloud$", re.IGNORECASE)
_CLOUD_HOST = "ollama.com"
_CONTEXT_STEP = 4096
_CHARS_A_TOKEN = 2


@dataclass(frozen=True, slots=True)
class ReplyChunk:
    """A part of a reply: its text, the reason for the end if any, and whether it is the last."""

    text: str
    end_reason: str
    is_last: bool


@dataclass(frozen=True, slots=True)
class WireProtocol:
    """The protocol of one kind of server.

    :param route: the path after the server's address.
    :param body: makes the JSON to send from model, prompt and maximum tokens.
    :param messages: splits a streamed reply's lines into JSON texts.
    :param chunk: reads one of these.
    :param whole: reads an unstreamed reply, one JSON object; None if it is not a completion.
    :param key_header: the header for the key, and its prefix before the key.
    :param headers: further headers.
    :param dispensable: parameters that some models reject, each with its replacement or "".
    :param end_mark: the message that ends a stream, if it is not JSON.
    :param needs_key: whether a remote server needs a key.
    :param address: makes the server's address of the variable's value; "" for the default.
    :param onward: the host that a local server forwards the prompt to for a model, "" for none.
    """

    kind: str
    route: str
    body: Callable[[str, Prompt, int], dict[str, Any]]
    messages: Callable[[Iterable[bytes]], Iterator[bytes]]
    chunk: Callable[[dict[str, Any]], ReplyChunk]
    whole: Callable[[dict[str, Any]], ReplyChunk | None]
    accept: str
    default_address: str
    address_variable: str
    key_variable: str
    key_header: tuple[str, str] = ("Authorization", "Bearer ")
    headers: tuple[tuple[str, str], ...] = ()
    dispensable: tuple[tuple[str, str], ...] = (("temperature", ""),)
    end_mark: bytes = b""
    needs_key: bool = True
    address: Callable[[str], str] = lambda given: given
    onward: Callable[[str], str] = lambda _: ""

    def streamed_text(self, lines: Iterable[bytes]) -> Iterator[str]:
        """Yield the text of a streamed reply as its lines arrive.

        :raises BackendFailed: it reports an error, is malformed or incomplete.
        """
        for message in self.messages(lines):
            if self.end_mark and message.strip() == self.end_mark:
                return
            value = read_object(message)
            if error := error_in(value):
                raise BackendFailed(f"failed: {error}")
            chunk = self.chunk(value)
            yield chunk.text
            check_end(chunk.end_reason)
            if chunk.is_last:
                return
        raise broke_off()

    def whole_text(self, reply: bytes) -> Iterator[str]:
        """Yield the text of a reply that is a single document; raises as `streamed_text` does."""
        value = read_object(reply)
        if error := error_in(value):
            raise BackendFailed(f"failed: {error}")
        chunk = self.whole(value)
        if chunk is None:
            raise not_a_completion()
        yield chunk.text
        check_end(chunk.end_reason)


def _chat(model: str, prompt: Prompt) -> dict[str, Any]:
    """What OpenAI's and Ollama's requests share."""
    messages = [
        {"role": "system", "content": prompt.instructions},
        {"role": "user", "content": prompt.message},
    ]
    return {"model": model, "messages": messages, "stream": True}


# OpenAI's: https://platform.openai.com/docs/api-reference/chat-streaming


def _openai_body(model: str, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    return {**_chat(model, prompt), "temperature": 0, "max_tokens": max_tokens}


def _openai_chunk(value: dict[str, Any]) -> ReplyChunk:
    choice = part(value, "choices", 0)
    reason = text_at(choice, "finish_reason")
    return ReplyChunk(text_at(choice, "delta", "content"), reason, is_last=bool(reason))


def _openai_whole(reply: dict[str, Any]) -> ReplyChunk | None:
    choice = part(reply, "choices", 0)
    if part(choice, "message") is None:
        return None
    text = text_at(choice, "message", "content")
    return ReplyChunk(text, text_at(choice, "finish_reason"), is_last=True)


# Ollama's: https://github.com/ollama/ollama/blob/main/docs/api.md


def _ollama_body(model: str, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    size = (len(prompt.instructions) + len(prompt.message)) // _CHARS_A_TOKEN + max_tokens
    options = {
        "temperature": 0,
        "num_predict": max_tokens,
        # Without it, Ollama silently truncates the prompt to its default.
        "num_ctx": -(-size // _CONTEXT_STEP) * _CONTEXT_STEP,
    }
    return {**_chat(model, prompt), "options": options}


def _ollama_messages(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.strip())


def _ollama_chunk(value: dict[str, Any]) -> ReplyChunk:
    is_last = value.get("done") is True
    reason = text_at(value, "done_reason") if is_last else ""
    return ReplyChunk(text_at(value, "message", "content"), reason, is_last=is_last)


def _ollama_whole(reply: dict[str, Any]) -> ReplyChunk | None:
    chunk = _ollama_chunk(reply)
    return chunk if chunk.is_last and part(reply, "message") is not None else None


def ollama_address(given: str) -> str:
    """The server's address from the value of OLLAMA_HOST, which Ollama parses leniently.

    As in https://github.com/ollama/ollama/blob/main/envconfig/config.go: scheme and port are
    optional, and a wildcard listening address means this machine.
    """
    given = given.strip().strip("\"'").strip()
    scheme, separator, rest = given.partition("://")
    if not separator:
        scheme, rest = "http", given
        if rest == _CLOUD_HOST:
            scheme, rest = "https", f"{_CLOUD_HOST}:443"
    standard = {"http": "80", "https": "443"}.get(scheme, "") if separator else "11434"
    place, slash, path = rest.partition("/")
    host, port = _host_and_port(place)
    if not _PORT.fullmatch(port) or int(port) > 65535:
        port = standard
    host = _LOOPBACK.get(host, host) or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}{slash}{path}"


def _host_and_port(place: str) -> tuple[str, str]:
    """Host and port, "" if absent; an IPv6 address may lack its brackets."""
    if place.count(":") > 1 and "]:" not in place:
        return place.strip("[]"), ""
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host.strip("[]"), port


def _ollama_onward(model: str) -> str:
    """Ollama runs cloud models itself; the server on this machine only forwards the prompt."""
    return _CLOUD_HOST if _CLOUD.search(model.strip()) else ""


# Anthropic's: https://docs.anthropic.com/en/api/messages-streaming


def _anthropic_body(model: str, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "system": prompt.instructions,
        "messages": [{"role": "user", "content": prompt.message}],
        "stream": True,
        "temperature": 0,
        "max_tokens": max_tokens,
    }


def _anthropic_chunk(value: dict[str, Any]) -> ReplyChunk:
    kind = text_at(value, "type")
    is_text = kind == "content_block_delta" and text_at(value, "delta", "type") == "text_delta"
    text = text_at(value, "delta", "text") if is_text else ""
    return ReplyChunk(text, text_at(value, "delta", "stop_reason"), is_last=kind == "message_stop")


def _anthropic_whole(reply: dict[str, Any]) -> ReplyChunk | None:
    content = part(reply, "content")
    if not isinstance(content, list):
        return None
    texts = [text_at(block, "text") for block in content if text_at(block, "type") == "text"]
    return ReplyChunk("".join(texts), text_at(reply, "stop_reason"), is_last=True)


def _anthropic_address(given: str) -> str:
    """The server's address; some users append `/v1`, as for OpenAI's protocol."""
    return given.rstrip("/").removesuffix("/v1")


PROTOCOLS = {
    protocol.kind: protocol
    for protocol in (
        WireProtocol(
            kind="openai",
            route="/chat/completions",
            body=_openai_body,
            messages=events,
            chunk=_openai_chunk,
            whole=_openai_whole,
            accept="text/event-stream",
            default_address="https://api.openai.com/v1",
            address_variable="OPENAI_BASE_URL",
            key_variable="OPENAI_API_KEY",
            # OpenAI's newer models need the second; many other servers know only the first.
            dispensable=(("max_tokens", "max_completion_tokens"), ("temperature", "")),
            end_mark=b"[DONE]",
        ),
        WireProtocol(
            kind="ollama",
            route="/api/chat",
            body=_ollama_body,
            messages=_ollama_messages,
            chunk=_ollama_chunk,
            whole=_ollama_whole,
            accept="application/x-ndjson",
            default_address="http://127.0.0.1:11434",
            address_variable="OLLAMA_HOST",
            key_variable="OLLAMA_API_KEY",
            dispensable=(),
            needs_key=False,
            address=ollama_address,
            onward=_ollama_onward,
        ),
        WireProtocol(
            kind="anthropic",
            route="/v1/messages",
            body=_anthropic_body,
            messages=events,
            chunk=_anthropic_chunk,
            whole=_anthropic_whole,
            accept="text/event-stream",
            default_address="https://api.anthropic.com",
            address_variable="ANTHROPIC_BASE_URL",
            key_variable="ANTHROPIC_API_KEY",
            key_header=("x-api-key", ""),
            headers=(("anthropic-version", "2023-06-01"),),
            address=_anthropic_address,
        ),
    )
}
"""The protocol of each kind."""
