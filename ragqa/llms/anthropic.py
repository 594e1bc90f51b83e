"""Anthropic's messages, streamed.

Reference: https://docs.anthropic.com/en/api/messages-streaming
"""

import os
from collections.abc import Iterator
from typing import Any

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt
from ragqa.llms.faults import broke_off, check_end
from ragqa.llms.reading import error_in, events, not_a_completion, part, read_object, text_at
from ragqa.llms.served import HttpLLM, make_http
from ragqa.llms.wire import LIMITS, Limits, Wire


def make(model: str, *, limits: Limits = LIMITS) -> HttpLLM:
    """Make the backend `anthropic:MODEL`.

    :raises UsageError: no model, no key for a remote server, or a refused address.
    """
    return make_http(WIRE, model, limits=limits, address=_address())


def _address() -> str:
    """The server's address; some users append `/v1`, as for OpenAI's protocol."""
    given = os.environ.get(WIRE.address_variable, "")
    return given.rstrip("/").removesuffix("/v1")


def _body(model: str, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "system": prompt.instructions,
        "messages": [{"role": "user", "content": prompt.message}],
        "stream": True,
        "temperature": 0,
        "max_tokens": max_tokens,
    }


def _text(lines: Iterator[bytes]) -> Iterator[str]:
    for data in events(lines):
        event = read_object(data)
        kind = text_at(event, "type")
        if kind == "error":
            raise BackendFailed(f"failed: {error_in(event)}")
        if kind == "content_block_delta" and text_at(event, "delta", "type") == "text_delta":
            yield text_at(event, "delta", "text")
        check_end(text_at(event, "delta", "stop_reason"))
        if kind == "message_stop":
            return
    raise broke_off()


def _whole(reply: dict[str, Any]) -> Iterator[str]:
    content = part(reply, "content")
    if not isinstance(content, list):
        raise not_a_completion()
    yield "".join(text_at(block, "text") for block in content if text_at(block, "type") == "text")
    check_end(text_at(reply, "stop_reason"))


WIRE = Wire(
    kind="anthropic",
    route="/v1/messages",
    body=_body,
    text=_text,
    whole=_whole,
    accept="text/event-stream",
    default_address="https://api.anthropic.com",
    address_variable="ANTHROPIC_BASE_URL",
    key_variable="ANTHROPIC_API_KEY",
    key_header=("x-api-key", ""),
    headers=(("anthropic-version", "2023-06-01"),),
)
