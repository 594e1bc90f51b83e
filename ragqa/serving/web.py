"""The pages and the HTTP API over a warm index."""

import json
import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from importlib import resources
from typing import Any, TypeAlias

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ragqa.errors import UsageError
from ragqa.generation import Writer
from ragqa.llms import NO_LLM
from ragqa.notes.read import open_inside
from ragqa.render import to_json
from ragqa.serving import ask_page, documents, pages
from ragqa.serving.documents import Asked, Shown
from ragqa.serving.events import Emit, EventStream
from ragqa.serving.failing import failure_of
from ragqa.serving.layout import laid_out
from ragqa.serving.note_html import IMAGES
from ragqa.serving.warm import WarmIndex
from ragqa.serving.writing import Interruptible, chosen
from ragqa.types import Corpus

MOST_ANSWERED = 8
"""Requests that are worked on at once; more wait."""

MOST_WRITTEN = 4
"""Answers that an LLM writes at once; more wait, and keep nobody else waiting."""

MOST_FOUND = 100
MAX_IMAGE_BYTES = 20_000_000
_AGAIN_S = 2
"""A page that is not ready is asked for again after this many seconds."""

_STATIC = {"style.css": "text/css", "script.js": "text/javascript"}

Answering: TypeAlias = Callable[[WarmIndex, Asked], Shown]
"""From what was asked, by name, to what a page or a document shows."""

Saying: TypeAlias = Callable[[WarmIndex, Asked, Writer | None, Emit], None]
"""Answers what was asked in events."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


_PAGES: tuple[tuple[str, str, Answering], ...] = (
    ("/", "ask", ask_page.ask_page),
    ("/note/{path:path}", "note", pages.note_page),
    ("/about", "about", pages.about_page),
)
_FILTERS = ("tag", "path", "since", "where")
_DOCUMENTS: tuple[tuple[str, Answering, tuple[str, ...]], ...] = (
    ("/api/search", documents.search, ("query", "limit", *_FILTERS)),
    ("/api/get", documents.get, ("address",)),
    ("/api/verify", documents.verify, ("answer",)),
    ("/api/status", documents.status, ()),
    ("/api/complete", documents.complete, ("start",)),
)
_ASK = ("question", "stream", "llm", *_FILTERS)


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """Makes endpoints that work in threads: few at once, so that many requests stay bounded."""

    warm: WarmIndex
    answering: CapacityLimiter
    writing: CapacityLimiter

    def page(self, template: str, work: Answering) -> Endpoint:
        """A page laid out by a template."""

        async def endpoint(request: Request) -> Response:
            asked = await _asked(request)
            whole = bool(asked.get("whole"))
            return _page(template, asked, await self._run(work, asked, may_write=whole))

        return endpoint

    def api(self, work: Answering, known: tuple[str, ...]) -> Endpoint:
        """A document of the HTTP API, from values of these names."""

        async def endpoint(request: Request) -> Response:
            return _document(await self._run(work, await _asked(request, known), may_write=False))

        return endpoint

    def _events(self, work: Saying, request: Request, asked: Asked) -> Response:
        """Events that end with an answer."""
        writer = chosen(self.warm, asked.get("llm"))
        end, limiter = (lambda: None), self.answering
        if writer is not None:
            llm = Interruptible(writer.llm)
            writer, end, limiter = replace(writer, llm=llm), llm.end, self.writing
        said, failed = partial(work, self.warm, asked, writer), partial(_response_to, request)
        return EventStream(said, end=end, limiter=limiter, failed=failed)

    async def written(self, request: Request) -> Response:
        """The events of a page's answer."""
        return self._events(ask_page.written, request, await _asked(request))

    async def ask(self, request: Request) -> Response:
        """An answer, at once or in events."""
        asked = await _asked(request, _ASK)
        streams = str(asked.get("stream", "")).casefold() in ("1", "true")
        if streams or "text/event-stream" in request.headers.get("accept", ""):
            return self._events(documents.ask_in_events, request, asked)
        return _document(await self._run(documents.ask, asked, may_write=True))

    async def image(self, request: Request) -> Response:
        """An image of the folder."""
        path = request.path_params["path"]
        data = await to_thread.run_sync(_read_image, self.warm.loaded.places.corpus, path)
        return Response(data, media_type=IMAGES[posixpath.splitext(path.casefold())[1]])

    async def _run(self, work: Answering, asked: Asked, *, may_write: bool) -> Shown:
        writes = may_write and self.warm.writer is not None and asked.get("llm") != NO_LLM
        limiter = self.writing if writes else self.answering
        return await to_thread.run_sync(work, self.warm, asked, limiter=limiter)


