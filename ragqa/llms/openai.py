"""OpenAI's protocol, which most servers speak: `POST …/chat/completions`, streamed.

Reference: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Iterator
from typing import Any

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt
from ragqa.llms.faults import broke_off, check_end
from ragqa.llms.reading import error_in, events, not_a_completion, part, read_object, text_at
from ragqa.llms.served import HttpLLM, make_http
from ragqa.llms.wire import LIMITS, Limits, Wire, messages

DEFAULT_ADDRESS = "https://api.openai.com/v1"


def make(model: str, *, limits: Limits = LIMITS) -> HttpLLM:
    """Make the backend `openai:MODEL`.

    :raises UsageError: no model, no key for a remote server, or a refused address.
    """
    return make_http(WIRE, model, limits=limits)


def _body(model: str, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "messages": messages(prompt),
        "stream": True,
        "temperature": 0,
        "max_tokens": max_tokens,
    }


def _text(lines: Iterator[bytes]) -> Iterator[str]:
    for data in events(lines):
        if data.strip() == b"[DONE]":
            return
        chunk = read_object(data)
        if error := error_in(chunk):
            raise BackendFailed(f"failed: {error}")
        choice = part(chunk, "choices", 0)
        yield text_at(choice, "delta", "content")
        if reason := text_at(choice, "finish_reason"):
            check_end(reason)
            return
    raise broke_off()


def _whole(reply: dict[str, Any]) -> Iterator[str]:
    choice = part(reply, "choices", 0)
    if part(choice, "message") is None:
        raise not_a_completion()
    yield text_at(choice, "message", "content")
    check_end(text_at(choice, "finish_reason"))


WIRE = Wire(
    kind="openai",
    route="/chat/completions",
    body=_body,
    text=_text,
    whole=_whole,
    accept="text/event-stream",
    default_address=DEFAULT_ADDRESS,
    address_variable="OPENAI_BASE_URL",
    key_variable="OPENAI_API_KEY",
    # OpenAI's newer models need the second; many other servers know only the first.
    dispensable=(("max_tokens", "max_completion_tokens"), ("temperature", "")),
)
