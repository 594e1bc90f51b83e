"""What both servers ask of the index, which LLM may write, and what is said of failures.

The server's own options and settings choose the LLM, never a request. A server cannot ask its user,
so nothing is sent to a host that was not allowed before.
"""

import io
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Any, TypeAlias

from starlette.exceptions import HTTPException

from ragqa import errors
from ragqa.config import Settings
from ragqa.diagnosis import choice_of, status_of
from ragqa.errors import Hint, RagqaError, UsageError, out_of_memory
from ragqa.generation.writer import Writer, what_is_sent, writer_of
from ragqa.llms import LLM, NO_LLM, Destination, Prompt
from ragqa.llms.servers import without_keys
from ragqa.places import SavedAnswer, read_saved
from ragqa.render import document_of
from ragqa.safe import safe_line
from ragqa.serving.warm import Freshness, NotReady, WarmIndex
from ragqa.state.consent import is_allowed, not_allowed
from ragqa.types import Answer, Filters, no_progress
from ragqa.verifying import Verification, verify

logger = logging.getLogger("ragqa")

BUG = "this is a bug in ragqa"
BUG_HINT = "start the server with --debug; it then prints a traceback to report"

# The first that an error is an instance of counts.
_STATUS: Mapping[type[RagqaError], int] = {
    NotReady: 503, errors.WriterBusy: 503, errors.OutOfMemory: 503, errors.NotAllowed: 403,
    UsageError: 400, errors.NoCorpus: 404, errors.NoIndex: 404,
    errors.GivenUp: 504, errors.IndexUnusable: 500,
}  # fmt: skip

Fields = dict[str, Any]
"""What a template or a document shows, by name."""

Emit: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Sends an event to a page: its name, and its data as a document."""


def answer_to(
    warm: WarmIndex, question: str, filters: Filters, writer: Writer | None = None
) -> Answer:
    """Answer a question; while an LLM writes, other questions are answered."""
    if writer is None:
        return warm.use(lambda index: index.ask(question, filters=filters, refresh=False))
    with warm.apart() as index:
        return index.ask(question, filters=filters, refresh=False, writer=writer)


def checked(warm: WarmIndex, saved: SavedAnswer | str) -> Verification:
    """Check a saved answer, or one as pasted, against the notes, which needs no index."""
    if isinstance(saved, str):
        saved = read_saved(io.BytesIO(saved.encode("utf-8", "replace")), "the answer")
    return verify(saved, warm.loaded.places.corpus, warm.loaded.settings, no_progress)


def status(warm: WarmIndex) -> Fields:
    """The document of the index, as `ragqa status --json` prints it, and how current it is kept."""
    state = warm.use(lambda index: status_of(index, choice_of(warm.loaded)))
    return document_of(state) | {"server": {"state": freshness_line(warm.freshness)}}


def freshness_line(freshness: Freshness) -> str:
    """How current the index is, in a sentence."""
    if freshness.running:
        return f"An update is running ({freshness.running})."
    if freshness.problem:
        return f"The last update failed: {safe_line(freshness.problem)}."
    if freshness.updated:
        return f"Last brought up to date {freshness.updated:%Y-%m-%d %H:%M:%S}."
    return "It is used as it is."


def server_writer(settings: Settings, spec: str) -> Writer | None:
    """The writer of a server, None if `spec` is "".

    :raises UsageError: the backend is unknown or unusable.
    """
    if not spec:
        return None
    writer = writer_of(settings, spec)
    return replace(writer, allow=partial(_allowed, writer.llm.destination, what_is_sent(settings)))


def _allowed(destination: Destination, what: str) -> bool:
    """Whether anything may be sent; what the user allows while the server runs counts.

    :raises NotAllowed: it may not.
    """
    if destination.is_local or is_allowed(destination.host):
        return True
    hint = "start the server again with --yes"
    raise not_allowed(destination.backend, what, destination.where, hint=hint)


def chosen(warm: WarmIndex, llm: str) -> Writer | None:
    """The server's writer, unless a request wants none.

    :raises UsageError: the request names an LLM.
    """
    if not llm:
        return warm.writer
    if llm == NO_LLM:
        return None
    raise UsageError("a request cannot choose an LLM", hint=f"llm={NO_LLM} asks for excerpts alone")


@dataclass
class Interruptible:
    """An LLM whose work another thread can end."""

    llm: LLM
    _ended: bool = False

    @property
    def destination(self) -> Destination:
        """Where the LLM sends data."""
        return self.llm.destination

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """The pieces of the LLM's text until its work is ended; nothing is sent after that."""
        pieces = iter(()) if self._ended else self.llm.stream(prompt, max_tokens=max_tokens)
        yield from takewhile(lambda _: not self._ended, pieces)

    def end(self) -> None:
        """End it, at its next piece."""
        self._ended = True


def failure_of(exc: Exception) -> tuple[int, dict[str, str]]:
    """The HTTP status of a failed request, and what happened and what helps, without keys.

    An exception that nobody expected is reported on standard error.
    """
    status, error, hint = 500, BUG, BUG_HINT
    exc = out_of_memory(exc) or exc
    if isinstance(exc, HTTPException):
        status, error, hint = exc.status_code, exc.detail, ""
    elif isinstance(exc, RagqaError):
        status = next((_STATUS[kind] for kind in _STATUS if isinstance(exc, kind)), 500)
        error, hint = exc.message, exc.hint.page if isinstance(exc.hint, Hint) else exc.hint
    else:
        report(exc)
    return status, {"error": without_keys(error), "hint": without_keys(hint)}


def report(exc: Exception) -> None:
    """Log an exception that nobody expected: a line, and with `--debug` its traceback."""
    logger.error("a request failed, and %s: %s", BUG, without_keys(f"{type(exc).__name__}: {exc}"))
    logger.debug("%s", without_keys("".join(traceback.format_exception(exc))))
