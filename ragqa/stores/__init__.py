"""Where an index lives: the `Store` protocol and the table of implementations.

A reader opens a snapshot and never sees another; one writer at a time makes the next. To add a
store, implement `Store`, `Snapshot` and `Writer` (`protocol.py`) in this folder, add a line to
`STORES`, and run `pytest tests/contracts/test_store_contract.py`.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from ragqa.config import addresses
from ragqa.errors import UsageError
from ragqa.stores.protocol import (
    Fault,
    IndexPart,
    Rebuilder,
    Remark,
    Repair,
    Snapshot,
    Store,
    Writer,
)

__all__ = [
    "SENT",
    "STORES",
    "Fault",
    "IndexPart",
    "Rebuilder",
    "Remark",
    "Repair",
    "Snapshot",
    "Store",
    "Writer",
    "check_usable",
    "open_store",
    "remote_host",
]


SENT = (
    "the text of every passage with titles, tags, paths and embeddings, and the search for each "
    "question"
)
"""What a remote store is sent of notes and questions, in words."""


def _local(path: Path, *_: str) -> Store:
    from ragqa.stores.local.store import LocalStore

    return LocalStore(path)


def _milvus(path: Path, uri: str, name: str) -> Store:
    from ragqa.stores.milvus.store import MilvusStore

    return MilvusStore(path, uri, name)


STORES: dict[str, Callable[[Path, str, str], Store]] = {
    "local": _local,
    "milvus": _milvus,
}
"""Store factories by kind; each takes the index's folder, a URI and a name."""


def open_store(path: Path, *, kind: str = "local", uri: str = "", name: str = "") -> Store:
    """Open a store, which need not exist yet.

    :param path: the index's folder.
    :param uri: a server's address or a file, if the store is not in the folder.
    :param name: the index's name in the store; "" for one private to this folder.
    :raises UsageError: there is no such kind, or a package it needs is not installed.
    """
    if kind not in STORES:
        raise UsageError(f"no store of the kind {kind!r}; there are: {', '.join(sorted(STORES))}")
    check_usable(kind, uri)
    return STORES[kind](path, uri, name)


def remote_host(kind: str, uri: str) -> str:
    """The `HOST:PORT` that the notes' text is sent to; "" if it stays on this machine.

    :raises UsageError: the URI is malformed.
    """
    return addresses.remote_host(uri) if kind == "milvus" else ""


def check_usable(kind: str, uri: str) -> None:
    """Check that the packages a kind of store needs are installed, without importing them.

    :raises UsageError: one is missing; the hint installs it.
    """
    if kind != "milvus":
        return
    embedded = not uri or addresses.is_file(uri)
    for package in ("pymilvus", "milvus_lite") if embedded else ("pymilvus",):
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"the store {kind} needs the package {package}, which is not installed",
                hint=f'pip install "ragqa[{kind}]"',
            )
