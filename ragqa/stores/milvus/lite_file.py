"""A Milvus Lite file, served from threads of this process and to it alone.

Only one process at a time may have it open. Other processes on this machine can reach the port, so
each call carries a secret.
"""

import hmac
import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from milvus_lite import MilvusLite
from milvus_lite.adapter.grpc.servicer import MilvusServicer
from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError
from pymilvus.grpc_gen import milvus_pb2_grpc

from ragqa.errors import IndexUnusable, WriterBusy
from ragqa.private import private_folder

FILE_WAIT_S = 5.0
"""How long to wait for a file that another process has open; a query takes about a second."""

_TOKEN = f"ragqa:{secrets.token_hex(32)}"
_THREADS = 10
_MAX_MESSAGE_BYTES = 256 * 2**20


@dataclass(slots=True)
class _Served:
    """A file that is served, and the number of its clients."""

    server: grpc.Server
    database: MilvusLite
    port: int
    clients: int = 0


_SERVED: dict[str, _Served] = {}
_SERVING = threading.Lock()


def serve(uri: str) -> tuple[str, str]:
    """Serve a file to this process; returns the address and the token it requires.

    :raises WriterBusy: another process has it open for longer than `FILE_WAIT_S`.
    :raises IndexUnusable: it cannot be opened.
    """
    with _SERVING:
        if uri not in _SERVED:
            _SERVED[uri] = _start(Path(uri))
        _SERVED[uri].clients += 1
        return f"http://127.0.0.1:{_SERVED[uri].port}", _TOKEN


def release(uri: str) -> None:
    """Unregister a client of a file; the last one closes it."""
    with _SERVING:
        served = _SERVED[uri]
        served.clients -= 1
        if served.clients:
            return
        del _SERVED[uri]
    served.server.stop(grace=None).wait()
    served.database.close()


def _start(path: Path) -> _Served:
    database = _open(path)
    limits = [(f"grpc.max_{way}_message_length", _MAX_MESSAGE_BYTES) for way in ("send", "receive")]
    server = grpc.server(ThreadPoolExecutor(_THREADS), interceptors=[_Guard()], options=limits)
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(database), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return _Served(server, database, port)


def _open(path: Path) -> MilvusLite:
    deadline = time.monotonic() + FILE_WAIT_S
    while True:
        try:
            private_folder(path)
            return MilvusLite(str(path))
        except DataDirLockedError as exc:
            if time.monotonic() > deadline:
                raise WriterBusy(
                    f"another process has the Milvus Lite file {path} open, "
                    "and only one can at a time",
                    hint="try again when it is done; to share the file: milvus-lite server",
                ) from exc
            time.sleep(0.1)
        except (MilvusLiteError, OSError, ValueError, KeyError) as exc:
            raise IndexUnusable(
                f"the Milvus Lite file {path} cannot be opened: {exc}",
                hint="remove it, then: ragqa index --rebuild",
            ) from exc


class _Guard(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Rejects calls without the token."""

    def __init__(self) -> None:
        self._expected = b64encode(_TOKEN.encode()).decode()
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler:
        given = dict(handler_call_details.invocation_metadata).get("authorization", "")
        if hmac.compare_digest(str(given).encode(), self._expected.encode()):
            return continuation(handler_call_details)
        return self._refusal


def _refuse(_request: object, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "this file is served to another process")
