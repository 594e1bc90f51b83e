"""Limits on any backend's stream: a deadline, a size, one kind of error, no reasoning."""

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from time import monotonic

from ragqa.errors import BackendFailed
from ragqa.llms import LLM, Prompt
from ragqa.llms.servers import sentence

_CHARS_PER_TOKEN = 12
"""More than a token's average, to bound a completion's characters, reasoning included."""

_MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""How reasoning begins and ends."""

_MORE_TIME = "allow more: ragqa config set llm_deadline_s N"
_MORE_TOKENS = "allow more: ragqa config set llm_answer_tokens N"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def bounded(llm: LLM, prompt: Prompt, *, max_tokens: int, deadline_s: float) -> Generator[str]:
    """Yield the pieces of a completion, none of them empty, without the reasoning before it.

    Closing the iterator, or Ctrl-C while it waits, ends the request.

    :param deadline_s: total seconds, from the first request for a piece.
    :raises BackendFailed: it failed in any way, became too long, has no text, or was not done at
        the deadline.
    """
    name = llm.destination.backend
    most = _CHARS_PER_TOKEN * max_tokens
    pieces = read_apart(lambda: llm.stream(prompt, max_tokens=max_tokens), name, deadline_s, most)
    has_text = False
    with contextlib.closing(pieces):
        begun, has_thoughts = _after_thoughts(pieces)
        for piece in chain([begun], pieces):
            if text := piece if has_text else piece.lstrip():
                has_text = True
                yield text
    if has_thoughts and not has_text:
        raise BackendFailed(f"{name} only thought, and gave no answer", hint=_MORE_TOKENS)
    if not has_text:
        raise BackendFailed(f"{name} gave no text", hint="ask again, or without --llm")


def _after_thoughts(pieces: Iterable[str]) -> tuple[str, bool]:
    """The first of the answer, wherever the text is cut, and whether reasoning came before it."""
    held, closing = "", ""
    for piece in pieces:
        held += piece
        start = held.lstrip()
        closing = closing or next((end for begin, end in _MARKS if start.startswith(begin)), "")
        if closing:
            _, closed, after = held.partition(closing)
            if closed:
                return after, True
            held = held[-len(closing) :]
        elif not any(begin.startswith(start) for begin, _ in _MARKS):
            return held, False
    return "" if closing else held, bool(closing)


class Deadline:
    """When a backend must be done.

    :param name: the backend's, for messages.
    """

    def __init__(self, name: str, seconds: float, hint: str = _MORE_TIME) -> None:
        self._ends = monotonic() + seconds
        self.passed = BackendFailed(f"{name} did not finish in time", hint=hint)

    def left(self) -> float:
        """The seconds that are left, more than 0.

        :raises BackendFailed: none are.
        """
        seconds = self._ends - monotonic()
        if seconds <= 0:
            raise self.passed
        return seconds


def read_apart(
    begin: Callable[[], Iterator[str]],
    name: str,
    deadline_s: float,
    max_chars: int,
    *,
    late: str = _MORE_TIME,
) -> Generator[str]:
    """Yield the pieces of a stream, read in a separate thread so that nothing can hang.

    Closing the iterator ends the stream: at once if it has a `cancel`, else at its next piece.

    :param name: the backend's, for messages.
    :param late: what to do if it is not done at the deadline.
    :raises BackendFailed: the stream failed, became too long, or was not done at the deadline.
    """
    # It holds at most `max_chars`, so it needs no other bound.
    items: queue.SimpleQueue[str | BackendFailed | None] = queue.SimpleQueue()
    stopped = threading.Event()
    streams: list[Iterator[str]] = []

    def read() -> None:
        end: BackendFailed | None = BackendFailed(f"{name} failed")
        try:
            streams.append(begin())
            # Once stopped, nothing more is asked of it: the first piece would begin the request.
            for piece in () if stopped.is_set() else _checked(streams[0], name, max_chars):
                if stopped.is_set():
                    break
                items.put(piece)
            end = None
        except BaseException as exc:  # noqa: BLE001 - a program's own backend may raise anything
            end = _failure(name, exc)
        finally:
            items.put(end)
            with contextlib.suppress(Exception):
                getattr(streams[0], "close", lambda: None)()

    deadline = Deadline(name, deadline_s, late)
    threading.Thread(target=read, name="ragqa-llm", daemon=True).start()
    try:
        while True:
            try:
                item = items.get(timeout=deadline.left())
            except queue.Empty:
                raise deadline.passed from None
            if isinstance(item, BackendFailed):
                raise item
            if item is None:
                return
            yield item
    finally:
        stopped.set()
        with contextlib.suppress(Exception):
            getattr(streams[0], "cancel", lambda: None)()


def _checked(pieces: Iterable[str], name: str, max_chars: int) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > max_chars:
            raise BackendFailed(
                f"{name} wrote more than {max_chars:,} characters",
                hint=f"try another model, or {_MORE_TOKENS}",
            )
        if piece:
            yield _LONE_SURROGATE.sub("\ufffd", piece)


def _failure(name: str, exc: BaseException) -> BackendFailed:
    """Recreate a backend's error without frames and causes, whose variables may contain a key.

    Every exception becomes a `BackendFailed`; another error's exit code would blame something else.
    """
    if isinstance(exc, BackendFailed):
        return BackendFailed(sentence(exc.message), hint=sentence(exc.hint))
    message = sentence(f"{name} failed: {type(exc).__name__}: {exc}")
    return BackendFailed(message, hint="ask without --llm")
