"""The lease on an index in Milvus: one writer at a time holds it until it expires.

Milvus has no locks and no compare-and-swap, but an inserted row is visible to every later query. So
a writer inserts its claim and then queries: if it sees another claim, it gives up, since the other
may have been first and not have seen this one.
"""

import json
import os
import platform
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ragqa.errors import IndexNotWritable, RagqaError, WriterBusy
from ragqa.stores.decoding import MALFORMED, decoded
from ragqa.stores.milvus.client import CALL_S, Client, Row
from ragqa.stores.milvus.records import is_newest, small_row
from ragqa.stores.milvus.rows import any_of

LEASE_S = 120.0
"""How long a claim is valid after its last renewal. Clocks may differ by less than half of it."""

RENEWED_S = 15.0

_RELEASED: set[int] = set()
"""The claims that this process has given up, since deleting one may fail."""

_TRIES = 5
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A writer's lease, or its attempt to get it.

    :param number: the key of its row, below 0.
    :param owner: host and process.
    :param namespace: identifies processes that can see each other; "" if unknown.
    :param process: the process id.
    :param expires: when it ends, in seconds since 1970.
    """

    number: int
    owner: str
    namespace: str
    process: int
    expires: float

    @property
    def has_ended(self) -> bool:
        """Whether it has expired or its owner is known to be dead.

        A claim that would last longer than a new one cannot be genuine.
        """
        is_dead = (
            self.namespace != ""
            and self.namespace == _pid_namespace()
            and not _is_alive(self.process)
        )
        return (
            is_dead or self.number in _RELEASED or not 0 < self.expires - time.time() <= 2 * LEASE_S
        )


class Lease:
    """An undisputed claim, renewed from a thread until it is released.

    :ivar attempt: this writer's unique number, once its turn has begun.
    """

    def __init__(self, client: Client, claim: Claim) -> None:
        self.attempt = 0
        self._client = client
        self._claim = claim
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Check that the lease lasts long enough for one more call.

        :raises IndexNotWritable: it could not be renewed in time.
        """
        if self._claim.expires - time.time() < CALL_S:
            raise self._lost_lease("could not be renewed in time, so another may be writing")

    def confirm(self) -> None:
        """Check that this attempt's record was inserted before another's turn began, so it counts.

        :raises IndexNotWritable: it may not have been.
        """
        if not is_newest(self._client, self.attempt):
            raise self._lost_lease("passed to another writer, so what was written may not count")

    def release(self) -> None:
        """Let others write."""
        self._done.set()
        self._thread.join()
        _release(self._client, self._claim)

    def _lost_lease(self, how: str) -> IndexNotWritable:
        return IndexNotWritable(
            f"the lease of the index {self._client.place} {how}", hint="run the same command again"
        )

    def _keep(self) -> None:
        while not self._done.wait(RENEWED_S) and not self._claim.has_ended:
            with suppress(RagqaError):  # `check` reports it if it persists
                self._claim = _insert(self._client, self._claim)


@contextmanager
def leased(client: Client, *, wait: bool) -> Iterator[Lease]:
    """Hold the lease on an index.

    :raises WriterBusy: another process holds it and `wait` is False.
    :raises IndexUnusable: the server fails.
    """
    process = os.getpid()
    owner = f"process {process} on {platform.node()}"
    claim = Claim(-1 - secrets.randbits(62), owner, _pid_namespace(), process, 0.0)
    try:
        lease = Lease(client, _acquire(client, claim, wait=wait))
    except BaseException:
        _release(client, claim)
        raise
    try:
        lease.check()
        yield lease
    finally:
        lease.release()


def claims(client: Client) -> list[Claim]:
    """All claims, ended or not."""
    return [_read(row) for row in client.query(client.records, "pk < 0", ("pk", "data"))]


def _acquire(client: Client, claim: Claim, *, wait: bool) -> Claim:
    tries = 0
    while True:
        others = [each for each in claims(client) if not each.has_ended]
        if not others:
            claim = _insert(client, claim)
            seen = claims(client)
            others = [each for each in seen if each.number != claim.number and not each.has_ended]
            if not others:
                _remove(client, *(each for each in seen if each.has_ended))
                return claim
            _remove(client, claim)
            tries += 1
            if tries < _TRIES:
                time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - keeps two writers out of step
                continue
        if not wait:
            left = max(0, round(others[0].expires - time.time()))
            raise WriterBusy(
                f"the index {client.place} is being written by {others[0].owner:.80}, "
                f"whose lease ends in {left} s unless it is renewed",
                hint="ragqa index --wait",
            )
        time.sleep(_POLL_S)


def _insert(client: Client, claim: Claim) -> Claim:
    """Insert or renew a claim; returns it with its new expiry."""
    claim = replace(claim, expires=time.time() + LEASE_S)
    content = json.dumps([claim.owner, claim.namespace, claim.process, claim.expires])
    client.upsert(client.records, [small_row(claim.number, 0, content)])
    return claim


def _release(client: Client, claim: Claim) -> None:
    _RELEASED.add(claim.number)
    with suppress(RagqaError):  # then it expires, or this process's next writer removes it
        _remove(client, claim)


def _remove(client: Client, *gone: Claim) -> None:
    if gone:
        client.delete(client.records, any_of("pk", [claim.number for claim in gone]))


def _read(row: Row) -> Claim:
    """Parse a claim; an unreadable one has ended, or nobody would ever remove it."""
    try:
        return Claim(row["pk"], *decoded(row["data"], tuple[str, str, int, float]))
    except MALFORMED:
        return Claim(row["pk"], "somebody", "", 0, 0.0)


def _pid_namespace() -> str:
    """What identifies the processes that can see each other's ids; "" if unknown."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    return ""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    with suppress(OSError, IndexError):
        # A killed process remains as a zombie until its parent waits for it.
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] != "Z"
    return True
