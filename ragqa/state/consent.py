"""Remember which hosts the user allowed to receive data, and what for.

The file is in the user's settings folder, never with notes or an index: a folder of notes must
not be able to allow anything.
"""

import fcntl
import os
import re
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from ragqa.config import user_settings_file
from ragqa.errors import NotAllowed, UsageError
from ragqa.safe import open_private, private_folder, read_own, write_private

_MAX_BYTES = 64_000
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class Use(StrEnum):
    """What a host is allowed for, by its key in the file; neither implies the other."""

    LLM = "hosts"
    """Receives questions with the passages that answer them."""

    STORE = "stores"
    """Receives the text of all notes, to store an index of them or to embed them."""

    MODEL = "models"
    """Receives the names of models, and sends their files."""

    @property
    def command(self) -> str:
        """The command whose `allow` and `forget` manage it."""
        return self.name.lower()


class Consents(Struct, frozen=True):
    """The hosts allowed as LLMs, as stores and to send models, sorted.

    `problem` says why the file could not be read, or is ""; `fix` says how to repair it.
    """

    hosts: tuple[str, ...]
    stores: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    problem: str = ""
    fix: str = ""

    def of(self, use: Use) -> tuple[str, ...]:
        """The hosts allowed for this use."""
        hosts: tuple[str, ...] = getattr(self, use)
        return hosts

    @property
    def warnings(self) -> tuple[str, ...]:
        """The problem and its fix, if there is one."""
        return (f"{self.problem}; to fix it: {self.fix}",) if self.problem else ()


def consent_file() -> Path:
    """The file that remembers consent; it need not exist."""
    return user_settings_file().with_name("consent.json")


def consents() -> Consents:
    """Read the allowed hosts; none if the file is damaged or not private to the user."""
    path, problem = consent_file(), "consent cannot be read"
    try:
        data = read_own(path, "consent file", size=_MAX_BYTES)
    except UsageError as exc:
        return Consents((), problem=f"{problem}: {exc.message}", fix=exc.hint)
    if data is None:
        return Consents(())
    try:
        allowed = msgspec.json.decode(data, type=Consents)
        hosts, stores, models = (tuple(sorted({*map(host_named, allowed.of(use))})) for use in Use)
        return Consents(hosts, stores, models)
    except (ValueError, RecursionError, UsageError) as exc:
        return Consents((), problem=f"{problem}: {path} is damaged: {exc}", fix=f"rm {path}")


def is_allowed(host: str, use: Use = Use.LLM) -> bool:
    """Whether the user has allowed this exact host and port; False for an invalid name."""
    return _normal(host) in consents().of(use)


def allow(host: str, use: Use = Use.LLM) -> str:
    """Remember that a host is allowed; returns its normalised name.

    :raises UsageError: the name is invalid, or the file is damaged or cannot be written.
    """
    host = host_named(host)
    _change(host, use, allowed=True)
    return host


def forget(host: str, use: Use = Use.LLM) -> bool:
    """Withdraw consent; returns False if there was none.

    :raises UsageError: the name is invalid, or the file is damaged or cannot be written.
    """
    return _change(host_named(host), use, allowed=False)


def not_allowed(backend: str, what: str, where: str, *, hint: str) -> NotAllowed:
    """The error where nothing may be sent to a backend.

    :param what: what would be sent, in words.
    :param where: the destination, in words.
    """
    message = f"{backend} would send {what} to {where}, which you have not allowed yet"
    return NotAllowed(f"{message}; nothing was sent", hint=hint)


def host_named(host: str) -> str:
    """Normalise a host: lower case, with its port unless that is 443.

    :raises UsageError: the name is invalid.
    """
    if not _HOST.fullmatch(_normal(host)):
        raise UsageError(
            f"{host!r} is not the name of a host",
            hint="give HOST or HOST:PORT, as ragqa llm list and ragqa status show it",
        )
    return _normal(host)


def _normal(host: str) -> str:
    return host.lower().removesuffix(":443")


def _change(host: str, use: Use, *, allowed: bool) -> bool:
    """Change what a host may, one process at a time; returns whether it was allowed before.

    :raises UsageError: the file cannot be written, or cannot be read and would be lost.
    """
    path = consent_file()
    try:
        private_folder(path.parent)
        with os.fdopen(open_private(path.with_suffix(".lock")), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed
            known = consents()
            if known.problem:
                raise UsageError(known.problem, hint=known.fix)
            before = host in known.of(use)
            if before != allowed:
                hosts = {key.value: list(known.of(key)) for key in Use}
                hosts[use] = sorted({*hosts[use], host} if allowed else {*hosts[use]} - {host})
                text = msgspec.json.format(msgspec.json.encode(hosts)).decode()
                write_private(path, f"{text}\n")
            return before
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc
