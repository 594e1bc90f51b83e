"""The latest answers that an LLM wrote."""

import threading

from ragqa.types import Answer, Fallback, Filters

_MOST_KEPT = 32
_PASSING = (Fallback.NOT_ASKED, Fallback.FAILED)

Key = tuple[str, str, Filters]
"""The generation of the index, the question and its filters."""


class Recent:
    """The latest answers that an LLM wrote: going back to a page asks it nothing."""

    def __init__(self) -> None:
        self._answers: dict[Key, Answer] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Answer | None:
        """The answer, if it is still there."""
        return self._answers.get(key)

    def keep(self, key: Key, answer: Answer) -> None:
        """Keep an answer, unless the LLM was not asked or failed: then it may do better."""
        if answer.written is None or answer.written.fallback in _PASSING:
            return
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _MOST_KEPT:
                del self._answers[next(iter(self._answers))]
