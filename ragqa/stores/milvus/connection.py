"""Connections to Milvus: opening and closing them, and what their errors mean."""

import logging
import os
import re
from collections import deque
from typing import Any

import grpc

from ragqa.config.addresses import TOKEN_VARIABLE, is_file, remote_host
from ragqa.errors import IndexNotReadable, IndexNotWritable, IndexUnusable

DOCTOR = "ragqa doctor"
NEEDED = (2, 6, 2)
"""The oldest version that supports partial updates of a row."""

LITE = "milvus_lite"
"""How the version of Milvus Lite begins, be it a file or a server."""

_NEVER_MS = 2**31 - 1

# Words in the messages of Milvus and gRPC, of any version; several codes may mean the same.
_REFUSED = ("unauthenticated", "not authenticated", "auth check failure", "permission", "permitted")
_FULL = (
    "quota",
    "limit exceeded",
    "exceeded the limit",
    "resource_exhausted",
    "insufficient",
    "disk",
    "deny to write",
)
_GONE = ("unavailable", "connect", "not ready")
_SLOW = ("deadline", "timeout")

UNCLOSED: deque[tuple[Any, str]] = deque()
"""Connections of garbage-collected clients, with their URIs. Garbage collection may happen at any
moment and must not block, so they are closed later."""


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
        from ragqa.stores.milvus.lite_file import serve

        address, token = serve(uri)
    # gRPC would use a proxy even for this machine, and a proxy can read unencrypted traffic.
    options = {"grpc.enable_http_proxy": int(uri.startswith("https://"))}
    if not remote_host(uri):
        # pymilvus pings every ten seconds; Milvus Lite takes that for an attack and hangs up.
        options["grpc.keepalive_time_ms"] = _NEVER_MS
    # Connections are shared by address unless dedicated; closing one would close those of others.
    return milvus.MilvusClient(
        uri=address, token=token, timeout=timeout_s, dedicated=True, grpc_options=options
    )


def close_unused() -> None:
    """Close the connections of garbage-collected clients."""
    while UNCLOSED:
        client, uri = UNCLOSED.popleft()
        client.close()
        if is_file(uri):
            from ragqa.stores.milvus.lite_file import release

            release(uri)


def is_new_enough(version: str) -> bool:
    """Whether a server that reports this version is new enough; any patch level if it has none."""
    if version.startswith(LITE):
        return True
    numbers = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", version)
    return numbers is not None and tuple(map(int, numbers.groups(default="9999"))) >= NEEDED


def translate_error(exc: Exception, uri: str) -> IndexUnusable:
    """The error to raise for an error of pymilvus or gRPC."""
    at = f"the Milvus Lite file {uri}" if is_file(uri) else f"the Milvus server at {uri}"
    message, signs = _message_and_signs(exc)
    if any(sign in signs for sign in _REFUSED):
        return IndexNotReadable(
            f"{at} denies access: {message}",
            hint=f"set {TOKEN_VARIABLE} to a token, or USER:PASSWORD",
        )
    if any(sign in signs for sign in _FULL):
        return IndexNotWritable(
            f"{at} accepts no more data: {message}",
            hint="give it more space or a higher quota, and try again",
        )
    if any(sign in signs for sign in _GONE):
        return IndexNotReadable(
            f"no Milvus answers at {uri}: {message}",
            hint="start it, or name another: --store-uri URI",
        )
    if any(sign in signs for sign in _SLOW):
        return IndexNotReadable(f"{at} did not answer in time: {message}", hint=DOCTOR)
    return IndexUnusable(f"{at} failed: {message}", hint=DOCTOR)


def _message_and_signs(exc: Exception) -> tuple[str, str]:
    """The message for people, and in lower case with error codes for classification."""
    message = str(getattr(exc, "message", "") or exc)
    signs = f"{getattr(exc, 'code', '')} {message}"
    call = next((each for each in (exc, exc.__cause__) if isinstance(each, grpc.Call)), None)
    if call is not None:
        message = call.details() or message
        signs += f" {call.code().name} {message}"
    # Brackets and quotes enclose names, which may contain any word.
    return " ".join(message.split())[:300], re.sub(r"\[[^]]*]|'[^']*'", "", signs).lower()
