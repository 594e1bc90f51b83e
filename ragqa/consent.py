"""The hosts that the user allowed sending to, each for what, remembered between runs.

They are kept in the user's own settings folder, never with notes or an index: a folder of notes
must not be able to allow anything.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ragqa.atomic_write import write_whole
from ragqa.config.files import user_settings_file
from ragqa.config.ownfile import read_own
from ragqa.errors import UsageError

_MAX_BYTES = 64_000
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class Use(StrEnum):
    """What a host was allowed for, by its name in the file; one is not the other."""

    LLM = "hosts"
    """To be sent questions with the passages that answer them."""

    STORE = "stores"
    """To be sent the text of all notes: to keep an index of them, or to embed them."""


_Hosts = dict[Use, set[str]]


@dataclass(frozen=True, slots=True)
class Consents:
    """The hosts that were allowed to answer and those that were allowed to store, sorted.

    `problem` says why none could be read, or is "", and `fix` what mends that.
    """

    hosts: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    problem: str = ""
    fix: str = ""

    def of(self, use: Use) -> tuple[str, ...]:
        """The hosts that were allowed for this."""
        return self.hosts if use is Use.LLM else self.stores

    @property
    def warnings(self) -> tuple[str, ...]:
        """The problem with what mends it, if there is one."""
        return (f"{self.problem}; to mend it: {self.fix}",) if self.problem else ()


def consent_file() -> Path:
    """Where consent is remembered; the file need not exist."""
    return user_settings_file().with_name("consent.json")


def consents() -> Consents:
    """The hosts that were allowed so far; none where the file is damaged, or may be another's."""
    path = consent_file()
    try:
        data = read_own(path, "file of consents", size=_MAX_BYTES + 1)
    except UsageError as exc:
        return Consents(problem=f"no consent is remembered, since {exc.message}", fix=exc.hint)
    if data is None:
        return Consents()
    try:
        known = _hosts_in(data)
        return Consents(tuple(sorted(known[Use.LLM])), tuple(sorted(known[Use.STORE])))
    except (ValueError, RecursionError, UsageError) as exc:
        problem = f"no consent is remembered, since {path} cannot be read: {exc}"
        return Consents(problem=problem, fix=f"rm {path}")


def is_allowed(host: str, use: Use = Use.LLM) -> bool:
    """Whether the user has allowed this very host and port for this; False for what is no host."""
    return _normal(host) in consents().of(use)


def allow(host: str, use: Use = Use.LLM) -> str:
    """Remember that this host may be sent to; gives it as it is remembered.

    :raises UsageError: it is not the name of a host, or the file is damaged or cannot be written.
    """
    host = host_named(host)
    with _changing() as known:
        known[use].add(host)
    return host


def forget(host: str, use: Use = Use.LLM) -> bool:
    """Take consent back; False where there was none.

    :raises UsageError: it is not the name of a host, or the file is damaged or cannot be written.
    """
    host = host_named(host)
    with _changing() as known:
        was_there = host in known[use]
        known[use].discard(host)
    return was_there


def host_named(host: str) -> str:
    """A host, with its port if that is not 443, in the one way of writing it.

    :raises UsageError: it is none.
    """
    if not _HOST.fullmatch(_normal(host)):
        raise UsageError(
            f"{host!r} is not the name of a host",
            hint="give HOST or HOST:PORT, as ragqa llm list and ragqa status show it",
        )
    return _normal(host)


def _hosts_in(data: bytes) -> _Hosts:
    """The hosts that the bytes of the file name; one of an earlier ragqa names no stores.

    :raises ValueError: they are not of that form.
    :raises UsageError: one is not the name of a host.
    """
    if len(data) > _MAX_BYTES:
        raise ValueError("it is too large")
    document = json.loads(data)
    if not isinstance(document, dict) or Use.LLM not in document:
        raise ValueError("it does not list hosts")
    return {use: _named(document.get(use, [])) for use in Use}


def _named(hosts: object) -> set[str]:
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise ValueError("it does not list hosts")
    return {host_named(host) for host in hosts}


def _normal(host: str) -> str:
    return host.lower().removesuffix(":443")


@contextmanager
def _changing() -> Iterator[_Hosts]:
    """The hosts that were allowed, written afterwards as they are then; one process at a time.

    :raises UsageError: the file cannot be trusted, and what it allowed would be lost, or it cannot
        be written.
    """
    path = consent_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock")):
            known = consents()
            if known.problem:
                raise UsageError(known.problem, hint=known.fix)
            before = {use: set(known.of(use)) for use in Use}
            hosts = {use: set(known.of(use)) for use in Use}
            yield hosts
            if hosts != before:
                write_whole(path, _document(hosts), private=True)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc


def _document(hosts: _Hosts) -> str:
    """The text of the file; stores are named where there are any, so that it stays as it was."""
    shown = {use: sorted(hosts[use]) for use in Use if hosts[use] or use is Use.LLM}
    return json.dumps(shown, indent=2) + "\n"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock; the kernel frees it when the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
