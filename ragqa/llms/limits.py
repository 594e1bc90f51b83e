"""Limits on any backend's stream: a deadline, a size, one kind of error, no reasoning."""

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from time import monotonic

from ragqa.errors import BackendFailed
from ragqa.llms import LLM, Prompt
from ragqa.llms.servers import sentence

_CHARS_PER_TOKEN = 12
"""More than a token's average, to bound a completion's characters, reasoning included."""

_THOUGHT = ("<think>", "</think>")
"""How reasoning begins and ends where a server leaves it in the text."""

_MORE_TIME = "allow more: ragqa config set llm_deadline_s N"
_MORE_TOKENS = "allow more: ragqa config set llm_answer_tokens N"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def bounded(llm: LLM, prompt: Prompt, *, max_tokens: int, deadline_s: float) -> Generator[str]:
    """Yield the pieces of a completion, none of them empty, without the reasoning before it.

    Closing the iterator, or Ctrl-C while it waits, ends the request.

    :param deadline_s: total seconds, from the first request for a piece; looked at with each.
    :raises BackendFailed: it failed in any way, became too long, has no text, or was not done at
        the deadline.
    """
    name = llm.destination.backend
    has_text = False
    with closing(_checked(llm, prompt, max_tokens, deadline_s)) as pieces:
        begun = _after_thought(pieces)
        for piece in chain([begun], pieces):
            if text := piece if has_text else piece.lstrip():
                has_text = True
                yield text
    if not has_text:
        hint = f"ask again, or without --llm; for a model that thinks, {_MORE_TOKENS}"
        raise BackendFailed(f"{name} gave no text", hint=hint)


def _after_thought(pieces: Iterable[str]) -> str:
    """The first of the answer, without the reasoning before it, wherever the text is cut."""
    held, (begin, end) = "", _THOUGHT
    for piece in pieces:
        held += piece
        start = held.lstrip()
        if start.startswith(begin):
            _, closed, after = held.partition(end)
            if closed:
                return after
        elif not begin.startswith(start):
            return held
    return "" if held.lstrip().startswith(begin) else held


def _checked(llm: LLM, prompt: Prompt, max_tokens: int, deadline_s: float) -> Generator[str]:
    """The pieces as they come, within the limits.

    Every exception becomes a `BackendFailed`, since another error's exit code would blame something
    else, and has no cause, whose frames may contain a key.
    """
    name, size, ends = llm.destination.backend, 0, monotonic() + deadline_s
    most = _CHARS_PER_TOKEN * max_tokens
    try:
        with closing(_closable(llm.stream(prompt, max_tokens=max_tokens))) as pieces:
            for piece in pieces:
                size += len(piece)
                _check(name, late=monotonic() >= ends, size=size, most=most)
                yield _LONE_SURROGATE.sub("\ufffd", piece)
    except BackendFailed as exc:
        raise BackendFailed(sentence(exc.message), hint=sentence(exc.hint)) from None
    except Exception as exc:  # noqa: BLE001 - a program's own backend may raise anything
        message = sentence(f"{name} failed: {type(exc).__name__}: {exc}")
        raise BackendFailed(message, hint="ask without --llm") from None


def _closable(pieces: Iterator[str]) -> Generator[str]:
    yield from pieces


def _check(name: str, *, late: bool, size: int, most: int) -> None:
    if late:
        raise BackendFailed(f"{name} did not finish in time", hint=_MORE_TIME)
    if size > most:
        hint = f"try another model, or {_MORE_TOKENS}"
        raise BackendFailed(f"{name} wrote more than {most:,} characters", hint=hint)
