"""A server's protocol: its formats, and limits on time and size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ragqa.llms import Prompt
from ragqa.llms.secrets import Secret
from ragqa.llms.servers import Server


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


@dataclass(frozen=True, slots=True)
class Wire:
    """The protocol of one kind of server.

    :param route: the path after the server's address.
    :param body: makes the JSON to send from model, prompt and maximum tokens.
    :param text: parses the reply's lines into pieces of text; raises BackendFailed on any error.
    :param whole: the same for an unstreamed reply, one JSON object.
    :param key_header: the header for the key, and its prefix before the key.
    :param headers: further headers.
    :param dispensable: parameters that some models reject, each with its replacement or "".
    """

    kind: str
    route: str
    body: Callable[[str, Prompt, int], dict[str, Any]]
    text: Callable[[Iterator[bytes]], Iterator[str]]
    whole: Callable[[dict[str, Any]], Iterator[str]]
    accept: str
    default_address: str
    address_variable: str
    key_variable: str
    key_header: tuple[str, str] = ("Authorization", "Bearer ")
    headers: tuple[tuple[str, str], ...] = ()
    dispensable: tuple[tuple[str, str], ...] = (("temperature", ""),)


@dataclass(frozen=True, slots=True)
class Target:
    """A server with its protocol, key and limits."""

    wire: Wire
    server: Server
    key: Secret
    limits: Limits


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """A prompt as chat messages, with the instructions as system message."""
    return [
        {"role": "system", "content": prompt.instructions},
        {"role": "user", "content": prompt.message},
    ]
