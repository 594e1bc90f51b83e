"""What a server says of a request that failed: to a page or program, or to a model."""

import logging
import traceback
from collections.abc import Mapping

from starlette.exceptions import HTTPException

from ragqa import errors
from ragqa.errors import Hint, RagqaError, out_of_memory
from ragqa.llms.servers import without_keys
from ragqa.safe import safe_line
from ragqa.serving.warm import NotReady

logger = logging.getLogger("ragqa")

BUG = "this is a bug in ragqa"
BUG_HINT = "start the server with --debug; it then prints a traceback to report"

# The first that an error is an instance of counts.
_STATUS: Mapping[type[RagqaError], int] = {
    NotReady: 503, errors.WriterBusy: 503, errors.OutOfMemory: 503, errors.NotAllowed: 403,
    errors.UsageError: 400, errors.NoCorpus: 404, errors.NoIndex: 404, errors.GivenUp: 504,
}  # fmt: skip


def failure_of(exc: Exception) -> tuple[int, dict[str, str]]:
    """The HTTP status of a failed request, and what happened and what helps, without keys."""
    if isinstance(exc, HTTPException):
        return exc.status_code, {"error": exc.detail, "hint": ""}
    known = _known(exc)
    if known is None:
        return 500, {"error": BUG, "hint": BUG_HINT}
    status = next((_STATUS[kind] for kind in _STATUS if isinstance(known, kind)), 500)
    hint = known.hint.page if isinstance(known.hint, Hint) else known.hint
    return status, {"error": without_keys(known.message), "hint": without_keys(hint)}


def problem(exc: Exception) -> str:
    """What went wrong, and what helps: what a tool can do, or the user has to."""
    known = _known(exc)
    if known is None:
        return f"{BUG}. Try: {BUG_HINT}"
    hint = known.hint.tool if isinstance(known.hint, Hint) else f"tell the user: {known.hint}"
    return safe_line(f"{known.message}." + (f" Try: {hint}" if known.hint else ""))


def report(exc: Exception) -> None:
    """Log an exception that nobody expected: a line, and with `--debug` its traceback."""
    if _known(exc) is None:
        what = without_keys(f"{type(exc).__name__}: {exc}")
        logger.error("a request failed, and %s: %s", BUG, what)
        logger.debug("%s", without_keys("".join(traceback.format_exception(exc))))


def _known(exc: Exception) -> RagqaError | None:
    """The error, if a user can do something about it."""
    known = out_of_memory(exc) or exc
    return known if isinstance(known, RagqaError) else None
