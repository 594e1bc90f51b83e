"""The pages and the HTTP API over a warm index."""

import json
import posixpath
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
from anyio import CapacityLimiter, from_thread
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Send

from ragqa.addresses import get_part
from ragqa.errors import NotIndexed, UsageError
from ragqa.llms import NO_LLM
from ragqa.notes.read import open_inside
from ragqa.render import documents, to_json
from ragqa.render.explanations import verification_document
from ragqa.serving import pages
from ragqa.serving.asking import (
    LISTS,
    Asked,
    Emit,
    Interruptible,
    Shown,
    answer_to,
    checked,
    chosen,
    failure_of,
    filters_of,
    number_in,
    status,
    text_in,
)
from ragqa.serving.note_html import IMAGES
from ragqa.serving.warm import NotReady, WarmIndex, in_thread
from ragqa.types import Corpus

MOST_ANSWERED = 8
"""Requests that are worked on at once; more wait."""

MOST_WRITTEN = 4
"""Answers that an LLM writes at once; more wait, and keep nobody else waiting."""

MOST_FOUND = 100
MAX_IMAGE_BYTES = 20_000_000
_AGAIN_S = 2
"""A page that is not ready is asked for again after this many seconds."""

_FILTERS = ("tag", "path", "since", "until", "where")

