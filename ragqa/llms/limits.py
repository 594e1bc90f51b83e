"""Limits on any backend's stream: a deadline, a size, one kind of error, no reasoning."""

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from time import monotonic

from ragqa.errors import BackendFailed
from ragqa.llms import LLM, Prompt
from ragqa.llms.secrets import sentence

_CHARS_PER_TOKEN = 12
"""More than a token's average, to bound a completion's characters by its tokens."""

_MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""How reasoning begins and ends."""

_MORE_TIME = "allow more: ragqa config set llm_deadline_s N"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def bounded(
    llm: LLM, prompt: Prompt, *, max_tokens: int, deadline_s: float, max_chars: int | None = None
) -> Generator[str]:
    """Yield the pieces of a completion, none of them empty, without the reasoning before it.

    Closing the iterator, or Ctrl-C while it waits, ends the request.

    :param deadline_s: total seconds, from the first request for a piece.
    :param max_chars: the longest completion, including reasoning; by default 12 a token.
    :raises BackendFailed: it failed in any way, became too long, has no text, or was not done at
        the deadline.
    """
    name = llm.destination.backend
    pieces = read_apart(
        lambda: llm.stream(prompt, max_tokens=max_tokens),
        name,
        deadline_s,
        max_chars or _CHARS_PER_TOKEN * max_tokens,
    )
    has_thoughts, has_text = False, False
    with contextlib.closing(pieces):
        for is_thought, text in _parts(pieces):
            has_thoughts = has_thoughts or is_thought
            if text and not is_thought:
                has_text = has_text or bool(text.strip())
                yield text
    if has_text:
        return
    if has_thoughts:
        raise BackendFailed(
            f"{name} only thought, and gave no answer",
            hint="allow more: ragqa config set llm_answer_tokens N",
        )
    raise BackendFailed(f"{name} gave no text", hint="ask again, or without --llm")


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
        while (item := _next(items, deadline)) is not None:
            yield item
    finally:
        stopped.set()
        cancel = getattr(streams[0], "cancel", None) if streams else None
        if cancel is not None:
            with contextlib.suppress(Exception):
                cancel()


def _next(items: "queue.SimpleQueue[str | BackendFailed | None]", deadline: Deadline) -> str | None:
    try:
        item = items.get(timeout=deadline.left())
    except queue.Empty:
        raise deadline.passed from None
    if isinstance(item, BackendFailed):
        raise item
    return item


def _checked(pieces: Iterable[str], name: str, max_chars: int) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > max_chars:
            raise BackendFailed(
                f"{name} wrote more than {max_chars:,} characters",
                hint="try another model, or allow more: ragqa config set llm_answer_tokens N",
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


def _parts(pieces: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """Yield a completion's text, wherever it is cut, and whether each is reasoning before it."""
    held, until, found = "", "", False
    pieces = iter(pieces)
    for piece in pieces:
        held += piece
        while True:
            if until:
                _, mark, after = held.partition(until)
                # What is left of the reasoning is enough to recognise a mark that was cut.
                held, until = (after, "") if mark else (held[1 - len(until) :], until)
                if not mark:
                    break
            start = held.lstrip()
            opened = next((marks for marks in _MARKS if start.startswith(marks[0])), None)
            if opened is None:
                break
            held, until, found = start.removeprefix(opened[0]), opened[1], True
            yield True, ""
        begin = held.lstrip()
        held = begin if found and not until else held
        if not until and not any(opening.startswith(begin) for opening, _ in _MARKS):
            yield False, held
            yield from ((False, rest) for rest in pieces)
            return
    if not until:
        yield False, held
