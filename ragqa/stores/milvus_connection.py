"""Connections to Milvus, begun and ended."""

import logging
import os
from collections import deque
from typing import Any

from ragqa.config.storeuri import TOKEN_VARIABLE, is_file
from ragqa.stores.places import remote_host

_NEVER_MS = 2**31 - 1


def pymilvus() -> Any:  # noqa: ANN401 - the module is there only with the extra
    """The module `pymilvus`, kept from the environment and from the terminal."""
    # It would take settings, and the token, from a file `.env` in a folder that may be of notes.
    before = dict(os.environ)
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import pymilvus as module
    finally:
        os.environ.clear()
        os.environ.update({"GRPC_VERBOSITY": "NONE"} | before)
    # They would print tracebacks of what is told in one sentence here.
    for name in ("pymilvus", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return module


def connect(milvus: Any, uri: str, timeout_s: float) -> Any:  # noqa: ANN401 - pymilvus's
    """A connection to a server, or to a file that is served for this.

    :raises WriterBusy: another process has the file open.
    """
    address, token = uri, os.environ.get(TOKEN_VARIABLE, "")
    if is_file(uri):
        from ragqa.stores.milvus_file import serve

        address, token = serve(uri)
    # Connections are shared by address unless they are dedicated, and closing one of a file's would
    # close those of its other users.
    return milvus.MilvusClient(
        uri=address, token=token, timeout=timeout_s, dedicated=True, grpc_options=_options(uri)
    )


LEFT: deque[tuple[Any, str]] = deque()
"""The connections of clients that are no more, with what they were to. What is collected as garbage
is so at any moment, in which one may wait for nothing; so they are closed later."""


def close_left() -> None:
    """Close them."""
    while LEFT:
        client, uri = LEFT.popleft()
        client.close()
        if is_file(uri):
            from ragqa.stores.milvus_file import release

            release(uri)


def _options(uri: str) -> dict[str, int]:
    """How gRPC is to talk to a server."""
    # A proxy, which gRPC would also use on the way to this very machine, could read what is not
    # encrypted.
    options = {"grpc.enable_http_proxy": int(uri.startswith("https://"))}
    if not remote_host("milvus", uri):
        # pymilvus pings every ten seconds, which Milvus Lite takes for an attack and hangs up.
        options["grpc.keepalive_time_ms"] = _NEVER_MS
    return options
