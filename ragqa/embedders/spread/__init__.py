"""Distributed embedding on the cores, GPUs and machines of a Ray cluster."""

import importlib.util
import ipaddress
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from ragqa.embedders import Embedder
from ragqa.embedders.workers import Workers
from ragqa.errors import UsageError
from ragqa.types import Progress

SENT = "the text of every passage of your notes that is new or has changed"
"""What is sent to a cluster, in words."""

_ADDRESS = re.compile(
    r"(?P<host>[A-Za-z0-9][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})"
)
_MAX_PORT = 65_535


def address_in(spec: str) -> str:
    """The address in `ray:HOST:PORT`; "" for `ray`, which starts a cluster on this machine.

    :raises UsageError: it is neither, or Ray is not installed.
    """
    kind, colon, address = spec.partition(":")
    found = _ADDRESS.fullmatch(address)
    is_address = found is not None and 0 < int(found["port"]) <= _MAX_PORT
    if kind != "ray" or (colon and not is_address):
        raise UsageError(
            f"--workers takes ray or ray:HOST:PORT, not {spec!r}",
            hint="--workers ray, for the cores and GPUs of this machine",
        )
    if importlib.util.find_spec("ray") is None:
        raise UsageError(
            f"--workers {spec} needs the package ray, which is not installed",
            hint='pip install "ragqa[ray]"',
        )
    return address


def remote_host(address: str) -> str:
    """The `HOST:PORT` that passages are sent to, "" if they stay on this machine."""
    host = address.rpartition(":")[0].strip("[]")
    if not host or host == "localhost":
        return ""
    try:
        return "" if ipaddress.ip_address(host).is_loopback else address
    except ValueError:
        return address


@contextmanager
def ray_workers(embedder: Embedder, progress: Progress, *, address: str) -> Iterator[Workers]:
    """Workers in the cluster at an address, or in a new local one for "".

    Nothing starts or connects before the first batch.

    :param progress: called with ("starting", 0 or 1, 1).
    """
    from ragqa.embedders.spread.tasks import RayWorkers

    with closing(RayWorkers(embedder, address, progress)) as workers:
        yield workers
