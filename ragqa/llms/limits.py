"""Enforce limits on any backend's stream: a deadline, a size, one kind of error, no reasoning."""

import contextlib
import queue
import re
import threading
from collections.abc import Generator, Iterable, Iterator
from time import monotonic
from typing import TypeVar

from ragqa.errors import BackendFailed
from ragqa.llms import LLM, Prompt
from ragqa.llms.faults import exception_text, sentence

_CHARS_PER_TOKEN = 12
"""More than a token's average, to bound a completion's characters by its tokens."""

_MARKS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
)
"""How reasoning begins and ends."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_Item = TypeVar("_Item")


def bounded(
    llm: LLM, prompt: Prompt, *, max_tokens: int, deadline_s: float, max_chars: int | None = None
) -> Generator[str]:
    """Yield the pieces of a completion, read in a separate thread so that nothing can hang.

    Closing the iterator, or Ctrl-C while it waits, ends the request. Pieces are never empty. A
    model's reasoning before its answer is left out.

    :param deadline_s: total seconds, from the first request for a piece.
    :param max_chars: the longest completion, including reasoning; by default 12 a token.
    :raises BackendFailed: it failed in any way, became too long, has no text, or was not done at
        the deadline.
    """
    if max_chars is None:
        max_chars = _CHARS_PER_TOKEN * max_tokens
    reader, thoughts = _StreamThread(llm, prompt, max_tokens, max_chars), Thoughts()
    ends = monotonic() + deadline_s
    threading.Thread(target=reader.run, name="ragqa-llm", daemon=True).start()
    piece: str | None = ""
    is_empty = True
    try:
        while piece is not None:
            piece = reader.next_within(ends - monotonic())
            text = thoughts.rest() if piece is None else thoughts.leave_out(piece)
            if text:
                is_empty = is_empty and not text.strip()
                yield text
    finally:
        reader.stop()
    if is_empty and thoughts.found:
        raise BackendFailed(
            f"{reader.name} only thought, and gave no answer",
            hint="allow more: ragqa config set llm_answer_tokens N",
        )
    if is_empty:
        raise BackendFailed(f"{reader.name} gave no text", hint="ask again, or without --llm")


def in_time(items: Iterable[_Item], llm: LLM, *, deadline_s: float) -> Iterator[_Item]:
    """Pass on items made from a completion until the deadline, which includes their processing.

    :param deadline_s: total seconds, from the first request for an item.
    :raises BackendFailed: an item comes after that.
    """
    ends = monotonic() + deadline_s
    for item in items:
        if monotonic() >= ends:
            raise _too_late(llm.destination.backend)
        yield item


class _StreamThread:
    """Reads a stream into a queue until it ends, fails, or is stopped."""

    def __init__(self, llm: LLM, prompt: Prompt, max_tokens: int, max_chars: int) -> None:
        self.name = llm.destination.backend
        self._llm = llm
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._max_chars = max_chars
        self._pieces: Iterator[str] = iter(())
        self._stopped = threading.Event()
        # It holds at most `max_chars`, so it needs no other bound.
        self._items: queue.SimpleQueue[str | BackendFailed | None] = queue.SimpleQueue()

    def next_within(self, seconds: float) -> str | None:
        """The next piece, None at the end; raises if it failed or takes longer."""
        item: str | BackendFailed | None = _too_late(self.name)
        if seconds > 0:
            with contextlib.suppress(queue.Empty):
                item = self._items.get(timeout=seconds)
        if isinstance(item, BackendFailed):
            raise item
        return item

    def stop(self) -> None:
        """Stop reading: at once if the stream has a `cancel`, else at its next piece."""
        self._stopped.set()
        cancel = getattr(self._pieces, "cancel", None)
        if cancel is not None:
            with contextlib.suppress(Exception):
                cancel()

    def run(self) -> None:
        """Read until the stream ends, fails or is stopped."""
        end: BackendFailed | None = BackendFailed(f"{self.name} failed")
        try:
            self._read()
            end = None
        except BaseException as exc:  # noqa: BLE001 - third-party packages may raise anything
            end = _failure(self.name, exc)
        finally:
            self._items.put(end)

    def _read(self) -> None:
        size = 0
        self._pieces = self._llm.stream(self._prompt, max_tokens=self._max_tokens)
        if self._stopped.is_set():
            return
        try:
            for piece in self._pieces:
                if self._stopped.is_set():
                    return
                size += len(piece)
                if size > self._max_chars:
                    raise BackendFailed(
                        f"{self.name} wrote more than {self._max_chars:,} characters",
                        hint="try another model, or allow more: "
                        "ragqa config set llm_answer_tokens N",
                    )
                if piece:
                    self._items.put(_LONE_SURROGATE.sub("\ufffd", piece))
        finally:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()


def _failure(name: str, exc: BaseException) -> BackendFailed:
    """Recreate a backend's error without frames and causes, whose variables may contain a key.

    Every exception becomes a `BackendFailed`; another error's exit code would blame something else.
    """
    message, hint = f"{name} failed: {exception_text(exc)}", "ask without --llm"
    if isinstance(exc, BackendFailed):
        with contextlib.suppress(Exception):  # third-party subclasses may lack them
            message, hint = str(exc.message), str(exc.hint)
    return BackendFailed(sentence(message), hint=sentence(hint))


def _too_late(name: str) -> BackendFailed:
    return BackendFailed(
        f"{name} did not finish in time", hint="allow more: ragqa config set llm_deadline_s N"
    )


class Thoughts:
    """Removes reasoning from the beginning of a text in pieces, wherever the cuts are.

    `found` says whether there was any.
    """

    def __init__(self) -> None:
        self.found = False
        self._held = ""
        self._until = ""
        self._is_answer = False

    def leave_out(self, piece: str) -> str:
        """The answer's text so far that was not returned before."""
        if self._is_answer:
            return piece
        self._held += piece
        while self._step():
            pass
        if not self._is_answer:
            return ""
        return self.rest()

    def rest(self) -> str:
        """At the end: text that was held back but belongs to the answer."""
        rest, self._held = self._held, ""
        return "" if self._until else rest

    def _step(self) -> bool:
        """Move past one mark; False if the text so far has no more."""
        if self._until:
            _, mark, after = self._held.partition(self._until)
            if not mark:
                # Enough to recognise a mark that was cut.
                self._held = self._held[1 - len(self._until) :]
                return False
            self._held, self._until = after, ""
            return True
        start = self._held.lstrip()
        if self.found:
            self._held = start
        for opening, closing in _MARKS:
            if start.startswith(opening):
                self._held, self._until = start.removeprefix(opening), closing
                self.found = True
                return True
        self._is_answer = not any(opening.startswith(start) for opening, _ in _MARKS)
        return False
