"""Listen on loopback, and serve an application there behind the guard."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from ragqa.errors import UsageError
from ragqa.serving.guard import Guard

LOOPBACK = "127.0.0.1"
MOST_AT_ONCE = 64
"""Connections; more are told to come back."""


def listen(port: int) -> socket.socket:
    """A socket on a port of loopback; 0 for any free one.

    :raises UsageError: the port is taken or not allowed.
    """
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((LOOPBACK, port))
        server.listen(MOST_AT_ONCE)
    except OSError as exc:
        server.close()
        raise UsageError(
            f"port {port} of {LOOPBACK} cannot be used: {exc.strerror}", hint="choose another"
        ) from exc
    return server


def serve(
    app: ASGIApp, server: socket.socket, *, token: str, ready: Callable[[Guard, str], None]
) -> None:
    """Serve until interrupted.

    :param ready: called with the guard and the address, once connections are accepted.
    """
    port = server.getsockname()[1]
    hosts = frozenset((f"{LOOPBACK}:{port}", f"localhost:{port}"))
    guard = Guard(app, hosts=hosts, token=token)
    config = uvicorn.Config(
        guard,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=2,
    )
    with server:
        ready(guard, f"http://{LOOPBACK}:{port}")
        uvicorn.Server(config).run(sockets=[server])
