"""The pages and the HTTP API over a warm index."""

import json
import posixpath
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ragqa.errors import (
    BackendFailed,
    IndexUnusable,
    NoCorpus,
    NoIndex,
    NotAllowed,
    RagqaError,
    UsageError,
    WriterBusy,
)
from ragqa.notes.read import open_inside
from ragqa.render.pages import templates_of
from ragqa.sanitise import safe_line
from ragqa.serving import documents, pages
from ragqa.serving.note_html import IMAGES
from ragqa.serving.warm import NotReady, WarmIndex

MAX_IMAGE_BYTES = 20_000_000
_AGAIN_S = 2
"""A page that is not ready is asked for again after this many seconds."""

_STATIC = {"style.css": "text/css", "script.js": "text/javascript"}

# The first that an error is an instance of counts.
_STATUS: Mapping[type[RagqaError], int] = {
    NotReady: 503, WriterBusy: 503, NotAllowed: 403, UsageError: 400, NoCorpus: 404, NoIndex: 404,
    BackendFailed: 502, IndexUnusable: 500,
}  # fmt: skip

Answering: TypeAlias = Callable[[WarmIndex, Mapping[str, Any]], Mapping[str, Any]]
"""From what was asked, by name, to what a page or a document shows."""


_PAGES: tuple[tuple[str, str, Answering], ...] = (
    ("/", "ask", pages.ask_page),
    ("/note/{path:path}", "note", pages.note_page),
    ("/check", "check", pages.check_page),
    ("/status", "status", pages.status_page),
    ("/why", "why", pages.why_page),
)
_DOCUMENTS: tuple[tuple[str, Answering], ...] = (
    ("/api/ask", documents.ask),
    ("/api/search", documents.search),
    ("/api/get", documents.get),
    ("/api/verify", documents.verify),
    ("/api/status", documents.status),
    ("/api/complete", documents.complete),
)


def web_app(warm: WarmIndex) -> Starlette:
    """The application; whoever serves it puts `Guard` around it."""
    limiter = CapacityLimiter(8)

    async def run(work: Answering, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return await to_thread.run_sync(work, warm, asked, limiter=limiter)

    def page(template: str, work: Answering) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            asked = await _asked(request)
            shown = await run(work, asked)
            return _page(template, asked, shown)

        return endpoint

    def api(work: Answering) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return JSONResponse(await run(work, await _asked(request)))

        return endpoint

    async def image(request: Request) -> Response:
        path = request.path_params["path"]
        data = await to_thread.run_sync(_read_image, warm.loaded.places.corpus, path)
        return Response(data, media_type=IMAGES[posixpath.splitext(path.casefold())[1]])

    both = ["GET", "POST"]
    return Starlette(
        routes=[
            *(Route(path, page(name, work), methods=both) for path, name, work in _PAGES),
            *(Route(path, api(work), methods=both) for path, work in _DOCUMENTS),
            Route("/image/{path:path}", image),
            Route("/static/{name}", _static),
        ],
        exception_handlers={RagqaError: _failed, HTTPException: _failed},
    )


async def _asked(request: Request) -> dict[str, Any]:
    """What a request asks for: its query, its form or JSON, and what its path names."""
    asked: dict[str, Any] = {}
    if request.method == "POST":
        if request.headers.get("content-type", "").startswith("application/json"):
            try:
                body = json.loads(await _body(request))
            except (ValueError, RecursionError) as exc:
                raise UsageError(f"the body is not JSON: {exc}") from exc
            if not isinstance(body, dict):
                raise UsageError("the body is not a JSON object")
            asked |= body
        else:
            asked |= _several(QueryParams(await _body(request)))
    return asked | _several(request.query_params) | request.path_params


async def _body(request: Request) -> bytes:
    """The body of a request.

    :raises HTTPException: it is longer than the guard lets through.
    """
    try:
        return await request.body()
    except ClientDisconnect as exc:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too long") from exc


def _several(given: QueryParams) -> dict[str, Any]:
    """The values by name; those of the filters as lists."""
    return {
        name: [value for value in given.getlist(name) if value]
        if name in documents.LISTS
        else str(given[name])
        for name in given
    }


def _page(template: str, asked: Mapping[str, Any], shown: Mapping[str, Any]) -> HTMLResponse:
    name = "_note" if template == "note" and asked.get("fragment") else template
    return HTMLResponse(_templates().get_template(f"{name}.html.jinja").render(**shown))


async def _failed(request: Request, error: Exception) -> Response:
    """Say what went wrong, with a fitting status: as JSON to a program, else as a page."""
    headers = {}
    if isinstance(error, HTTPException):
        status, said = error.status_code, {"error": error.detail, "hint": ""}
    elif isinstance(error, RagqaError):
        status = next((_STATUS[kind] for kind in _STATUS if isinstance(error, kind)), 500)
        said = {"error": error.message, "hint": error.hint}
    else:  # pragma: no cover - the handlers are registered for these two
        raise error
    again = _AGAIN_S if status == HTTPStatus.SERVICE_UNAVAILABLE else 0
    if again:
        headers["retry-after"] = str(again)
    if request.url.path.startswith("/api/"):
        return JSONResponse(said, status_code=status, headers=headers)
    shown = _templates().get_template("failed.html.jinja").render(**said, again=again)
    return HTMLResponse(shown, status_code=status, headers=headers)


@cache
def _templates() -> Environment:
    environment = templates_of("ragqa.serving")
    environment.filters["line"] = safe_line
    return environment


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404, "there is no such file")
    text = resources.files("ragqa.serving").joinpath("static", name).read_text("utf-8")
    return Response(text, media_type=_STATIC[name], headers={"cache-control": "no-cache"})


def _read_image(corpus: Path, path: str) -> bytes:
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
