"""The pages and the HTTP API over a warm index."""

import json
import posixpath
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

import msgspec
from anyio import CapacityLimiter, from_thread
from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Send

from ragqa.errors import NotIndexed, RagqaError, UsageError
from ragqa.notes.read import open_below
from ragqa.render import to_json
from ragqa.serving import pages
from ragqa.serving.failures import failure_of, report
from ragqa.serving.note import IMAGES
from ragqa.serving.operations import OPERATIONS, Ask, Operation, read
from ragqa.serving.pages import Emit, PageRequest
from ragqa.serving.warm import NotReady, WarmIndex, in_thread
from ragqa.serving.writing import may_write
from ragqa.types import Corpus

T = TypeVar("T")

MOST_ANSWERED = 8
"""Requests that are worked on at once; more wait."""

MOST_WRITTEN = 4
"""Answers that an LLM writes at once; more wait, and keep nobody else waiting."""

MAX_IMAGE_BYTES = 20_000_000
_AGAIN_S = 2
"""A page that is not ready is asked for again after this many seconds."""

_LISTS = frozenset({"tag", "path", "where"})
_NAMES = {"tags": "tag", "paths": "path", "max_tokens": ""}
"""The names of fields of operations in requests over HTTP, "" for those not taken."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


class _AnyPath(PathConvertor):
    """A path that may have line breaks, as the name of a note may."""

    regex = r"[\s\S]*"


register_url_convertor("any", _AnyPath())


class _Endpoints:
    """Endpoints that work in threads, few at once, so that many requests stay bounded."""

    def __init__(self, warm: WarmIndex) -> None:
        self._warm = warm
        self._answering = CapacityLimiter(MOST_ANSWERED)
        self._writing = CapacityLimiter(MOST_WRITTEN)

    async def _work(self, work: Callable[[], T], *, writes: bool = False) -> T:
        """Work in a thread; an LLM that writes has a deadline of its own."""
        if writes:
            return await in_thread(work, self._writing, deadline_s=None)
        return await in_thread(work, self._answering)

    def page(self, show: Callable[[WarmIndex, PageRequest], Response]) -> Endpoint:
        """A page, or what else is shown of what its address asks for."""

        async def endpoint(request: Request) -> Response:
            asked = _asked(request)
            writes = bool(asked.whole) and may_write(self._warm, asked.llm)
            return await self._work(partial(show, self._warm, asked), writes=writes)

        return endpoint

    def api(self, kind: type[Operation]) -> Endpoint:
        """An operation, which answers with its document."""

        async def endpoint(request: Request) -> Response:
            operation = read(kind, await _given(request), request.url.path, _NAMES)
            writes = isinstance(operation, Ask) and may_write(self._warm, operation.llm)
            document, _ = await self._work(partial(operation.serve, self._warm), writes=writes)
            return Response(to_json(document), media_type="application/json")

        return endpoint

    async def written(self, request: Request) -> Response:
        """The answer that an LLM writes for a page, as server-sent events."""
        asked, writer = _asked(request), self._warm.writer
        if writer is None:
            raise UsageError("no LLM writes answers here")
        write = partial(pages.written, self._warm, asked, writer)
        return EventStream(lambda emit: self._work(partial(write, emit), writes=True))

    async def image(self, request: Request) -> Response:
        """An image of the folder."""
        corpus, path = self._warm.loaded.places.corpus, request.path_params["path"]
        data = await self._work(partial(_read_image, corpus, path))
        return Response(data, media_type=IMAGES[posixpath.splitext(path.casefold())[1]])


def web_app(warm: WarmIndex) -> Starlette:
    """The application; whoever serves it puts `Guard` around it."""
    ends = _Endpoints(warm)
    return Starlette(
        routes=[
            Route("/", ends.page(pages.ask_page)),
            Route("/note/{note:any}", ends.page(pages.note_page)),
            Route("/about", ends.page(pages.about_page)),
            Route("/save", ends.page(pages.saved)),
            Route("/written", ends.written),
            Route("/image/{path:any}", ends.image),
            *(
                Route(f"/api/{name}", ends.api(OPERATIONS[name]), methods=["GET", "POST"])
                for name in ("ask", "search", "get", "verify", "status")
            ),
            Mount("/static", StaticFiles(packages=[("ragqa.serving", "static")])),
        ],
        exception_handlers=dict.fromkeys((HTTPException, RagqaError, Exception), _response_to),
    )


async def _given(request: Request) -> dict[str, Any]:
    """What a request of the API gives, in its query or as JSON; what is empty is not given.

    :raises UsageError: its body is no JSON object, or did not come.
    """
    given: dict[str, Any] = {}
    try:
        body = await request.body()
    except ClientDisconnect as exc:
        raise UsageError("the body did not come whole") from exc
    if body:
        try:
            given = msgspec.json.decode(body, type=dict[str, Any])
        except (ValueError, RecursionError) as exc:
            raise UsageError("the body is not a JSON object that can be read") from exc
    for name in _LISTS & given.keys():
        given[name] = [given[name]] if isinstance(given[name], str) else given[name]
    given |= _several(request.query_params)
    return {name: value for name, value in given.items() if value not in ("", None)}


def _asked(request: Request) -> PageRequest:
    """What the address of a page asks for; names that no page knows are passed over."""
    given = _several(request.query_params) | request.path_params
    known = {_NAMES.get(name, name) for name in PageRequest.__struct_encode_fields__}
    taken = {name: given[name] for name in known & given.keys()}
    return read(PageRequest, taken, "the page", _NAMES)


def _several(given: QueryParams) -> dict[str, Any]:
    """The values by name that are not empty; those of the filters as lists."""
    several = {name: [value for value in given.getlist(name) if value] for name in given}
    return {
        name: values if name in _LISTS else values[-1] for name, values in several.items() if values
    }


async def _response_to(request: Request, error: Exception) -> Response:
    """Say what went wrong, with a fitting status: as JSON to a program, else as a page."""
    status_code, failure = failure_of(error)
    again = _AGAIN_S if status_code == HTTPStatus.SERVICE_UNAVAILABLE else 0
    headers = {"retry-after": str(again)} if again else {}
    if request.url.path.startswith("/api/"):
        return JSONResponse(failure, status_code=status_code, headers=headers)
    back = "/"
    if request.query_params.get("q"):
        with suppress(UsageError):
            back = pages.page_address("/", _asked(request), edit="1")
    title = (
        "Not ready yet" if isinstance(error, NotReady)
        else "There is no such note" if isinstance(error, NotIndexed)
        else "That cannot be asked" if isinstance(error, UsageError)
        else "That did not work"
    )  # fmt: skip
    shown = pages.laid_out("failed", **failure, again=again, back=back, title=title)
    return HTMLResponse(shown, status_code=status_code, headers=headers)


def _read_image(corpus: Corpus, path: str) -> bytes:
    """Read an image of the folder; no link in the path is followed out of it.

    :raises HTTPException: there is no such image.
    """
    missing = HTTPException(404, "there is no such image in the folder of notes")
    hidden = any(part.startswith(".") for part in path.split("/"))
    if hidden or posixpath.splitext(path.casefold())[1] not in IMAGES:
        raise missing
    try:
        with open(open_below(*corpus.inside(path)), "rb") as file:  # noqa: PTH123 - a descriptor
            data = file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as exc:
        raise missing from exc
    if len(data) > MAX_IMAGE_BYTES:
        raise HTTPException(413, "the image is too large")
    return data


class EventStream(StreamingResponse):
    """Sends the server-sent events of work as they come, `error` if it fails.

    When the client leaves or the server ends, the work is cancelled.

    :param work: called with `Emit`, which raises once there is nobody to send to.
    """

    def __init__(self, work: Callable[[Emit], Awaitable[None]]) -> None:
        super().__init__((), media_type="text/event-stream")
        self._work = work

    async def stream_response(self, send: Send) -> None:
        """Send the events."""

        async def say(name: str, document: Mapping[str, Any]) -> None:
            body = f"event: {name}\ndata: {json.dumps(document)}\n\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})

        def emit(name: str, document: Mapping[str, Any]) -> None:
            from_thread.check_cancelled()
            from_thread.run(say, name, document)

        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        try:
            await self._work(emit)
        except Exception as exc:  # noqa: BLE001 - whatever it is becomes an answer
            report(exc)
            await say("error", failure_of(exc)[1])
        await send({"type": "http.response.body", "body": b"", "more_body": False})
