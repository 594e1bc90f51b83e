"""Keys of LLM servers: where they are read from, and a type that never shows one."""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from ragqa.config.files import user_settings_file
from ragqa.errors import UsageError

_HIDDEN = "***"
_SHORTEST = 8
"""Shorter values are no secrets (`none`, `EMPTY`), and hiding them would garble text."""
_SECRET_NAME = re.compile("(KEY|TOKEN|SECRET|PASSWORD)$")
_UNFIT = re.compile(r"[^\x21-\x7e]")
_MAX_BYTES = 4096


class Secret:
    """A text that shows as `***` wherever it is printed, logged or formatted."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The text itself: for the one place that sends it."""
        return self.__value

    def __repr__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


def environment_secrets() -> list[Secret]:
    """What the environment holds under names such as `…_KEY` and `…_TOKEN`."""
    return [Secret(value) for name, value in os.environ.items() if _SECRET_NAME.search(name)]


def hide(text: str, secrets: Iterable[Secret]) -> str:
    """Put `***` for secrets wherever the text has them."""
    values = filter(_is_long, (secret.reveal() for secret in secrets))
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, _HIDDEN)
    return text


def held_back(text: str, secret: Secret) -> int:
    """How many of the last characters may be the start of the secret."""
    value = secret.reveal()
    if not _is_long(value):
        return 0
    sizes = range(min(len(value) - 1, len(text)), 0, -1)
    return next((size for size in sizes if value.startswith(text[-size:])), 0)


def key_file(kind: str) -> Path:
    """Where the user may keep the key for a kind of backend."""
    return user_settings_file().parent / "keys" / kind


def find_key(kind: str, variable: str) -> Secret | None:
    """The key for a kind of backend: from the environment, else from the user's file.

    :raises UsageError: others can read the file, or what is there cannot be a key.
    """
    given = Secret(os.environ.get(variable, "").strip())
    if given.reveal():
        return _checked(given, variable)
    path = key_file(kind)
    found = _read_own_file(path)
    return None if found is None else _checked(found, str(path))


def check_key_file(kind: str) -> None:
    """Make sure that nobody else can read the key which the user keeps for a kind, if any.

    :raises UsageError: others can, or it is not a file of the user's.
    """
    _read_own_file(key_file(kind))


def _read_own_file(path: Path) -> Secret | None:
    mend = f"chmod 600 {path}"
    try:
        # O_NOFOLLOW: a link may point to what others write; O_NONBLOCK: a pipe would hang.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:
        if path.is_symlink():
            raise UsageError(
                f"the key file {path} is a symbolic link", hint=f"put the key itself there; {mend}"
            ) from exc
        raise UsageError(f"the key file {path} cannot be read: {exc.strerror}", hint=mend) from exc
    try:
        state = os.fstat(file)
        if not stat.S_ISREG(state.st_mode):
            raise UsageError(f"the key file {path} is not a regular file", hint=f"rm {path}")
        if state.st_uid != os.getuid():
            raise UsageError(f"the key file {path} belongs to another user", hint=f"rm {path}")
        if stat.S_IMODE(state.st_mode) != 0o600:
            raise UsageError(f"other users may read or change the key file {path}", hint=mend)
        return Secret(os.read(file, _MAX_BYTES).decode("utf-8", "replace").strip())
    finally:
        os.close(file)


def _checked(secret: Secret, where: str) -> Secret:
    problem = ""
    if not secret.reveal():
        problem = "it is empty"
    elif _UNFIT.search(secret.reveal()):
        problem = "it has spaces or characters beyond ASCII"
    if problem:
        raise UsageError(
            f"what is in {where} cannot be a key: {problem}", hint=f"put the key alone into {where}"
        )
    return secret


def _is_long(value: str) -> bool:
    return len(value) >= _SHORTEST
