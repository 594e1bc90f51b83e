"""Any backend's stream within limits: a total deadline, a size, and one kind of failure."""

import contextlib
import queue
import re
import threading
import time
from collections.abc import Generator, Iterator

from ragqa.errors import BackendFailed, RagqaError
from ragqa.llms import LLM, Prompt
from ragqa.llms.secrets import environment_secrets, hide

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_TOLD = 200


def bounded(
    llm: LLM, prompt: Prompt, *, max_tokens: int, deadline_s: float, max_chars: int
) -> Generator[str]:
    """Give the pieces of a completion, read in a thread of its own, so that nothing can hang.

    Closing the iterator, or Ctrl-C while it waits, ends the request. Pieces are never empty.

    :param deadline_s: seconds for the whole, from the first piece asked for.
    :param max_chars: the longest completion.
    :raises BackendFailed: it failed, took too long, became too long, or holds no text.
    :raises RagqaError: as the backend raises it.
    """
    reader = _Reader(llm, prompt, max_tokens, max_chars)
    ends = time.monotonic() + deadline_s
    threading.Thread(target=reader.run, name="ragqa-llm", daemon=True).start()
    is_empty = True
    try:
        while (item := reader.next_within(ends - time.monotonic())) is not None:
            if isinstance(item, RagqaError):
                raise item
            is_empty = is_empty and not item.strip()
            yield item
    finally:
        reader.stop()
    if is_empty:
        raise BackendFailed(
            f"{llm.destination.backend} gave no text", hint="ask again, or without --llm"
        )


class _Reader:
    """Reads a stream into a queue until it ends, fails, or is stopped."""

    def __init__(self, llm: LLM, prompt: Prompt, max_tokens: int, max_chars: int) -> None:
        self._llm = llm
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._max_chars = max_chars
        self._pieces: Iterator[str] | None = None
        self._stopped = threading.Event()
        # What is in it is at most `max_chars` long, so that it needs no other bound.
        self._items: queue.SimpleQueue[str | RagqaError | None] = queue.SimpleQueue()

    def next_within(self, seconds: float) -> str | RagqaError | None:
        """The next piece, the failure, or None at the end."""
        try:
            return self._items.get(timeout=max(seconds, 0))
        except queue.Empty:
            return BackendFailed(
                f"{self._llm.destination.backend} was not done in time",
                hint="allow more: ragqa config set llm_deadline_s N",
            )

    def stop(self) -> None:
        """End the reading: at once where the stream has a `cancel`, else at its next piece."""
        self._stopped.set()
        cancel = getattr(self._pieces, "cancel", None)
        if cancel is not None:
            with contextlib.suppress(Exception):
                cancel()

    def run(self) -> None:
        """Read to the end, whatever that is."""
        try:
            self._read()
            self._items.put(None)
        except RagqaError as exc:
            # Without the frames that raised it, whose variables may hold a key.
            exc.__cause__ = exc.__context__ = None
            self._items.put(exc.with_traceback(None))
        except BaseException as exc:  # noqa: BLE001 - others' packages, too, may raise anything
            told = " ".join(f"{type(exc).__name__}: {exc}"[: 10 * _MAX_TOLD].split())
            told = hide(told, environment_secrets())[:_MAX_TOLD]
            self._items.put(BackendFailed(f"{self._llm.destination.backend} failed: {told}"))

    def _read(self) -> None:
        size = 0
        self._pieces = self._llm.stream(self._prompt, max_tokens=self._max_tokens)
        try:
            for piece in self._pieces:
                if self._stopped.is_set():
                    return
                size += len(piece)
                if size > self._max_chars:
                    raise BackendFailed(
                        f"{self._llm.destination.backend} wrote more than "
                        f"{self._max_chars:,} characters",
                        hint="ask without --llm, or try another model",
                    )
                if piece:
                    self._items.put(_LONE_SURROGATE.sub("\ufffd", piece))
        finally:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
