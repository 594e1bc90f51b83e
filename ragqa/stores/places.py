"""Where a store is and what it needs, told without importing or opening anything of it."""

import importlib.util

from ragqa.config import storeuri
from ragqa.errors import UsageError

SENT = (
    "the text of every passage with titles, tags, paths and embeddings, and what is looked for "
    "with each question"
)
"""What a store that is elsewhere is sent of notes and questions, in words."""


def remote_host(kind: str, uri: str) -> str:
    """`HOST:PORT` that the notes' text is sent to; "" where it stays on this machine.

    :raises UsageError: the URI is none.
    """
    return storeuri.remote_host(uri) if kind == "milvus" else ""


def check_usable(kind: str, uri: str) -> None:
    """Make sure that what a kind of store needs is installed; nothing of it is imported.

    :raises UsageError: it is not, with the line that installs it.
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
