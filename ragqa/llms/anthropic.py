"""Anthropic's messages, streamed.

Reference: https://docs.anthropic.com/en/api/messages-streaming
"""

from collections.abc import Iterator
from typing import Any

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt
from ragqa.llms.faults import broke_off, check_end
from ragqa.llms.reading import error_in, events, read_object, text_at
from ragqa.llms.served import HttpLLM, make_http
from ragqa.llms.wire import LIMITS, Limits, Wire


def make(model: str, *, limits: Limits = LIMITS) -> HttpLLM:
    """Make the backend `anthropic:MODEL`.

    :raises UsageError: no model, no key for a server elsewhere, or an address that is refused.
    """
    return make_http(WIRE, model, limits=limits)


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


WIRE = Wire(
    kind="anthropic",
    route="/v1/messages",
    body=_body,
    text=_text,
    accept="text/event-stream",
    default_address="https://api.anthropic.com",
    address_variable="ANTHROPIC_BASE_URL",
    key_variable="ANTHROPIC_API_KEY",
    key_header=("x-api-key", ""),
    headers=(("anthropic-version", "2023-06-01"),),
)