def web_app(warm: WarmIndex) -> Starlette:
    """The application; whoever serves it puts `Guard` around it."""
    made = _Endpoints(warm, CapacityLimiter(MOST_ANSWERED), CapacityLimiter(MOST_WRITTEN))
    both = {path: made.page(name, work) for path, name, work in _PAGES}
    both |= {path: made.api(work, known) for path, work, known in _DOCUMENTS}
    both["/api/ask"] = made.ask
    read = {
        "/written": made.written,
        "/image/{path:path}": made.image,
        "/static/{name}": _static,
    }
    return Starlette(
        routes=[
            *(Route(path, _guarded(one), methods=["GET", "POST"]) for path, one in both.items()),
            *(Route(path, _guarded(one)) for path, one in read.items()),
        ],
        exception_handlers={HTTPException: _response_to},
    )


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Answer whatever goes wrong in an endpoint."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as exc:  # noqa: BLE001 - the last line of defence
            return _response_to(request, exc)

    return guarded


async def _asked(request: Request, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    """What a request asks for: its query, its form or JSON, and what its path names.

    :param known: the names that it may give; None for any.
    :raises UsageError: it gives another, or a number that is too large.
    """
    asked: dict[str, Any] = {}
    if request.method == "POST":
        if request.headers.get("content-type", "").startswith("application/json"):
            asked |= _json_object(await request.body())
        else:
            asked |= _several(QueryParams(await request.body()))
    asked |= _several(request.query_params) | request.path_params
    if known is not None and (unknown := asked.keys() - set(known)):
        takes = f"it takes {', '.join(known) or 'nothing'}"
        raise UsageError(f"{request.url.path} does not take {min(unknown)[:40]!r}", hint=takes)
    if (documents.number_in(asked, "limit") or 0) > MOST_FOUND:
        raise UsageError(f"limit is at most {MOST_FOUND}")
    return asked


def _json_object(body: bytes) -> dict[str, Any]:
    """The values that were posted as JSON.

    :raises UsageError: they are no object, or not text that can be written out again.
    """
    try:
        values = json.loads(body)
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise UsageError("the body has half a character: a lone surrogate") from exc
    except (ValueError, RecursionError) as exc:
        raise UsageError("the body is not JSON that can be read") from exc
    if not isinstance(values, dict):
        raise UsageError("the body is not a JSON object")
    return values


def _several(given: QueryParams) -> dict[str, Any]:
    """The values by name; those of the filters as lists."""
    return {
        name: [value for value in given.getlist(name) if value]
        if name in documents.LISTS
        else str(given[name])
        for name in given
    }


def _document(document: Shown) -> Response:
    return Response(to_json(document), media_type="application/json")


def _page(template: str, asked: Asked, shown: Shown) -> HTMLResponse:
    is_part = template == "note" and asked.get("fragment")
    return HTMLResponse(laid_out("_note" if is_part else template, shown))


def _response_to(request: Request, error: Exception) -> Response:
    """Say what went wrong, with a fitting status: as JSON to a program, else as a page."""
    failure = failure_of(error)
    again = _AGAIN_S if failure.status == HTTPStatus.SERVICE_UNAVAILABLE else 0
    headers = {"retry-after": str(again)} if again else {}
    if request.url.path.startswith("/api/"):
        return JSONResponse(failure.document, status_code=failure.status, headers=headers)
    back = ask_page.back_to(_several(request.query_params))
    shown = laid_out("failed", failure.document | {"again": again, "back": back})
    return HTMLResponse(shown, status_code=failure.status, headers=headers)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404, "there is no such file")
    text = resources.files("ragqa.serving").joinpath("static", name).read_text("utf-8")
    return Response(text, media_type=_STATIC[name], headers={"cache-control": "no-cache"})


def _read_image(corpus: Corpus, path: str) -> bytes:
    """Read an image of the folder; no link in the path is followed out of it.

    :raises HTTPException: there is no such image.
    """
    missing = HTTPException(404, "there is no such image in the folder of notes")
    hidden = any(part.startswith(".") for part in path.split("/"))
    if hidden or posixpath.splitext(path.casefold())[1] not in IMAGES:
        raise missing
    try:
        with open(open_inside(corpus, path), "rb") as file:  # noqa: PTH123 - a descriptor
            data = file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as exc:
        raise missing from exc
    if len(data) > MAX_IMAGE_BYTES:
        raise HTTPException(413, "the image is too large")
    return data
