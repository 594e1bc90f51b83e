"""The right to write an index in Milvus, which one writer at a time has, until it expires.

Milvus has no lock and no comparison before a change. What it has is that a row that was put in is
there for whoever looks afterwards; so a writer puts its claim in, and then looks: where it sees
another's, one of the two was first and did not see this one, and this one gives up.
"""

import json
import math
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
from ragqa.stores.milvus_client import CALL_S, Client, Row
from ragqa.stores.milvus_records import Names, begin_turn, turn_of
from ragqa.stores.milvus_rows import any_of

LEASE_S = 120.0
"""How long a claim holds after it was last renewed. Clocks may differ by less than half of it."""

RENEWED_S = 15.0

_GIVEN_BACK: set[int] = set()
"""The claims that this process had; what removes one may fail."""

_TRIES = 5
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody's right to write, or a try to get it.

    :param number: its row's, below 0.
    :param owner: host and process.
    :param home: what tells processes that can see each other; "" where nothing does.
    :param expires: when it ends, in seconds since 1970.
    """

    number: int
    owner: str
    home: str
    process: int
    expires: float

    @property
    def is_over(self) -> bool:
        """Whether it has expired, or its owner is known to be no more.

        One that would hold for longer than any that was put in now has never been true.
        """
        is_dead = self.home != "" and self.home == _home() and not _is_alive(self.process)
        return (
            is_dead
            or self.number in _GIVEN_BACK
            or not 0 < self.expires - time.time() <= 2 * LEASE_S
        )


class Lease:
    """A claim that nobody disputes, renewed from a thread until it is given back.

    :ivar attempt: the number that this writer has alone.
    """

    def __init__(self, client: Client, names: Names, claim: Claim) -> None:
        self.attempt = begin_turn(client, names).attempt
        self._client = client
        self._names = names
        self._claim = claim
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Make sure that the lease holds for long enough to end what is begun now.

        :raises IndexNotWritable: it could not be renewed in time.
        """
        if self._claim.expires - time.time() < CALL_S:
            raise self._lost("could not be renewed in time, so another may be writing")

    def confirm(self) -> None:
        """Make sure that what was put in until now was in before another's turn began.

        :raises IndexNotWritable: it may not have been.
        """
        if turn_of(self._client, self._names).attempt > self.attempt:
            raise self._lost("went over to another, so what was written may not count")

    def give_back(self) -> None:
        """Let others write."""
        self._done.set()
        self._thread.join()
        _give_back(self._client, self._names, self._claim)

    def _lost(self, how: str) -> IndexNotWritable:
        return IndexNotWritable(
            f"the lease of the index {self._names.name} at {self._client.uri} {how}",
            hint="run the same command again",
        )

    def _keep(self) -> None:
        while not self._done.wait(RENEWED_S) and not self._claim.is_over:
            with suppress(RagqaError):  # `check` tells, where it stays so
                self._claim = _put(self._client, self._names, self._claim)


@contextmanager
def leased(client: Client, names: Names, *, wait: bool) -> Iterator[Lease]:
    """Be the one writer of an index.

    :raises WriterBusy: another process is, and `wait` is False.
    :raises IndexUnusable: the server fails.
    """
    claim = _new_claim()
    try:
        lease = Lease(client, names, _win(client, names, claim, wait=wait))
    except BaseException:
        _give_back(client, names, claim)
        raise
    try:
        lease.check()
        yield lease
    finally:
        lease.give_back()


def claims(client: Client, names: Names) -> list[Claim]:
    """All that are there, over or not."""
    rows = client.query(names.records, "pk < 0", ("pk", "data"))
    return [_read(row) for row in rows]


def _win(client: Client, names: Names, claim: Claim, *, wait: bool) -> Claim:
    tries = 0
    while True:
        others = [each for each in claims(client, names) if not each.is_over]
        if not others:
            claim = _put(client, names, claim)
            seen = claims(client, names)
            others = [each for each in seen if each.number != claim.number and not each.is_over]
            if not others:
                _remove(client, names, *(each for each in seen if each.is_over))
                return claim
            _remove(client, names, claim)
            tries += 1
            if tries < _TRIES:
                time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - so that two do not keep step
                continue
        if not wait:
            raise _busy(client, names, others[0])
        time.sleep(_POLL_S)


def _new_claim() -> Claim:
    process = os.getpid()
    owner = f"process {process} on {platform.node()}"
    return Claim(-1 - secrets.randbits(62), owner, _home(), process, 0.0)


def _put(client: Client, names: Names, claim: Claim) -> Claim:
    """Put a claim in, or renew it; gives it as it is then."""
    claim = replace(claim, expires=time.time() + LEASE_S)
    content = [claim.owner, claim.home, claim.process, claim.expires]
    row: Row = {
        "pk": claim.number,
        "generation": 0,
        "data": json.dumps(content),
        "anchor": [1.0, 0.0],
    }
    client.upsert(names.records, [row])
    return claim


def _give_back(client: Client, names: Names, claim: Claim) -> None:
    _GIVEN_BACK.add(claim.number)
    with suppress(RagqaError):  # then it expires, or this process's next writer removes it
        _remove(client, names, claim)


def _remove(client: Client, names: Names, *gone: Claim) -> None:
    if gone:
        client.delete(names.records, any_of("pk", [claim.number for claim in gone]))


def _read(row: Row) -> Claim:
    """A claim; one that cannot be read is over, since nobody would ever remove it."""
    try:
        owner, home, process, expires = json.loads(row["data"])
        if math.isfinite(expires):
            return Claim(row["pk"], str(owner), str(home), int(process), float(expires))
    except (ArithmeticError, RecursionError, TypeError, ValueError):
        pass
    return Claim(row["pk"], "somebody", "", 0, 0.0)


def _home() -> str:
    """What only those processes have in common that see each other by their numbers."""
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
    return True


def _busy(client: Client, names: Names, other: Claim) -> WriterBusy:
    left = max(0, round(other.expires - time.time()))
    return WriterBusy(
        f"the index {names.name} at {client.uri} is being written by {other.owner:.80}, "
        f"whose lease ends in {left} s unless it is renewed",
        hint="ragqa index --wait",
    )
