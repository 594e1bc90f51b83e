"""Open and close connections to Milvus."""

import logging
import os
from collections import deque
from typing import Any

from ragqa.config.storeuri import TOKEN_VARIABLE, is_file
from ragqa.stores.places import remote_host

_NEVER_MS = 2**31 - 1


def pymilvus() -> Any:  # noqa: ANN401 - the module is there only with the extra
    """Import `pymilvus`, isolated from the environment and silenced."""
    # It would read settings and the token from a `.env` file, perhaps in a folder of notes.
    before = dict(os.environ)
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import pymilvus as module
    finally:
        os.environ.clear()
        os.environ.update({"GRPC_VERBOSITY": "NONE"} | before)
    # They would print tracebacks of errors that are reported in one sentence here.
    for name in ("pymilvus", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return module


def connect(milvus: Any, uri: str, timeout_s: float) -> Any:  # noqa: ANN401 - pymilvus's
    """Connect to a server, or to a file, which is then served.

    :raises WriterBusy: another process has the file open.
    """
    address, token = uri, os.environ.get(TOKEN_VARIABLE, "")
    if is_file(uri):
        from ragqa.stores.milvus_file import serve

        address, token = serve(uri)
    # Connections are shared by address unless dedicated; closing one would close those of others.
    return milvus.MilvusClient(
        uri=address, token=token, timeout=timeout_s, dedicated=True, grpc_options=_options(uri)
    )


UNCLOSED: deque[tuple[Any, str]] = deque()
"""Connections of garbage-collected clients, with their URIs. Garbage collection may happen at any
moment and must not block, so they are closed later."""


def close_unused() -> None:
    """Close the connections of garbage-collected clients."""
    while UNCLOSED:
        client, uri = UNCLOSED.popleft()
        client.close()
        if is_file(uri):
            from ragqa.stores.milvus_file import release

            release(uri)


def _options(uri: str) -> dict[str, int]:
    """Return the gRPC options for a server."""
    # gRPC would use a proxy even for this machine, and a proxy can read unencrypted traffic.
    options = {"grpc.enable_http_proxy": int(uri.startswith("https://"))}
    if not remote_host("milvus", uri):
        # pymilvus pings every ten seconds; Milvus Lite takes that for an attack and hangs up.
        options["grpc.keepalive_time_ms"] = _NEVER_MS
    return options
