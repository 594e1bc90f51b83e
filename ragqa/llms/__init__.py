"""From prompt to text: the `LLM` protocol, the backends, and the limits on each.

A program's own object with the two members of `LLM` has the same limits.
"""

import json
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Protocol

from ragqa.errors import BackendFailed, UsageError
from ragqa.llms.servers import SERVICES, sentence


@dataclass(frozen=True, slots=True)
class Destination:
    """Which backend answers and where the prompt goes.

    `backend` is `KIND:MODEL`; `host` is `HOST` or `HOST:PORT`, "" if the prompt stays on this
    machine.
    """

    backend: str
    host: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the prompt stays on this machine."""
        return not self.host

    @property
    def where(self) -> str:
        """The destination in words."""
        return self.host or "this machine"


@dataclass(frozen=True, slots=True)
class Prompt:
    """An LLM's input.

    `instructions` are ragqa's or the user's; `message` may contain notes, which are untrusted.
    """

    instructions: str
    message: str


class LLM(Protocol):
    """Completes a prompt. It gets nothing else: no tools, no files."""

    @property
    def destination(self) -> Destination:
        """The backend and where data goes, known before anything is sent."""
        ...

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield a completion of at most `max_tokens` tokens piece by piece as it is generated.

        Nothing is sent before the first piece is requested. Closing the iterator ends the request.

        :raises BackendFailed: the completion failed, for any reason.
        """
        ...


NO_LLM = "none"
"""The value that turns LLMs off, whatever else is set."""

SCRIPTED = "scripted"


def llm_for(spec: str, url: str = "") -> LLM:
    """Make the backend that `KIND:MODEL` names; nothing is sent.

    :param url: the setting `llm_url`.
    :raises UsageError: no such kind, or it is unusable; the hint says what is missing.
    """
    kind, model = check_kind(spec)
    if kind == SCRIPTED:
        return ScriptedLLM(model)
    from ragqa.llms import http

    return http.make(kind, model, url)


def check_kind(spec: str) -> tuple[str, str]:
    """The kind of a backend and its model, which may not exist.

    :raises UsageError: there is no such kind; the message lists the kinds.
    """
    kind, _, model = spec.partition(":")
    if kind not in (kinds := (*SERVICES, SCRIPTED)):
        raise UsageError(
            f"there is no LLM backend of kind {kind!r}, only {', '.join(kinds)}",
            hint="give KIND:MODEL, such as ollama:llama3.2",
        )
    return kind, model


class ScriptedLLM:
    """For tests and demonstrations: gives the first reply whose `when` the prompt contains.

    :param path: a file of JSON lines: `{"when": "...", "say": "..."}`.
    :raises UsageError: the file cannot be read, or does not have that form.
    """

    def __init__(self, path: str) -> None:
        self.destination = Destination(f"scripted:{path}")
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
            self._replies = [(str(row["when"]), str(row["say"])) for row in rows]
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise UsageError(
                f"cannot read replies from {path!r}: {getattr(exc, 'strerror', exc)}",
                hint='give scripted:FILE, whose lines are like {"when": "...", "say": "..."}',
            ) from exc

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the reply in pieces, at most one per token; see `LLM.stream`."""
        say = next((say for when, say in self._replies if when in prompt.message), None)
        if say is None:
            raise BackendFailed("the script has no reply to this prompt")
        for start in range(0, len(say), 12)[:max_tokens]:
            yield say[start : start + 12]


# Limits on any backend's stream: a deadline, a size, one kind of error, no reasoning.

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