Answering: TypeAlias = Callable[[WarmIndex, Asked], Shown]
"""From what was asked, by name, to what a page or a document shows."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def _ask(warm: WarmIndex, asked: Asked) -> Shown:
    question, filters = text_in(asked, "question"), filters_of(asked)
    return documents.answer_document(
        answer_to(warm, question, filters, chosen(warm, asked.get("llm")))
    )


def _search(warm: WarmIndex, asked: Asked) -> Shown:
    query, filters, limit = text_in(asked, "query"), filters_of(asked), number_in(asked, "limit")
    if (limit or 0) > MOST_FOUND:
        raise UsageError(f"limit is at most {MOST_FOUND}")
    return documents.search_document(
        warm.use(lambda index: index.search(query, filters=filters, limit=limit, refresh=False))
    )


def _get(warm: WarmIndex, asked: Asked) -> Shown:
    address = text_in(asked, "address")
    return documents.part_document(warm.use(lambda index: get_part(index, address, refresh=False)))


def _verify(warm: WarmIndex, asked: Asked) -> Shown:
    return verification_document(checked(warm, text_in(asked, "answer")))


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """Makes endpoints that work in threads: few at once, so that many requests stay bounded."""

    warm: WarmIndex
    answering: CapacityLimiter
    writing: CapacityLimiter

    def page(self, template: str, work: Answering) -> Endpoint:
        """A page laid out by a template."""

        async def endpoint(request: Request) -> Response:
            asked = _several(request.query_params) | request.path_params
            shown = await self._run(work, asked, may_write=bool(asked.get("whole")))
            is_part = template == "note" and asked.get("fragment")
            text = pages.laid_out("_note" if is_part else template, shown)
            return HTMLResponse(text, status_code=shown.get("status_code", HTTPStatus.OK))

        return endpoint

    def api(self, work: Answering, known: tuple[str, ...], *, may_write: bool = False) -> Endpoint:
        """A document of the HTTP API, from values of these names."""

        async def endpoint(request: Request) -> Response:
            asked = await _asked(request, known)
            document = await self._run(work, asked, may_write=may_write)
            return Response(to_json(document), media_type="application/json")

        return endpoint

    async def written(self, request: Request) -> Response:
        """What an LLM writes for a page, in events."""
        asked, writer = _several(request.query_params), self.warm.writer
        if writer is None:
            raise UsageError("no LLM writes answers here")
        llm = Interruptible(writer.llm)
        work = partial(pages.written, self.warm, asked, replace(writer, llm=llm))
        return EventStream(work, end=llm.end, limiter=self.writing)

    async def save(self, request: Request) -> Response:
        """The answer as a Markdown file."""
        asked = _several(request.query_params)
        text, name = await in_thread(partial(pages.saved, self.warm, asked), self.answering)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/markdown", headers=headers)

    async def image(self, request: Request) -> Response:
        """An image of the folder."""
        path = request.path_params["path"]
        data = await in_thread(partial(_read_image, self.warm.loaded.places.corpus, path))
        return Response(data, media_type=IMAGES[posixpath.splitext(path.casefold())[1]])

    async def _run(self, work: Answering, asked: Asked, *, may_write: bool) -> Shown:
        writes = may_write and self.warm.writer is not None and asked.get("llm") != NO_LLM
        limiter = self.writing if writes else self.answering
        return await in_thread(partial(work, self.warm, asked), limiter)


def web_app(warm: WarmIndex) -> Starlette:
    """The application; whoever serves it puts `Guard` around it."""
    made = _Endpoints(warm, CapacityLimiter(MOST_ANSWERED), CapacityLimiter(MOST_WRITTEN))
    read = {
        "/": made.page("ask", pages.ask_page),
        "/note/{path:path}": made.page("note", pages.note_page),
        "/about": made.page("about", pages.about_page),
        "/written": made.written, "/save": made.save, "/image/{path:path}": made.image,
    }  # fmt: skip
    api = {
        "/api/ask": made.api(_ask, ("question", "llm", *_FILTERS), may_write=True),
        "/api/search": made.api(_search, ("query", "limit", *_FILTERS)),
        "/api/get": made.api(_get, ("address",)),
        "/api/verify": made.api(_verify, ("answer",)),
        "/api/status": made.api(lambda warm, _: status(warm), ()),
    }
    return Starlette(
        routes=[
            *(Route(path, _guarded(one)) for path, one in read.items()),
            *(Route(path, _guarded(one), methods=["GET", "POST"]) for path, one in api.items()),
            Mount("/static", StaticFiles(packages=[("ragqa.serving", "static")])),
        ],
        exception_handlers={HTTPException: _response_to},
    )


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Answer whatever goes wrong in an endpoint; starlette would also raise it again."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as exc:  # noqa: BLE001 - the last line of defence
            return _response_to(request, exc)

    return guarded


async def _asked(request: Request, known: tuple[str, ...]) -> dict[str, Any]:
    """What a request of the API asks for, in its query or as JSON.

    :raises UsageError: it gives another value than these, or its body is no JSON object.
    """
    asked: dict[str, Any] = {}
    if body := await request.body():
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except (ValueError, RecursionError) as exc:
            raise UsageError("the body is not a JSON object that can be read") from exc
    asked |= _several(request.query_params)
    if unknown := asked.keys() - set(known):
        takes = f"it takes {', '.join(known) or 'nothing'}"
        raise UsageError(f"{request.url.path} does not take {min(unknown)[:40]!r}", hint=takes)
    return asked


def _several(given: QueryParams) -> dict[str, Any]:
    """The values by name; those of the filters as lists."""
    return {
        name: [value for value in given.getlist(name) if value] if name in LISTS else given[name]
        for name in given
    }


def _response_to(request: Request, error: Exception) -> Response:
    """Say what went wrong, with a fitting status: as JSON to a program, else as a page."""
    status_code, said = failure_of(error)
    again = _AGAIN_S if status_code == HTTPStatus.SERVICE_UNAVAILABLE else 0
    headers = {"retry-after": str(again)} if again else {}
    if request.url.path.startswith("/api/"):
        return JSONResponse(said, status_code=status_code, headers=headers)
    asked = _several(request.query_params)
    back = pages.address_of("/", asked, edit="1") if asked.get("q") else "/"
    title = (
        "Not ready yet" if isinstance(error, NotReady)
        else "There is no such note" if isinstance(error, NotIndexed)
        else "That cannot be asked" if isinstance(error, UsageError)
        else "That did not work"
    )  # fmt: skip
    shown = pages.laid_out("failed", said | {"again": again, "back": back, "title": title})
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
        with open(open_inside(corpus, path), "rb") as file:  # noqa: PTH123 - a descriptor
            data = file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as exc:
        raise missing from exc
    if len(data) > MAX_IMAGE_BYTES:
        raise HTTPException(413, "the image is too large")
    return data


class EventStream(StreamingResponse):
    """Runs work in a thread, and sends its server-sent events as they come, `error` if it fails.

    When the client leaves or the server ends, the work is ended, too.

    :param work: called with `Emit`, which raises once there is nobody to send to.
    :param end: ends work that waits, from another thread.
    """

    def __init__(
        self, work: Callable[[Emit], None], *, end: Callable[[], None], limiter: CapacityLimiter
    ) -> None:
        super().__init__((), media_type="text/event-stream")
        self._work, self._end, self._limiter = work, end, limiter

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
            await in_thread(partial(self._work, emit), self._limiter)
        except Exception as exc:  # noqa: BLE001 - whatever it is becomes an answer
            await say("error", failure_of(exc)[1])
        finally:
            self._end()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
