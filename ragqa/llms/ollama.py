"""Ollama's own protocol: `POST /api/chat`, one JSON object a line.

Reference: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

import os
import re
from collections.abc import Iterator
from typing import Any

from ragqa.errors import BackendFailed
from ragqa.llms import Prompt
from ragqa.llms.faults import broke_off, check_end
from ragqa.llms.reading import error_in, not_a_completion, part, read_object, text_at
from ragqa.llms.served import HttpLLM, make_http
from ragqa.llms.wire import LIMITS, Limits, Wire, messages

_PORT = re.compile("[0-9]{1,5}")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - never connected to
_CLOUD = re.compile("(^|[:-])cloud$", re.IGNORECASE)
_CLOUD_HOST = "ollama.com"
_CONTEXT_STEP = 4096
_CHARS_A_TOKEN = 2


def make(model: str, *, limits: Limits = LIMITS) -> HttpLLM:
    """Make the backend `ollama:MODEL`.

    :raises UsageError: no model, or a refused address.
    """
    # Ollama runs cloud models itself; the server on this machine only forwards the prompt.
    onward = _CLOUD_HOST if _CLOUD.search(model.strip()) else ""
    return make_http(WIRE, model, limits=limits, address=address(), needs_key=False, onward=onward)


def address() -> str:
    """The server's address from OLLAMA_HOST, which Ollama parses leniently.

    As in https://github.com/ollama/ollama/blob/main/envconfig/config.go: scheme and port are
    optional, and a wildcard listening address means this machine.
    """
    given = os.environ.get(WIRE.address_variable, "").strip().strip("\"'").strip()
    scheme, separator, rest = given.partition("://")
    if not separator:
        scheme, rest = "http", given
        if rest == _CLOUD_HOST:
            scheme, rest = "https", f"{_CLOUD_HOST}:443"
    standard = {"http": "80", "https": "443"}.get(scheme, "") if separator else "11434"
    place, slash, path = rest.partition("/")
    host, port = _split(place)
    if not _PORT.fullmatch(port) or int(port) > 65535:
        port = standard
    host = _LOOPBACK.get(host, host) or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}{slash}{path}"


def _split(place: str) -> tuple[str, str]:
    """Host and port, "" if absent; an IPv6 address may lack its brackets."""
    if place.count(":") > 1 and "]:" not in place:
        return place.strip("[]"), ""
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host.strip("[]"), port


def _body(model: str, prompt: Prompt, max_tokens: int) -> dict[str, Any]:
    size = (len(prompt.instructions) + len(prompt.message)) // _CHARS_A_TOKEN + max_tokens
    return {
        "model": model,
        "messages": messages(prompt),
        "stream": True,
        "options": {
            "temperature": 0,
            "num_predict": max_tokens,
            # Without it, Ollama silently truncates the prompt to its default.
            "num_ctx": -(-size // _CONTEXT_STEP) * _CONTEXT_STEP,
        },
    }


def _text(lines: Iterator[bytes]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            continue
        chunk = read_object(line)
        if error := error_in(chunk):
            raise BackendFailed(f"failed: {error}")
        yield text_at(chunk, "message", "content")
        if chunk.get("done") is True:
            check_end(text_at(chunk, "done_reason"))
            return
    raise broke_off()


def _whole(reply: dict[str, Any]) -> Iterator[str]:
    if part(reply, "message") is None or reply.get("done") is not True:
        raise not_a_completion()
    yield text_at(reply, "message", "content")
    check_end(text_at(reply, "done_reason"))


WIRE = Wire(
    kind="ollama",
    route="/api/chat",
    body=_body,
    text=_text,
    whole=_whole,
    accept="application/x-ndjson",
    default_address="http://127.0.0.1:11434",
    address_variable="OLLAMA_HOST",
    key_variable="OLLAMA_API_KEY",
    dispensable=(),
)
