"""The lines of a chat: typed at a prompt on a terminal, read from standard input elsewhere."""

import sys
from typing import Protocol

from ragqa.errors import UsageError
from ragqa.history import History
from ragqa.render import say
from ragqa.retrieval import MAX_QUESTION_BYTES

_PROMPT = "> "


class Lines(Protocol):
    """Where the lines of a chat come from."""

    def read(self) -> str | None:
        """The next line; None where there are no more."""
        ...


def is_typed() -> bool:
    """Whether a person types the lines, and sees what is written to stderr."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


class PipedLines:
    """The lines of standard input."""

    def read(self) -> str | None:
        """The next line; None where there are no more.

        :raises UsageError: it is too long; the next call gives the line after it.
        """
        if sys.stdin is None:
            return None
        line = sys.stdin.buffer.readline(MAX_QUESTION_BYTES + 2)
        if len(line) > MAX_QUESTION_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = sys.stdin.buffer.readline(MAX_QUESTION_BYTES)
            raise UsageError(
                f"a line has more than the {MAX_QUESTION_BYTES} bytes that are read",
                hint="ask something shorter",
            )
        return line.decode("utf-8", "replace") if line else None


class TypedLines:
    """Lines typed at a prompt on stderr, with the keys that a shell has."""

    def __init__(self, history: History) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.history import InMemoryHistory
        from prompt_toolkit.output import create_output

        self._history = history
        self._session: PromptSession[str] = PromptSession(
            history=InMemoryHistory(history.read()), output=create_output(stdout=sys.stderr)
        )

    def read(self) -> str | None:
        """The next line; None after Ctrl-D."""
        while True:
            try:
                line = self._session.prompt(_PROMPT)
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._session.default_buffer.text:
                    say("To leave: Ctrl-D or /quit.")
            else:
                if line.strip():
                    self._history.add(line)
                return line
