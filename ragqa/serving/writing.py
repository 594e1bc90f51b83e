"""Answers of a server, and its LLM: what its user allowed, and only while somebody waits."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile

from ragqa.config import Settings
from ragqa.errors import UsageError
from ragqa.generation import Writer, what_is_sent, writer_of
from ragqa.llms import LLM, NO_LLM, Prompt
from ragqa.serving.warm import WarmIndex, given_up
from ragqa.types import Answer, Filters
from ragqa.user_data.consent import is_allowed, not_allowed


def answer_to(
    warm: WarmIndex, question: str, filters: Filters, writer: Writer | None = None
) -> Answer:
    """Answer a question; while an LLM writes, other questions are answered."""
    wanted = writer and replace(writer, llm=_Wanted(writer.llm))
    return warm.use(
        lambda index: index.ask(
            question, filters=filters, refresh=False, at_once=True, writer=wanted
        ),
        apart=writer is not None,
    )


class _Wanted:
    """An LLM that writes no further once nobody waits for the work of the thread that made this."""

    def __init__(self, llm: LLM) -> None:
        self.destination, self._llm, self._given_up = llm.destination, llm, given_up()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """The pieces of the LLM's text."""
        given_up = self._given_up.is_set
        pieces = iter(()) if given_up() else self._llm.stream(prompt, max_tokens=max_tokens)
        yield from takewhile(lambda _: not given_up(), pieces)


def server_writer(settings: Settings, spec: str) -> Writer | None:
    """The writer of a server, None if `spec` is "": what its user allows while it runs counts.

    A server cannot ask its user, so nothing is sent to a host that was not allowed.

    :raises UsageError: the backend is unknown or unusable.
    """
    if not spec:
        return None
    writer = writer_of(settings, spec)
    destination, what = writer.llm.destination, what_is_sent(settings)

    def allow() -> bool:
        if destination.is_local or is_allowed(destination.host):
            return True
        hint = "start the server again with --yes"
        raise not_allowed(destination.backend, what, destination.where, hint=hint)

    return replace(writer, allow=allow)


def may_write(warm: WarmIndex, llm: str) -> bool:
    """Whether an LLM may write what a request asks for."""
    return warm.writer is not None and llm != NO_LLM


def chosen(warm: WarmIndex, llm: str) -> Writer | None:
    """The server's writer, unless a request wants none.

    :raises UsageError: the request names an LLM.
    """
    if llm not in ("", NO_LLM):
        hint = f"llm={NO_LLM} asks for excerpts alone"
        raise UsageError("a request cannot choose an LLM", hint=hint)
    return None if llm else warm.writer
