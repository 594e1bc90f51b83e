"""Listen on loopback, and serve an application there behind the guard."""

import asyncio
import socket
from collections.abc import Callable

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ragqa.errors import UsageError
from ragqa.serving.guard import ADMITTED, MOST_AT_ONCE, Guard
from ragqa.serving.token import current

LOOPBACK = "127.0.0.1"

HEAD_S = 10.0
"""How long the head of a request may take to arrive."""


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


class _Connection(H11Protocol):
    """A connection; of too many without a request that was let through, the oldest is cut off."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.began = self.loop.time()
        self._watch_head()
        waiting = [c for c in self.connections if isinstance(c, _Connection) and c.is_waiting]
        if len(waiting) > MOST_AT_ONCE:
            min(waiting, key=lambda one: one.began).transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def _watch_head(self) -> None:
        """Cut the connection off unless the head of a request comes whole in time."""
        is_coming = self.conn.their_state is h11.IDLE
        if is_coming and self._late is None:
            self._late = self.loop.call_later(HEAD_S, self.transport.abort)
        elif not is_coming and self._late is not None:
            self._late.cancel()
            self._late = None

    @property
    def is_waiting(self) -> bool:
        is_used = self.scope and ADMITTED in self.scope and not self.cycle.response_complete
        return not is_used and not self.transport.is_closing()


def serve(
    app: ASGIApp, server: socket.socket, *, token: str, ready: Callable[[Guard, str], None]
) -> None:
    """Serve until interrupted.

    :param ready: called with the guard and the address, once clients can connect.
    """
    port = server.getsockname()[1]
    hosts = frozenset((f"{LOOPBACK}:{port}", f"localhost:{port}"))
    guard = Guard(app, hosts=hosts, token=current(token))
    config = uvicorn.Config(
        guard,
        http=_Connection,
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=MOST_AT_ONCE,
        timeout_graceful_shutdown=2,
    )
    with server:
        ready(guard, f"http://{LOOPBACK}:{port}")
        uvicorn.Server(config).run(sockets=[server])
