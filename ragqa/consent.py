"""The hosts that the user allowed questions and passages to be sent to, remembered between runs.

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
from pathlib import Path

from ragqa.config.files import user_settings_file
from ragqa.config.ownfile import read_own
from ragqa.errors import UsageError
from ragqa.wholefile import write_whole

_MAX_BYTES = 64_000
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Consents:
    """The hosts that were allowed, sorted.

    `problem` says why none could be read, or is "", and `fix` what mends that.
    """

    hosts: tuple[str, ...] = ()
    problem: str = ""
    fix: str = ""

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
    try:
        return Consents(() if data is None else tuple(sorted(_hosts_in(data))))
    except (ValueError, RecursionError, UsageError) as exc:
        problem = f"no consent is remembered, since {path} cannot be read: {exc}"
        return Consents(problem=problem, fix=f"rm {path}")


def is_allowed(host: str) -> bool:
    """Whether the user has allowed this very host and port; False for what is no host."""
    return _normal(host) in consents().hosts


def allow(host: str) -> str:
    """Remember that passages may be sent to this host; gives it as it is remembered.

    :raises UsageError: it is not the name of a host, or the file is damaged or cannot be written.
    """
    host = host_named(host)
    with _changing() as hosts:
        hosts.add(host)
    return host


def forget(host: str) -> bool:
    """Take consent back; False where there was none.

    :raises UsageError: it is not the name of a host, or the file is damaged or cannot be written.
    """
    host = host_named(host)
    with _changing() as hosts:
        was_there = host in hosts
        hosts.discard(host)
    return was_there


def host_named(host: str) -> str:
    """A host, with its port if that is not 443, in the one way of writing it.

    :raises UsageError: it is none.
    """
    if not _HOST.fullmatch(_normal(host)):
        raise UsageError(
            f"{host!r} is not the name of a host",
            hint="give HOST or HOST:PORT, as ragqa llm list shows it",
        )
    return _normal(host)


def _hosts_in(data: bytes) -> set[str]:
    """The hosts that the bytes of the file name.

    :raises ValueError: they are not of that form.
    :raises UsageError: one is not the name of a host.
    """
    if len(data) > _MAX_BYTES:
        raise ValueError("it is too large")
    match json.loads(data):
        case {"hosts": [*hosts]} if all(isinstance(host, str) for host in hosts):
            return {host_named(host) for host in hosts}
    raise ValueError("it does not list hosts")


def _normal(host: str) -> str:
    return host.lower().removesuffix(":443")


@contextmanager
def _changing() -> Iterator[set[str]]:
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
            hosts = set(known.hosts)
            yield hosts
            if hosts != set(known.hosts):
                text = json.dumps({"hosts": sorted(hosts)}, indent=2) + "\n"
                write_whole(path, text, private=True)
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock; the kernel frees it when the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
