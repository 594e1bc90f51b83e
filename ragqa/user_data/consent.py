"""The list of hosts that the user allowed to receive data, each with its purpose.

The file is in the user's settings folder, never with notes or an index: a folder of notes must
not be able to allow anything. The user takes consent back by deleting a line.
"""

import re
from enum import StrEnum
from pathlib import Path

from ragqa.config import user_settings_file
from ragqa.errors import NotAllowed, UsageError
from ragqa.safe import read_own, write_private

_MAX_BYTES = 64_000
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class Use(StrEnum):
    """What a host is allowed for; neither implies the other."""

    LLM = "LLM"
    """Receives questions with the passages that answer them."""

    STORE = "store"
    """Receives the text of all notes, to store an index of them or to embed them."""


def consent_file() -> Path:
    """The file with the list; it need not exist."""
    return user_settings_file().with_name("allowed.txt")


def consents() -> tuple[str, ...]:
    """The lines of the list, such as "api.openai.com as LLM"; one of another form allows nothing.

    :raises UsageError: the file may be by somebody else.
    """
    listed = read_own(consent_file(), "list of allowed hosts", size=_MAX_BYTES) or b""
    lines = (line.strip() for line in listed.decode("utf-8", "replace").splitlines())
    return tuple(sorted({*filter(None, lines)}))


def is_allowed(host: str, use: Use = Use.LLM) -> bool:
    """Whether the user has allowed this exact host and port; raises as `allow` does."""
    return _line(host, use) in consents()


def allow(host: str, use: Use = Use.LLM) -> str:
    """Remember that a host is allowed; returns the line of the list.

    :raises UsageError: the name is invalid, or the list may be by somebody else or not be written.
    """
    line, path = _line(host, use), consent_file()
    try:
        write_private(path, "".join(f"{each}\n" for each in sorted({*consents(), line})))
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc
    return line


def not_allowed(backend: str, what: str, where: str, *, hint: str) -> NotAllowed:
    """The error where nothing may be sent to a backend; `what` and `where` are in words."""
    message = f"{backend} would send {what} to {where}, which you have not allowed yet"
    return NotAllowed(f"{message}; nothing was sent", hint=hint)


def _line(host: str, use: Use) -> str:
    """The line that allows a host: in lower case, with its port unless that is 443."""
    normal = host.lower().removesuffix(":443")
    if not _HOST.fullmatch(normal):
        raise UsageError(f"{host!r} is not the name of a host")
    return f"{normal} as {use}"
