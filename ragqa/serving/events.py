"""Server-sent events: what a piece of work says while it runs."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import anyio
from anyio import CapacityLimiter, from_thread, to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ragqa.serving.failing import failure_of

Emit: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Sends an event of a name with a document."""


class EventStream(Response):
    """Runs work in a thread, and sends its events as they come.

    What fails before the first event is an error as of any other request, later it is the event
    `error`. When the client leaves or the server ends, the work is ended, too.

    :param work: called with `Emit`, which raises once there is nobody to send to.
    :param end: ends work that waits, from another thread.
    :param failed: the response where nothing was sent yet.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        work: Callable[[Emit], None],
        *,
        end: Callable[[], None],
        limiter: CapacityLimiter,
        failed: Callable[[Exception], Response],
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._work = work
        self._end = end
        self._limiter = limiter
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        began = False

        async def say(name: str, document: Mapping[str, Any]) -> None:
            nonlocal began
            if not began:
                began = True
                head = {"status": self.status_code, "headers": self.raw_headers}
                await send({"type": "http.response.start", **head})
            body = f"event: {name}\ndata: {json.dumps(document)}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})

        def emit(name: str, document: Mapping[str, Any]) -> None:
            from_thread.check_cancelled()
            from_thread.run(say, name, document)

        async with anyio.create_task_group() as group:
            group.start_soon(_until_left, receive, group.cancel_scope)
            try:
                await to_thread.run_sync(
                    self._work, emit, limiter=self._limiter, abandon_on_cancel=True
                )
            except Exception as exc:  # noqa: BLE001 - whatever it is becomes an answer
                if not began:
                    await self._failed(exc)(scope, receive, send)
                    return
                await say("error", failure_of(exc).document)
            finally:
                self._end()
                group.cancel_scope.cancel()
        if began:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_left(receive: Receive, scope: anyio.CancelScope) -> None:
    """Cancel when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
