"""LLM servers: checked addresses, and keys, which are shown nowhere."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ragqa.config import user_settings_file
from ragqa.config.urls import Address, llm_address
from ragqa.errors import UsageError
from ragqa.safe import read_own

OLLAMA, ANTHROPIC = "ollama", "anthropic"
_VERSION = "/v1"

MAX_MESSAGE = 300
_HIDDEN = "***"
_SHORTEST = 8
"""A shorter key is a word such as `none` or `ollama`, which an answer may contain."""
_SECRET_NAME = re.compile("(KEY|TOKEN|SECRET|PASSWORD)$")
_VALID = "".join(map(chr, range(0x21, 0x7F)))
_MAX_BYTES = 4096


class Secret:
    """A text that shows as `***` wherever it is printed, logged or formatted."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The text itself, for the only code that sends it."""
        return self.__value

    def __repr__(self) -> str:
        return _HIDDEN


NO_KEY = Secret("")


def hide(text: str, secret: Secret) -> str:
    """Replace a secret in a text by `***`, in capitals or not."""
    value = secret.reveal()
    if len(value) < _SHORTEST:
        return text
    return re.sub(re.escape(value), _HIDDEN, text, flags=re.IGNORECASE)


def without_keys(text: str) -> str:
    """Hide the values of environment variables such as `…_KEY` and `…_TOKEN` in a text."""
    # Another thread may remove a variable meanwhile.
    values = (os.environ.get(name) for name in list(os.environ) if _SECRET_NAME.search(name))
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = hide(text, Secret(value))
    return text


def sentence(text: str, key: Secret = NO_KEY) -> str:
    """The beginning of a message or hint, on one line and with keys hidden.

    :param key: a key that may come from outside the environment.
    """
    # Hide before cutting, which could leave part of a key.
    text = hide(without_keys(text), key)
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}…"


def hide_in_pieces(pieces: Iterable[str], secret: Secret) -> Iterator[str]:
    """The same as `hide` for a text in pieces, by whole words: a key has no white space."""
    rest = ""
    for piece in pieces:
        rest += piece
        whole = len(rest) - len(re.split(r"\s", rest)[-1]) if secret.reveal() else len(rest)
        yield hide(rest[:whole], secret)
        rest = rest[whole:]
    yield hide(rest, secret)


def key_file(kind: str) -> Path:
    """The user's optional key file for a kind of backend."""
    return user_settings_file().parent / "keys" / kind


def find_key(kind: str) -> Secret | None:
    """The key for a kind of backend: from the environment, else from the user's file, else None.

    :raises UsageError: others can read the file, or the content cannot be a key.
    """
    where = SERVICES[kind].key_variable
    secret = Secret(os.environ.get(where, "").strip())
    if not secret.reveal():
        where = str(key_file(kind))
        data = read_own(key_file(kind), "key file", size=_MAX_BYTES)
        if data is None:
            return None
        secret, data = Secret(data.decode("utf-8", "replace").strip()), b""
    if not secret.reveal() or secret.reveal().strip(_VALID):
        raise UsageError(
            f"{where} does not contain a key: it is empty, or not ASCII without spaces",
            hint=f"put only the key into {where}",
        )
    return secret


@dataclass(frozen=True, slots=True)
class Service:
    """The variables with a server's address and key, and an example of an address: the default."""

    address_variable: str
    key_variable: str
    example: str


SERVICES = {
    "openai": Service("OPENAI_BASE_URL", "OPENAI_API_KEY", "https://api.openai.com/v1"),
    OLLAMA: Service("OLLAMA_HOST", "OLLAMA_API_KEY", "http://127.0.0.1:11434"),
    ANTHROPIC: Service("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "https://api.anthropic.com"),
}
"""The servers that are known by name."""


def server_of(kind: str, url: str) -> tuple[Address, str]:
    """The address of a kind's server, and the setting or variable that it is from.

    In OLLAMA_HOST the scheme and the port may be missing.

    :param url: the setting `llm_url`, "" if it is not set; only `openai` goes by it, since a key
        belongs to the server of its kind.
    :raises UsageError: the address is not `https://HOST…`, or `http://` to this machine.
    """
    service = SERVICES[kind]
    given, where = os.environ.get(service.address_variable, ""), service.address_variable
    if kind == "openai":
        given, where = (url, "llm_url") if url else (given or service.example, where)
    else:
        if kind == OLLAMA:
            # 0.0.0.0 is for listening everywhere, and means this machine.
            given = given.strip().replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - never listened on
            if given and "://" not in given:
                given = f"http://{given}" + ("" if re.search(r":\d+$", given) else ":11434")
        given = (given.rstrip("/").removesuffix(_VERSION) or service.example) + _VERSION
    return llm_address(given, where, example=service.example), where
