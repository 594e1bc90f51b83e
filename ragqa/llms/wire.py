"""How a server is talked to: the formats of its kind, and how long and how much is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ragqa.llms import Prompt
from ragqa.llms.secrets import Secret
from ragqa.llms.servers import Server


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait and how much to read. The deadline of the whole is `bounded`'s."""

    connect_s: float = 5
    read_s: float = 60
    retries: int = 2
    wait_s: float = 1
    """Before the first retry, twice that before the second, where the server does not say."""
    most_wait_s: float = 10
    """A server that asks for more is not asked again."""
    reply_bytes: int = 8_000_000
    line_bytes: int = 1_000_000
    error_bytes: int = 64_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Wire:
    """How one kind of server is talked to.

    :param route: what follows the server's address.
    :param body: model, prompt and most tokens to the JSON that is sent.
    :param text: lines of the reply to the pieces of text, BackendFailed for anything amiss.
    :param whole: the same for a reply that comes all at once, as one JSON object.
    :param key_header: the header that holds the key, and what stands before the key in it.
    :param headers: further headers.
    :param dispensable: parameters that some models reject, each with the one to use instead or "".
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
    """A server, what it speaks, and what opens it."""

    wire: Wire
    server: Server
    key: Secret
    limits: Limits


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """A prompt as the messages of a chat, the instructions in the role of the system."""
    return [
        {"role": "system", "content": prompt.instructions},
        {"role": "user", "content": prompt.message},
    ]
