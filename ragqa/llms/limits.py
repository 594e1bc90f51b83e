"""Any backend's stream within limits: a total deadline, a size, and one kind of failure."""

import contextlib
import queue
import re
import threading
from collections.abc import Generator, Iterable, Iterator
from time import monotonic
from typing import TypeVar

from ragqa.errors import BackendFailed, TookTooLong
from ragqa.llms import LLM, Prompt
from ragqa.llms.faults import exception_text, sentence
from ragqa.llms.thoughts import Thoughts

CHARS_PER_TOKEN = 12
"""More than a token stands for on average, to tell the longest completion of so many."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_Item = TypeVar("_Item")


def bounded(
    llm: LLM, prompt: Prompt, *, max_tokens: int, deadline_s: float, max_chars: int
) -> Generator[str]:
    """Give the pieces of a completion, read in a thread of its own, so that nothing can hang.

    Closing the iterator, or Ctrl-C while it waits, ends the request. Pieces are never empty. What
    a model thinks before it answers is left out.

    :param deadline_s: seconds for the whole, from the first piece asked for.
    :param max_chars: the longest completion, with what the model thinks.
    :raises BackendFailed: it failed, in whatever way, became too long, or holds no text.
    :raises TookTooLong: it is asked for a piece after the deadline, or has none until then.
    """
    reader, thoughts = _Reader(llm, prompt, max_tokens, max_chars), Thoughts()
    ends = monotonic() + deadline_s
    threading.Thread(target=reader.run, name="ragqa-llm", daemon=True).start()
    is_empty = True
    try:
        while (item := reader.next_within(ends - monotonic())) is not None:
            if isinstance(item, BackendFailed):
                raise item
            if text := thoughts.leave_out(item):
                is_empty = is_empty and not text.strip()
                yield text
    finally:
        reader.stop()
    if text := thoughts.rest():
        is_empty = is_empty and not text.strip()
        yield text
    if is_empty and thoughts.found:
        raise BackendFailed(
            f"{reader.name} only thought, and gave no answer",
            hint="allow more: ragqa config set llm_answer_tokens N",
        )
    if is_empty:
        raise BackendFailed(f"{reader.name} gave no text", hint="ask again, or without --llm")


def in_time(items: Iterable[_Item], llm: LLM, *, deadline_s: float) -> Iterator[_Item]:
    """Give what is made of a completion as long as it, and what is done with it, is in time.

    :param deadline_s: seconds for the whole, from the first item asked for.
    :raises TookTooLong: there is an item after that.
    """
    ends = monotonic() + deadline_s
    for item in items:
        if monotonic() >= ends:
            raise _too_late(llm.destination.backend)
        yield item


class _Reader:
    """Reads a stream into a queue until it ends, fails, or is stopped."""

    def __init__(self, llm: LLM, prompt: Prompt, max_tokens: int, max_chars: int) -> None:
        self.name = llm.destination.backend
        self._llm = llm
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._max_chars = max_chars
        self._pieces: Iterator[str] = iter(())
        self._stopped = threading.Event()
        # What is in it is at most `max_chars` long, so that it needs no other bound.
        self._items: queue.SimpleQueue[str | BackendFailed | None] = queue.SimpleQueue()

    def next_within(self, seconds: float) -> str | BackendFailed | None:
        """The next piece, the failure, or None at the end."""
        if seconds > 0:
            with contextlib.suppress(queue.Empty):
                return self._items.get(timeout=seconds)
        return _too_late(self.name)

    def stop(self) -> None:
        """End the reading: at once where the stream has a `cancel`, else at its next piece."""
        self._stopped.set()
        cancel = getattr(self._pieces, "cancel", None)
        if cancel is not None:
            with contextlib.suppress(Exception):
                cancel()

    def run(self) -> None:
        """Read to the end, whatever that is."""
        end: BackendFailed | None = BackendFailed(f"{self.name} failed")
        try:
            self._read()
            end = None
        except BaseException as exc:  # noqa: BLE001 - others' packages, too, may raise anything
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
    """What a backend raised, made anew: without frames and causes, whose variables may hold a key.

    Any error but a `BackendFailed` is the backend's, too: its exit code would accuse another.
    """
    message, hint = f"{name} failed: {exception_text(exc)}", "ask without --llm"
    if isinstance(exc, BackendFailed):
        with contextlib.suppress(Exception):  # others' subclasses may lack them
            message, hint = str(exc.message), str(exc.hint)
    return BackendFailed(sentence(message), hint=sentence(hint))


def _too_late(name: str) -> TookTooLong:
    return TookTooLong(
        f"{name} was not done in time", hint="allow more: ragqa config set llm_deadline_s N"
    )
