"""What to say where a request fails: one sentence, and nothing of how ragqa works inside."""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from ragqa.errors import (
    BackendFailed,
    IndexUnusable,
    NoCorpus,
    NoIndex,
    NotAllowed,
    OutOfMemory,
    RagqaError,
    UsageError,
    WriterBusy,
    out_of_memory,
)
from ragqa.llms.secrets import without_keys
from ragqa.serving.warm import NotReady, Overdue

logger = logging.getLogger("ragqa")

BUG = "this is a bug in ragqa"
BUG_HINT = "start the server with --debug; it then prints a traceback to report"

# The first that an error is an instance of counts.
_STATUS: Mapping[type[RagqaError], int] = {
    NotReady: 503, WriterBusy: 503, OutOfMemory: 503, NotAllowed: 403, UsageError: 400,
    NoCorpus: 404, NoIndex: 404, BackendFailed: 502, Overdue: 504, IndexUnusable: 500,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request: its HTTP status, what happened, and what helps."""

    status: int
    error: str
    hint: str = ""

    @property
    def document(self) -> dict[str, str]:
        """As the HTTP API says it."""
        return {"error": without_keys(self.error), "hint": without_keys(self.hint)}


def failure_of(exc: Exception) -> Failure:
    """What to say about an exception; one that nobody expected is reported on standard error."""
    if isinstance(exc, HTTPException):
        return Failure(exc.status_code, exc.detail)
    exc = out_of_memory(exc) or exc
    if isinstance(exc, RagqaError):
        status = next((_STATUS[kind] for kind in _STATUS if isinstance(exc, kind)), 500)
        return Failure(status, exc.message, hint_of(exc))
    report(exc)
    return Failure(500, BUG, BUG_HINT)


def hint_of(exc: RagqaError) -> str:
    """What helps, unless it is a command that lists what a page or a tool shows."""
    return "" if exc.hint.startswith(("ragqa list", "ragqa status")) else exc.hint


def report(exc: Exception) -> None:
    """Log an exception that nobody expected: a line, and with `--debug` its traceback."""
    logger.error("a request failed, and %s: %s", BUG, without_keys(f"{type(exc).__name__}: {exc}"))
    logger.debug("%s", without_keys("".join(traceback.format_exception(exc))))
