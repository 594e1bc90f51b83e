"""Answers that an LLM writes, for the pages and the HTTP API.

The server's own options and settings choose the LLM, never a request. A server cannot ask its user,
so nothing is sent to a host that was not allowed before.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from ragqa.config import Settings
from ragqa.consent import consents, host_named, not_allowed
from ragqa.errors import UsageError
from ragqa.generation import Writer, what_is_sent, writer_of
from ragqa.llms import LLM, NO_LLM, Destination, Prompt
from ragqa.serving.warm import WarmIndex
from ragqa.types import Answer, Filters


def writer_for(settings: Settings, spec: str) -> Writer | None:
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
    if destination.is_local:
        return True
    host, known = host_named(destination.host), consents()
    if host in known.hosts:
        return True
    hint = known.fix or f"ragqa llm allow {host}"
    raise not_allowed(destination.backend, what, destination.where, hint=hint)


def chosen(warm: WarmIndex, asked: Any) -> Writer | None:  # noqa: ANN401 - what a request says
    """The server's writer, unless the request wants none.

    :raises UsageError: the request names an LLM.
    """
    if asked in ("", None):
        return warm.writer
    if asked == NO_LLM:
        return None
    raise UsageError("a request cannot choose an LLM", hint=f"llm={NO_LLM} asks for excerpts alone")


def answer_to(
    warm: WarmIndex, question: str, filters: Filters, writer: Writer | None = None
) -> Answer:
    """Answer a question; while an LLM writes, other questions are answered.

    :raises NotAllowed: nothing may be sent to the LLM.
    :raises RagqaError: as `WarmIndex.use` does.
    """
    if writer is None:
        return warm.use(lambda index: index.ask(question, filters=filters, refresh=False))
    with warm.apart() as index:
        return index.ask(question, filters=filters, refresh=False, writer=writer)


class Interruptible:
    """An LLM whose work another thread can end."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._pieces: Iterator[str] = iter(())
        self._ended = False

    @property
    def destination(self) -> Destination:
        """As of the LLM."""
        return self._llm.destination

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """As the LLM does, unless it was ended before."""
        if not self._ended:
            self._pieces = self._llm.stream(prompt, max_tokens=max_tokens)
        return self._pieces

    def end(self) -> None:
        """End it, now if the LLM can, else at its next piece."""
        self._ended = True
        cancel: Callable[[], None] | None = getattr(self._pieces, "cancel", None)
        if cancel is not None:
            with suppress(Exception):  # a package's LLM may raise anything
                cancel()
