"""Keys of LLM servers: where they come from, and a type that never shows one."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from ragqa.config.files import read_own, user_settings_file
from ragqa.errors import UsageError

MAX_MESSAGE = 300
_HIDDEN = "***"
_SHORTEST = 8
_SHORTEST_IN_MESSAGES = 4
"""A shorter key is a word such as `none` or `ollama`, which an answer may contain."""
_SECRET_NAME = re.compile("(KEY|TOKEN|SECRET|PASSWORD)$")
_INVALID = re.compile(r"[^\x21-\x7e]")
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

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


NO_KEY = Secret("")


def hide(text: str, secret: Secret, *, shortest: int = _SHORTEST) -> str:
    """Replace a secret in a text by `***`, percent-encoded or not, in capitals or not."""
    value = secret.reveal()
    if len(value) < shortest:
        return text
    encoded = (char.encode("utf-8", "surrogateescape") for char in value)
    pattern = "".join(
        f"(?:{re.escape(char)}|{''.join(f'%{byte:02x}' for byte in data)})"
        for char, data in zip(value, encoded, strict=True)
    )
    return re.sub(pattern, _HIDDEN, text, flags=re.IGNORECASE)


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
    text = hide(without_keys(text), key, shortest=_SHORTEST_IN_MESSAGES)
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}…"


def hide_in_pieces(pieces: Iterable[str], secret: Secret) -> Iterator[str]:
    """The same as `hide` for a text in pieces and a secret without white space.

    The end of a piece that may begin the secret is held back until the next. Yields no empty
    pieces, and no more than it was given.
    """
    if not secret.reveal():
        yield from filter(None, pieces)
        return
    longest, held = 3 * len(secret.reveal()), ""
    for piece in filter(None, pieces):
        end = max(len(held.rstrip(_VALID)), len(held) - longest + 1)
        if end:
            yield held[:end]
        held = hide(held[end:] + piece, secret)
    if held:
        yield held


def key_file(kind: str) -> Path:
    """The user's optional key file for a kind of backend."""
    return user_settings_file().parent / "keys" / kind


def find_key(kind: str, variable: str) -> Secret | None:
    """The key for a kind of backend: from the environment, else from the user's file, else None.

    :raises UsageError: others can read the file, or the content cannot be a key.
    """
    where, secret = variable, Secret(os.environ.get(variable, "").strip())
    if not secret.reveal():
        where = str(key_file(kind))
        data = read_own(key_file(kind), "key file", size=_MAX_BYTES)
        if data is None:
            return None
        secret, data = Secret(data.decode("utf-8", "replace").strip()), b""
    problem = "" if secret.reveal() else "it is empty"
    if _INVALID.search(secret.reveal()):
        problem = "it has spaces or characters beyond ASCII"
    if problem:
        raise UsageError(
            f"{where} does not contain a key: {problem}", hint=f"put only the key into {where}"
        )
    return secret
