"""Where a store is and which packages it needs, without importing or opening it."""

import importlib.util

from ragqa.config import storeuri
from ragqa.errors import UsageError

SENT = (
    "the text of every passage with titles, tags, paths and embeddings, and the search for each "
    "question"
)
"""What a remote store is sent of notes and questions, in words."""


def remote_host(kind: str, uri: str) -> str:
    """The `HOST:PORT` that the notes' text is sent to; "" if it stays on this machine.

    :raises UsageError: the URI is malformed.
    """
    return storeuri.remote_host(uri) if kind == "milvus" else ""


def check_usable(kind: str, uri: str) -> None:
    """Check that the packages a kind of store needs are installed, without importing them.

    :raises UsageError: one is missing; the hint installs it.
    """
    if kind != "milvus":
        return
    embedded = not uri or storeuri.is_file(uri)
    for package in ("pymilvus", "milvus_lite") if embedded else ("pymilvus",):
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"the store {kind} needs the package {package}, which is not installed",
                hint=f'pip install "ragqa[{kind}]"',
            )
