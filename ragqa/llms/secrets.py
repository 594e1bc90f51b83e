"""Keys of LLM servers: their sources, and a type that never shows one."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from ragqa.config.files import read_own, user_settings_file
from ragqa.errors import BackendFailed, UsageError

_HIDDEN = "***"
_BEARER = "Bearer "
_SHORTEST = 8
_SHORTEST_PART = 4
"""Hiding a shorter key inside words would make the text unreadable."""
_LONGEST_WORD = 20_000
_SECRET_NAME = re.compile("(KEY|TOKEN|SECRET|PASSWORD)$")
_INVALID = re.compile(r"[^\x21-\x7e]")
_VALID = "".join(map(chr, range(0x21, 0x7F)))
_WORD_STARTS = "(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))"
_WORD_ENDS = "(?![A-Za-z0-9])"
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


def environment_secrets() -> list[Secret]:
    """The values of environment variables such as `…_KEY` and `…_TOKEN`."""
    # Another thread may remove a variable meanwhile.
    values = (os.environ.get(name) for name in list(os.environ) if _SECRET_NAME.search(name))
    return [Secret(value) for value in values if value is not None]


def hide(text: str, secrets: Iterable[Secret]) -> str:
    """Replace secrets in a text by `***`, percent-encoded or not.

    Short ones, which are often words (`none`, `ollama`), are hidden only after `Bearer `.
    """
    values = filter(None, (secret.reveal() for secret in secrets))
    for value in sorted(values, key=len, reverse=True):
        pattern = _pattern(value)
        if len(value) < _SHORTEST:
            pattern = f"(?<={_BEARER}){pattern}{_WORD_ENDS}"
        text = re.sub(pattern, _HIDDEN, text)
    return text


def without_keys(text: str) -> str:
    """Hide the environment's secrets in a text."""
    return hide(text, environment_secrets())


def hide_key(text: str, key: Secret) -> str:
    """Replace a key in a failure message by `***`, however short the key is."""
    value = key.reveal()
    if not value:
        return text
    pattern = _pattern(value)
    if len(value) < _SHORTEST_PART:
        pattern = f"{_WORD_STARTS}{pattern}{_WORD_ENDS}"
    # Ignore case, which a host name loses.
    return re.sub(pattern, _HIDDEN, text, flags=re.IGNORECASE)


def hide_in_pieces(pieces: Iterable[str], secret: Secret) -> Iterator[str]:
    """The same as `hide` for a text in pieces and a secret without white space.

    Yields no empty pieces, and no more than it was given. Text that may be part of the secret is
    held back until its word ends.

    :raises BackendFailed: a word is longer than 20,000 characters.
    """
    pieces = filter(None, pieces)
    if not secret.reveal():
        yield from pieces
        return
    held = ""
    for piece in pieces:
        end = len(held.rstrip(_VALID))
        if held[:end].endswith(_BEARER):
            end -= len(_BEARER)
        if end:
            yield hide(held[:end], [secret])
            held = held[end:]
        if len(held) > _LONGEST_WORD:
            raise BackendFailed(f"wrote a word of more than {_LONGEST_WORD:,} characters")
        held += piece
    if held:
        yield hide(held, [secret])


def _pattern(value: str) -> str:
    """A pattern for a text in which any character may be percent-encoded."""
    encoded = (char.encode("utf-8", "surrogateescape") for char in value)
    return "".join(
        f"(?:{re.escape(char)}|(?i:{''.join(f'%{byte:02x}' for byte in data)}))"
        for char, data in zip(value, encoded, strict=True)
    )


def key_file(kind: str) -> Path:
    """The user's optional key file for a kind of backend."""
    return user_settings_file().parent / "keys" / kind


def find_key(kind: str, variable: str) -> Secret | None:
    """The key for a kind of backend: from the environment, else from the user's file, else None.

    :raises UsageError: others can read the file, or the content cannot be a key.
    """
    given = Secret(os.environ.get(variable, "").strip())
    if given.reveal():
        return _checked(given, variable)
    path = key_file(kind)
    found = _read_own_key(path)
    return None if found is None else _checked(found, str(path))


def check_key_file(kind: str) -> None:
    """Check that nobody else can read the user's key file for a kind, if it exists.

    :raises UsageError: others can, or it is not the user's file.
    """
    _read_own_key(key_file(kind))


def _read_own_key(path: Path) -> Secret | None:
    key = read_own(path, "key file", size=_MAX_BYTES)
    return None if key is None else Secret(key.decode("utf-8", "replace").strip())


def _checked(secret: Secret, where: str) -> Secret:
    problem = ""
    if not secret.reveal():
        problem = "it is empty"
    elif _INVALID.search(secret.reveal()):
        problem = "it has spaces or characters beyond ASCII"
    if problem:
        raise UsageError(
            f"{where} does not contain a key: {problem}", hint=f"put only the key into {where}"
        )
    return secret
